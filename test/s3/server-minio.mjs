// MinIO on one folder of this machine, loopback only: a process of its own, from PATH, from a file that is named, or
// built by Go from its source into a cache folder. It is under the AGPL: nothing here may import or contain any of it.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { endServer, run, runningServers, signalServer, startServer, untilAnswers, whereIs } from './server-process.mjs';

const module = 'github.com/minio/minio';
const version = 'v0.0.0-20260212201848-7aac2a2c5b7c';

/** Why this server cannot be had here, or the file of the program. Builds it if told to. */
export async function prepareMinio({ install, given, limitMs, say }) {
  if (given !== undefined) return existsSync(given) ? { program: given } : { reason: `there is no file ${given}` };
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'qanat', `minio-${version}`);
  const built = join(cache, 'minio');
  const program = [whereIs('minio'), built].find((path) => path !== undefined && existsSync(path));
  if (program !== undefined) return { program };
  if (!install) return { reason: 'there is no minio in PATH, and --install was not given' };
  if (whereIs('go') === undefined) return { reason: 'there is no minio in PATH, and no Go to build it with' };
  const making = `${cache}.${process.pid}`;
  const deadline = Date.now() + limitMs;
  try {
    mkdirSync(making, { recursive: true });
    const env = { GOBIN: making, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' };
    // Tells quickly whether there is a network.
    await run('go', ['list', '-m', `${module}@${version}`], { env, cwd: making, limitMs: Math.min(60_000, limitMs) });
    say('building MinIO with Go');
    await run('go', ['install', `${module}@${version}`], { env, cwd: making, limitMs: deadline - Date.now() });
    mkdirSync(cache, { recursive: true });
    await run('mv', [join(making, 'minio'), built]);
  } catch (cause) {
    return { reason: cause.message };
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return { program: built };
}

/** Starts it, with nothing in it. */
export async function startMinio(folder, program, port, { accessKeyId, secretAccessKey, limitMs }) {
  mkdirSync(join(folder, 'data'), { recursive: true });
  await resumeMinio(folder, program, port, { accessKeyId, secretAccessKey, limitMs });
}

/** Ends it, and lets go of the disk. */
export async function stopMinio(folder) {
  await endServer(folder, 'minio');
  rmSync(join(folder, 'data'), { recursive: true, force: true });
}

/** Kills it, in the midst of whatever it does. The data stay. */
export async function crashMinio(folder) {
  await endServer(folder, 'minio', { atOnce: true });
}

/** Starts it again. */
export async function resumeMinio(folder, program, port, { accessKeyId, secretAccessKey, limitMs = 60_000 }) {
  const env = { MINIO_ROOT_USER: accessKeyId, MINIO_ROOT_PASSWORD: secretAccessKey, MINIO_BROWSER: 'off' };
  startServer(folder, 'minio', program, ['server', 'data', '--address', `127.0.0.1:${port}`, '--quiet'], env);
  await untilAnswers(`http://127.0.0.1:${port}/minio/health/live`, limitMs, () => runningServers(folder).length > 0);
}

/** Stops it: it takes connections, and never answers. */
export function freezeMinio(folder) {
  return signalServer(folder, 'minio', 'SIGSTOP');
}

/** Lets it go on. */
export function thawMinio(folder) {
  return signalServer(folder, 'minio', 'SIGCONT');
}
