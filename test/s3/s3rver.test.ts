// s3rver, a server for tests that many know from npm, overwrites whatever stands and pays no heed to conditions. It is
// fetched from the registry for this test alone, and refused.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/cli/doctor.ts';
import { StreamSet } from '../../src/index.ts';
import { errorOf } from '../engine/world.ts';
import { storeAt } from './bad-places.ts';

const folder = mkdtempSync(join(tmpdir(), 'qanat-s3rver-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, 's3rver@3.7.1'];
const isInstalled = spawnSync('npm', npm, { timeout: 60_000, shell: process.platform === 'win32' }).status === 0;

describe.skipIf(!isInstalled)('s3rver (needs the registry of npm)', () => {
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  let server: ChildProcess | undefined;
  afterAll(() => server?.kill('SIGKILL'));

  /** Starts the server: its endpoint. */
  async function start(): Promise<string> {
    const port = await freePort();
    const program = join(folder, 'node_modules', 's3rver', 'bin', 's3rver.js');
    const place = ['-d', join(folder, 'data'), '-p', `${port}`, '-a', '127.0.0.1', '--configure-bucket', 'qanat-test'];
    const child = spawn(process.execPath, [program, ...place], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    server = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => String(chunk).includes('listening') && resolve());
      child.on('exit', () => reject(new Error('s3rver did not start')));
    });
    return `http://127.0.0.1:${port}`;
  }

  test('is refused when a set is opened, with the conditions that it does not keep', { timeout: 60_000 }, async () => {
    const endpoint = await start();
    const open = (): ReturnType<typeof storeAt> => storeAt(endpoint, { credentials });
    const error = await errorOf(StreamSet.open({ node: 'a', store: open() }));
    expect(error).toMatchObject({ code: 'STORE_UNSUITABLE' });
    const failed = error['failedChecks'] as readonly { name: string }[];
    const names = failed.map(({ name }) => name);
    expect(names).toContain('a key that is there is not created again');
    expect(names).toContain('a value is replaced over its etag, and over no other');
    expect(error.message).toContain("its creation by another writer was answered 'stored' and not 'exists'");
    const lines: string[] = [];
    const { signal } = new AbortController();
    expect(await runDoctor(open(), { title: 's3rver', print: (line) => lines.push(line), signal })).toBe(1);
    expect(lines.join('\n')).toMatch(/^a key that is there is not created again +failed/m);
    const left = await open().list({ prefix: '', purpose: 'probe' });
    expect(left.keys).toEqual([]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
