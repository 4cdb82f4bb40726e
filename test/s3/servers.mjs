// The real S3 servers of one folder, of every kind that can be had: started, stopped, killed, started again, frozen.
// What is known of them is in `servers.json` in the folder, so that each call may come from another program.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as ceph from './server-ceph.mjs';
import * as minio from './server-minio.mjs';
import { freePorts, runningServers } from './server-process.mjs';

export const kinds = ['ceph', 'minio'];

const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
const startLimitMs = 120_000;

/**
 * Starts what can be had of the kinds that are wanted, side by side. What runs, and why the rest does not.
 * Ports: given `port`, the gateway has it, and the rest has the next three; otherwise free ones.
 */
export async function startServers(folder, wanted, { install = false, limitMs = 300_000, port, program, say }) {
  const known = read(folder);
  const running = known === undefined ? [] : kinds.flatMap((kind) => runningServers(join(folder, kind)));
  if (running.length > 0) throw new Error(`servers run in ${folder} already (${running.join(', ')}): stop them first`);
  for (const kind of kinds) {
    if (known === undefined && existsSync(join(folder, kind)))
      throw new Error(`${join(folder, kind)} is there, and not of this program: name another folder`);
    rmSync(join(folder, kind), { recursive: true, force: true });
  }
  mkdirSync(folder, { recursive: true });
  const ports = port === undefined ? await freePorts(4) : [port, port + 1, port + 2, port + 3];
  const state = { ports, running: [] };
  write(folder, state);
  const reasons = {};
  const options = { install, limitMs, given: program, say };
  await Promise.all(
    wanted.map(async (kind) => {
      const reason = await startOne(folder, kind, state, options).catch(
        (cause) => `it did not start: ${cause.message}`,
      );
      if (reason === undefined) state.running.push(kind);
      else reasons[kind] = reason;
      if (reason !== undefined) await stopOne(folder, kind);
      write(folder, state);
    }),
  );
  return { running: state.running, reasons, environment: environmentOf(state) };
}

async function startOne(folder, kind, state, options) {
  const place = join(folder, kind);
  const more = { ...credentials, limitMs: startLimitMs };
  mkdirSync(place);
  if (kind === 'ceph') {
    const reason = await ceph.prepareCeph(options);
    if (reason === undefined) await ceph.startCeph(place, state.ports, more);
    return reason;
  }
  const { reason, program } = await minio.prepareMinio(options);
  if (reason !== undefined) return reason;
  state.program = resolve(program);
  await minio.startMinio(place, state.program, state.ports[3], more);
}

/** Stops every server of a folder. Their logs stay. */
export async function stopServers(folder) {
  if (read(folder) === undefined) return;
  await Promise.all(kinds.map((kind) => stopOne(folder, kind)));
  write(folder, { ...read(folder), running: [] });
}

function stopOne(folder, kind) {
  const place = join(folder, kind);
  return kind === 'ceph' ? ceph.stopCeph(place) : minio.stopMinio(place);
}

/** What `disturb` can do to the servers of a folder. */
export const disturbances = ['crash', 'resume', 'freeze', 'thaw'];

/** Does one of `disturbances` to every server of the folder that is of a wanted kind. */
export async function disturb(folder, what, wanted = kinds) {
  const state = read(folder);
  if (state === undefined || state.running.length === 0) throw new Error(`no servers run in ${folder}`);
  const { ports, program } = state;
  for (const kind of state.running.filter((name) => wanted.includes(name))) {
    const place = join(folder, kind);
    const isCeph = kind === 'ceph';
    if (what === 'crash') await (isCeph ? ceph.crashCeph(place) : minio.crashMinio(place));
    else if (what === 'freeze') (isCeph ? ceph.freezeCeph : minio.freezeMinio)(place);
    else if (what === 'thaw') (isCeph ? ceph.thawCeph : minio.thawMinio)(place);
    else if (isCeph) await ceph.resumeCeph(place, ports);
    else await minio.resumeMinio(place, program, ports[3], credentials);
  }
}

/** The environment of the servers that run in a folder. */
export function environmentIn(folder) {
  const state = read(folder);
  if (state === undefined || state.running.length === 0) throw new Error(`no servers run in ${folder}`);
  return environmentOf(state);
}

/** What the tests read. With MinIO alone it is the S3 server. */
function environmentOf({ ports: [port, slowPort, , minioPort], running }) {
  const url = (ofPort) => `http://127.0.0.1:${ofPort}`;
  const [hasCeph, hasMinio] = kinds.map((kind) => running.includes(kind));
  if (!hasCeph && !hasMinio) return {};
  return {
    S3_ENDPOINT: url(hasCeph ? port : minioPort),
    ...(hasCeph ? { S3_ENDPOINT_SLOW: url(slowPort) } : {}),
    ...(hasMinio ? { S3_ENDPOINT_MINIO: url(minioPort) } : {}),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: 'us-east-1',
  };
}

function read(folder) {
  const file = join(folder, 'servers.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function write(folder, state) {
  writeFileSync(join(folder, 'servers.json'), JSON.stringify(state));
}
