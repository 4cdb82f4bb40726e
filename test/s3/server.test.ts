// The script that runs real servers for the tests, as far as it can be tried without any: with a program in the place
// of MinIO that answers every request, and on a machine that has nothing.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('server.mjs', import.meta.url));
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qanat-server-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Whether a process lives. One that has ended may still be there until its parent has looked. */
async function lives(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return spawnSync('kill', ['-0', String(pid)]).status === 0;
  const facts = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'x) Z');
  return !/\) Z/.test(facts);
}

interface Called {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function call(args: readonly string[], env: NodeJS.ProcessEnv = {}): Called {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], options);
  return { code: status, stdout, stderr };
}

describe('a server that was started', () => {
  let place = '';
  let endpoint = '';
  const asks = (limitMs = 1_000): Promise<string> =>
    fetch(endpoint, { signal: AbortSignal.timeout(limitMs) }).then(
      (answer) => `answered ${answer.status}`,
      (cause: unknown) => (cause as Error).name,
    );
  const pidOf = async (): Promise<number> =>
    Number((await readFile(join(place, 'minio', 'minio.pid'), 'utf8')).split(' ')[0]);

  beforeAll(async () => {
    place = join(folder, 'servers');
    const program = join(folder, 'answers');
    const body = `require('node:http').createServer((_, answer) => answer.end()).listen(...address.split(':').toReversed())`;
    await writeFile(program, `#!${process.execPath}\nconst address = process.argv[5];\n${body};\n`);
    await chmod(program, 0o755);
    const { code, stdout, stderr } = call(['start', place, '--kind', 'minio', '--minio', program]);
    expect(code, stderr).toBe(0);
    endpoint = /^export S3_ENDPOINT=(.+)$/m.exec(stdout)?.[1] ?? '';
    expect(stdout).toContain(`export S3_ENDPOINT_MINIO=${endpoint}\n`);
    expect(stdout).toContain('export AWS_ACCESS_KEY_ID=test\n');
    expect(stderr).toMatch(/^minio run in /);
  });

  afterAll(() => void call(['stop', place]));

  test('answers where the environment says, after the script has ended', async () => {
    expect(await asks()).toBe('answered 200');
  });

  test('is not started a second time over itself', () => {
    const { code, stderr } = call(['start', place, '--kind', 'minio']);
    expect(code).toBe(1);
    expect(stderr).toContain('run in');
    expect(stderr).toContain('(minio): stop them first');
  });

  test('is killed at once and started again', async () => {
    const before = await pidOf();
    expect(call(['crash', place]).code).toBe(0);
    expect(await lives(before)).toBe(false);
    expect(await asks()).toBe('TypeError');
    expect(call(['resume', place]).code).toBe(0);
    expect(await asks()).toBe('answered 200');
  });

  test('lets requests hang while it is frozen', async () => {
    expect(call(['freeze', place]).code).toBe(0);
    expect(await asks(300)).toBe('TimeoutError');
    expect(call(['thaw', place]).code).toBe(0);
    expect(await asks()).toBe('answered 200');
  });

  test('is gone after the stop, also when it was frozen', async () => {
    const pid = await pidOf();
    call(['freeze', place]);
    expect(call(['stop', place]).code).toBe(0);
    expect(await lives(pid)).toBe(false);
    expect(call(['stop', place]).code).toBe(0);
    const { code, stderr } = call(['crash', place]);
    expect(code).toBe(1);
    expect(stderr).toContain(`no servers run in ${place}`);
  });
});

test.runIf(process.platform === 'linux')('a process that was given the id of a dead server is left alone', async () => {
  const place = join(folder, 'stale');
  await mkdir(join(place, 'minio'), { recursive: true });
  await writeFile(join(place, 'servers.json'), '{"ports":[1,2,3,4],"running":["minio"]}');
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => other.on('exit', (_, signal) => resolve(signal)));
  await writeFile(join(place, 'minio', 'minio.pid'), `${other.pid} 12345`);
  expect(call(['stop', place]).code).toBe(0);
  expect(await lives(other.pid as number)).toBe(true);
  other.kill('SIGUSR2');
  expect(await ended).toBe('SIGUSR2');
});

describe('where no server can be had', () => {
  test('the script ends with code 3 and says why, in a line for each kind', () => {
    const { code, stdout, stderr } = call(['start', join(folder, 'nothing')], { PATH: '', XDG_CACHE_HOME: folder });
    expect(stderr.split('\n')).toEqual([
      'no ceph: the programs of Ceph are not installed, and --install was not given',
      'no minio: there is no minio in PATH, and --install was not given',
      '',
    ]);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  });

  test('an installation that fails is a reason too', async () => {
    const programs = join(folder, 'programs');
    await mkdir(programs);
    for (const name of ['apt-get', 'go']) {
      await writeFile(join(programs, name), `#!/bin/sh\necho no network for "$1" >&2\nexit 9\n`);
      await chmod(join(programs, name), 0o755);
    }
    await symlink('/bin/sh', join(programs, 'sh'));
    const env = { PATH: programs, XDG_CACHE_HOME: folder };
    const { code, stderr } = call(['start', join(folder, 'nothing'), '--install'], env);
    if (process.getuid?.() === 0) expect(stderr).toMatch(/no ceph: apt-get update ended with 9: no network for update/);
    else expect(stderr).toContain('only root can install them');
    expect(stderr).toMatch(/no minio: go list ended with 9: no network for list/);
    expect(code).toBe(3);
  });

  test('a program that is given and not there is one', () => {
    const options = ['--kind', 'minio', '--minio', join(folder, 'absent')];
    const { code, stderr } = call(['start', join(folder, 'nothing'), ...options]);
    expect(stderr).toContain(`no minio: there is no file ${join(folder, 'absent')}`);
    expect(code).toBe(3);
  });
});

test('a folder that holds something else is refused and left as it is', async () => {
  const place = join(folder, 'mine');
  await mkdir(join(place, 'ceph'), { recursive: true });
  await writeFile(join(place, 'ceph', 'thesis'), 'years of work');
  const { code, stderr } = call(['start', place]);
  expect(stderr).toContain('not of this program');
  expect(code).toBe(1);
  expect(await readFile(join(place, 'ceph', 'thesis'), 'utf8')).toBe('years of work');
});

test('a wrong call ends with code 2 and the usage', () => {
  const wrong = [
    [[], 'a command and a folder are missing'],
    [['begin', folder], "there is no command 'begin'"],
    [['start', folder, '--kind', 'tape'], "there is no kind 'tape'"],
    [['start', folder, '--port', 'many'], '--port is a whole number'],
    [['start', folder, '--ports', '1'], 'unknown or incomplete option --ports'],
  ] as const;
  for (const [args, sentence] of wrong) {
    const { code, stderr } = call(args);
    expect(stderr).toContain(`${sentence}\nnode test/s3/server.mjs start|stop|`);
    expect(code).toBe(2);
  }
});
