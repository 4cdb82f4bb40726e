// The program `qanat`, as somebody runs it: a process of its own, its output, and its exit status.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import packageManifest from '../../package.json' with { type: 'json' };
import { FileObjectStore, objectWal, StreamSet } from '../../src/index.ts';
import { bytesOf, someDirectory } from '../engine/world.ts';
import { root } from '../package/source-file.ts';
import { credentials, secretsIn, startServer, storeAt } from '../s3/bad-places.ts';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const keys = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };

/** Runs the program with these words, and nothing in its environment but what is given. */
async function qanat(words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const home = await someDirectory();
  const nowhere = { HOME: home, USERPROFILE: home, AWS_EC2_METADATA_DISABLED: 'true' };
  const env = { PATH: process.env['PATH'], ...nowhere, AWS_REGION: 'us-east-1', ...environment };
  const child = spawn(process.execPath, [join(root, 'dist', 'cli', 'qanat.js'), ...words], { env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout, stderr: stderr.replaceAll(/^\(.*Warning: [^]*was created\)\n/gm, '') };
}

describe('qanat', () => {
  test.each([
    [['--help'], 0, /^Usage: qanat <command>\n\n {2}qanat broker .*\n {2}qanat doctor URL /, ''],
    [['broker', '--help'], 0, /^Usage: qanat broker --data DIR \| --store URL /, ''],
    [['doctor', '--help'], 0, /^Usage: /, ''],
    [['--version'], 0, new RegExp(`^${packageManifest.version}\n$`), ''],
    [[], 2, /^$/, 'qanat: a command is missing\n\nUsage: '],
    [['nonsense'], 2, /^$/, 'qanat: there is no command "nonsense"; there is broker, doctor\n\nUsage: '],
    [['--nonsense'], 2, /^$/, 'qanat: there is no option --nonsense\n\nUsage: '],
    [['doctor'], 2, /^$/, 'qanat: doctor needs the URL of a store\n\nUsage: '],
    [['doctor', '--fix', 's3://b'], 2, /^$/, 'qanat: doctor has no option --fix\n\nUsage: '],
    [['doctor', 's3://bucket?a=b', 'c=d'], 2, /^$/, 'a URL with & in it has to stand in quotes'],
    [['doctor', 'bucket'], 2, /^$/, 'qanat doctor: the URL of a store begins with s3:// or file:///\n'],
    [['doctor', 'file:///no/such/directory'], 2, /^$/, 'qanat doctor: there is no directory /no/such/directory\n'],
    [['doctor', 's3://bucket?regio=eu'], 2, /^$/, "has no parameter 'regio'; it may have endpoint, region, "],
    [['doctor', 's3://key:secret@bucket'], 2, /^$/, 'the URL of an S3 store holds no credentials and no port'],
  ] as const)('%j ends with %d', async (words, expected, out, err) => {
    const { status, stdout, stderr } = await qanat(words);
    expect({ status, stdout, stderr }).toEqual({
      status: expected,
      stdout: expect.stringMatching(out),
      stderr: err === '' ? '' : expect.stringContaining(err),
    });
    expect(stderr).not.toContain('secret@');
  });
});

describe('qanat doctor', () => {
  test('prints a table of checks, the cluster, its nodes and what is foreign, and writes nothing', async () => {
    const fake = await startServer({ verifySignatures: false });
    const set = await StreamSet.open({ node: 'node-1', store: storeAt(fake.endpoint, { prefix: 'p' }) });
    await (await set.create({ name: 's' })).append(bytesOf('tea'));
    const other = await StreamSet.open({ node: 'node-2', store: storeAt(fake.endpoint, { prefix: 'p' }) });
    await other.close();
    const store = storeAt(fake.endpoint, { prefix: 'p' });
    for (const key of ['zebra', 'notes/a.txt', 'qanat-probe/left/key'])
      await store.put(key, bytesOf(key), { purpose: 'probe' });
    const before = [...fake.objects()].map(([key, { etag }]) => [key, etag]);
    fake.resetRequests();
    const url = `s3://qanat-test/p?endpoint=${fake.endpoint}&region=us-east-1`;
    const { status, stdout, stderr } = await qanat(['doctor', url], keys);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual([`qanat doctor ${url}`, '', expect.stringMatching(/^check +verdict +latency$/)]);
    const rows = lines.slice(3, lines.indexOf('', 3));
    expect(rows.length).toBe(15);
    for (const row of rows) expect(row).toMatch(/^\S.*\S {2,}passed {3,}[\d.]+ ms$/);
    expect(new Set(rows.map((row) => row.length)).size, 'the columns are straight').toBe(1);
    expect(lines.slice(-7)).toEqual([
      '',
      expect.stringMatching(/^cluster {2}[0-9a-f]{32} \(format 1\), passed 15 checks of probe 1 on 20\d\d-.* UTC$/),
      'nodes    1 open (node-1), 1 closed (node-2)',
      expect.stringMatching(/^foreign {2}2 objects, such as "notes\/a.txt" \(of \d+ keys\); they are never touched$/),
      expect.stringMatching(
        /^probes {3}1 objects below qanat-probe\/ of probes that were cut off; they can be deleted$/,
      ),
      '',
      'passed: all 15 checks passed',
    ]);
    expect([...fake.objects()].map(([key, { etag }]) => [key, etag])).toEqual(before);
    expect(secretsIn(stdout)).toEqual([]);
    await set.close();
  });

  test('says in a line what is wrong with everything, and ends with 1', async () => {
    const fake = await startServer();
    const at = `endpoint=${fake.endpoint}`;
    const none = await qanat(['doctor', `s3://qanat-test?${at}`]);
    expect(none).toMatchObject({ status: 1, stderr: '' });
    expect(none.stdout).toContain(
      '\nfailed: there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
    const wrong = await qanat(['doctor', `s3://nobodys?${at}`], keys);
    expect(wrong).toMatchObject({ status: 1, stderr: '' });
    expect(wrong.stdout).toContain("\nfailed: there is no bucket 'nobodys' at http://");
  });

  test('says of a damaged cluster file that it is damaged, and of an empty store what is in the way', async () => {
    const fake = await startServer({ verifySignatures: false });
    const url = `s3://qanat-test?endpoint=${fake.endpoint}`;
    const store = storeAt(fake.endpoint);
    await store.put('zebra', bytesOf('x'), { purpose: 'probe' });
    const foreign = await qanat(['doctor', url], keys);
    expect(foreign.stdout).toContain('cluster  none; ');
    expect(foreign.stdout).toContain(
      'such as "zebra" (of 1 keys); a cluster is begun only where there is nothing else',
    );
    await store.put('qanat.json', bytesOf('{}'), { purpose: 'probe' });
    const damaged = await qanat(['doctor', url], keys);
    expect(damaged.status).toBe(1);
    expect(damaged.stdout).toMatch(/^cluster {2}qanat\.json is damaged at byte 0: /m);
    expect(damaged.stdout).toMatch(/^failed: all 15 checks passed, but not all is well with what is in the store$/m);
  });

  test('looks at the files of a directory, too', async () => {
    const directory = await someDirectory();
    const store = new FileObjectStore(directory);
    await (await StreamSet.open({ node: 'a', store, wal: objectWal() })).close();
    const { status, stdout, stderr } = await qanat(['doctor', pathToFileURL(directory).href]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^cluster {2}[0-9a-f]{32} \(format 1\), not probed yet$/m);
    expect(stdout).toMatch(/^passed: all 12 checks passed$/m);
    const other = join(directory, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'mine.txt'), 'mine');
    const refused = await qanat(['doctor', pathToFileURL(other).href]);
    expect(refused).toMatchObject({ status: 1, stderr: '' });
    expect(readdirSync(other)).toEqual(['mine.txt']);
    expect(existsSync(join(directory, 'objects'))).toBe(true);
  });
});
