// Real S3 servers on this machine for the tests: Ceph's gateway, and MinIO.
//
//   node test/s3/server.mjs start DIR [--kind ceph|minio|auto] [--install] [--port N] [--minio FILE] [--limit SECONDS]
//   node test/s3/server.mjs stop DIR
//   node test/s3/server.mjs crash|resume|freeze|thaw DIR [--kind ceph|minio|auto]
//
// `start` starts what can be had, both kinds unless told, and prints the environment to use as lines for a shell; what
// it does, and why something cannot be had, goes to the standard error. With `--install` it installs what is missing:
// Ceph with apt-get, as root; MinIO with Go; each within the limit (300 seconds). Exit codes: 0 something runs; 3 no
// server can be had here; 2 a wrong call; 1 anything else.
// `crash` kills the gateway at once and `resume` starts it again, with its data; between `freeze` and `thaw` every
// request hangs. `stop` leaves no process behind.
import { resolve } from 'node:path';
import { endChildren } from './server-process.mjs';
import { disturb, disturbances, kinds, startServers, stopServers } from './servers.mjs';

const usage = `node test/s3/server.mjs start|stop|${disturbances.join('|')} DIR
  [--kind ceph|minio|auto] [--install] [--port N] [--minio FILE] [--limit SECONDS]`;
const say = (line) => console.error(line);

const [command, directory, ...words] = process.argv.slice(2);
const given = { kind: 'auto', install: false, port: undefined, minio: undefined, limit: '300' };
if (directory === undefined || directory.startsWith('-')) refuse('a command and a folder are missing');
for (let i = 0; i < words.length; i++) {
  const name = words[i].replace(/^--/, '');
  if (name === 'install') given.install = true;
  else if (name in given && words[i + 1] !== undefined) given[name] = words[++i];
  else refuse(`unknown or incomplete option ${words[i]}`);
}
for (const name of ['port', 'limit'])
  if (given[name] !== undefined && !/^[1-9]\d{0,4}$/.test(given[name])) refuse(`--${name} is a whole number`);
if (given.kind !== 'auto' && !kinds.includes(given.kind)) refuse(`there is no kind '${given.kind}'`);
const wanted = given.kind === 'auto' ? kinds : [given.kind];
const folder = resolve(directory);

try {
  if (command === 'start') await start();
  else if (command === 'stop') await stopServers(folder);
  else if (disturbances.includes(command)) await disturb(folder, command, wanted);
  else refuse(`there is no command '${command}'`);
} catch (cause) {
  say(cause.message);
  process.exitCode = 1;
}

async function start() {
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      endChildren();
      void stopServers(folder).then(() => process.exit(1));
    });
  const port = given.port === undefined ? undefined : Number(given.port);
  const limitMs = Number(given.limit) * 1_000;
  const started = Date.now();
  const options = { install: given.install, limitMs, port, program: given.minio, say };
  const { running, reasons, environment } = await startServers(folder, wanted, options);
  const seconds = ((Date.now() - started) / 1_000).toFixed(1);
  for (const [kind, reason] of Object.entries(reasons)) say(`no ${kind}: ${reason}`);
  if (running.length > 0) say(`${running.join(' and ')} run in ${folder} (${seconds} s)`);
  else process.exitCode = 3;
  for (const [name, value] of Object.entries(environment)) console.log(`export ${name}=${value}`);
}

function refuse(sentence) {
  say(`${sentence}\n${usage}`);
  process.exit(2);
}
