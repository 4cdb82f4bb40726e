// Processes of real servers that outlive the program that starts them: each is known by a file that holds its id and
// when it began, so that a later program can signal it, and signals no other one that was given the same id since.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Programs that this one runs and waits for: they must not outlive it. */
const children = new Set();

/** Ends what `run` has under way. */
export function endChildren() {
  for (const child of children) child.kill('SIGKILL');
}

/** Runs a program to its end; what it printed. A program that fails, or is not done in time, is an error. */
export async function run(command, args, { limitMs, env, cwd } = {}) {
  const child = spawn(command, args, {
    ...{ cwd, stdio: ['ignore', 'pipe', 'pipe'], killSignal: 'SIGKILL' },
    env: { ...process.env, ...env },
    timeout: limitMs,
  });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => (output[name] += chunk));
  const [code, signal] = await new Promise((resolve) => {
    child.on('error', (cause) => resolve([cause.code, null]));
    child.on('close', (...ended) => resolve(ended));
  });
  children.delete(child);
  if (code === 0) return output.stdout;
  const said = `${output.stdout}\n${output.stderr}`.trim().split('\n').slice(-3).join(' | ');
  const why = signal === null ? `ended with ${code}` : `was not done in ${limitMs} ms`;
  throw new Error(`${command} ${args[0] ?? ''} ${why}: ${said}`);
}

/** Starts a server that goes on when this program has ended. Its output goes to `<folder>/<name>.out`. */
export function startServer(folder, name, command, args, env = {}) {
  const output = openSync(join(folder, `${name}.out`), 'a');
  const child = spawn(command, args, {
    ...{ cwd: folder, detached: true, stdio: ['ignore', output, output] },
    env: { ...process.env, ...env },
  });
  child.on('error', () => {}); // It is not there, and so it never answers.
  child.unref();
  if (child.pid !== undefined) writeFileSync(pidFile(folder, name), `${child.pid} ${beginningOf(child.pid)}`);
}

/** Sends a signal to a server; whether it was there to take it. */
export function signalServer(folder, name, signal) {
  const pid = runningPid(folder, name);
  if (pid === undefined) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Ends a server and waits until it is gone; by force if it takes too long, or at once. */
export async function endServer(folder, name, { atOnce = false } = {}) {
  signalServer(folder, name, atOnce ? 'SIGKILL' : 'SIGTERM');
  signalServer(folder, name, 'SIGCONT');
  for (let waits = 0; runningPid(folder, name) !== undefined; waits++) {
    if (waits === 50) signalServer(folder, name, 'SIGKILL');
    await pause(100);
  }
  rmSync(pidFile(folder, name), { force: true });
}

/** The names of the servers of a folder that run. */
export function runningServers(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).flatMap((file) => (file.endsWith('.pid') ? [file.slice(0, -4)] : []));
  return names.filter((name) => runningPid(folder, name) !== undefined);
}

/** Waits until an HTTP server answers, whatever it says. */
export async function untilAnswers(url, limitMs, isRunning = () => true) {
  for (const deadline = Date.now() + limitMs; ; await pause(100)) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (answer !== undefined) return;
    if (!isRunning()) throw new Error(`the server for ${url} has ended`);
    if (Date.now() > deadline) throw new Error(`no answer from ${url} in ${limitMs} ms`);
  }
}

/** So many free ports of the loopback. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Where a program lies, among the folders of PATH. */
export function whereIs(program) {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function pidFile(folder, name) {
  return join(folder, `${name}.pid`);
}

function runningPid(folder, name) {
  if (!existsSync(pidFile(folder, name))) return undefined;
  const [pid, beginning] = readFileSync(pidFile(folder, name), 'utf8').split(' ');
  const now = beginningOf(Number(pid));
  return now === beginning && now !== 'gone' ? Number(pid) : undefined;
}

/** When a process began, in ticks since the machine did; 'gone' without one, and 'some' where nobody can tell. */
function beginningOf(pid) {
  if (existsSync('/proc/self/stat')) {
    try {
      const facts = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return facts[0] === 'Z' ? 'gone' : facts[19];
    } catch {
      return 'gone';
    }
  }
  try {
    process.kill(pid, 0);
    return 'some';
  } catch {
    return 'gone';
  }
}
