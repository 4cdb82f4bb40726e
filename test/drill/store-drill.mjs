// The store drill: what becomes of appends when the store is slow, dies, or answers nothing. A node appends to many
// streams at a steady rate while one thing after the other befalls its store; nobody does anything but the store.
//
//   node test/drill/store-drill.mjs [--what all] [--awaySeconds 60] [--seconds 20] [--crashes 3] [--rate 400]
//     [--streams 20] [--followers 5] [--kind ceph|minio] [--minio FILE] [--servers DIR] [--port N]
//
// `what` is one of, or `all` of, in this order:
//   calm    nothing: the figures to compare with;
//   slow    a server that answers all but one request at a time with 503 SlowDown (only with ceph);
//   crash   the server is killed and started again, again and again;
//   freeze  the server takes requests and answers none, for `awaySeconds`.
// `seconds` is how long there is load in each, besides. The drill starts a server of its own (see test/s3/server.mjs),
// or uses those that run in `servers`, which it disturbs. Exit codes: 0 all was well; 1 something was lost, or did not
// go on; 2 a wrong call; 3 no server can be had.
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disturb, environmentIn, kinds, startServers, stopServers } from '../s3/servers.mjs';
import { clearStore, partFor } from './drill-store.mjs';
import { pause } from './failover-payload.mjs';
import { readArguments } from './payload.mjs';
import { StoreLoad } from './store-load.mjs';

const given = readArguments({
  ...{ what: 'all', awaySeconds: 60, seconds: 20, crashes: 3, rate: 400, streams: 20, followers: 5 },
  ...{ kind: 'ceph', minio: '', servers: '', port: 0 },
});

/** How long the store may be back until something is acknowledged again: the longest pause between two tries. */
const returnMaxMs = 15_000;

const plays = { calm, slow, crash, freeze };
const wanted = given.what === 'all' ? Object.keys(plays) : [given.what];
refuse(!wanted.every((name) => name in plays), `--what is all, ${Object.keys(plays).join(', ')}`);
refuse(!kinds.includes(given.kind), `--kind is ${kinds.join(' or ')}`);
refuse(given.rate < 50, '--rate is at least 50');

const folder = given.servers || (await mkdtemp(join(tmpdir(), 'qanat-store-drill-')));
let isStarted = false;
process.once('SIGINT', () => void finish().then(() => process.exit(1)));
process.once('SIGTERM', () => void finish().then(() => process.exit(1)));

try {
  const environment = await servers();
  if (environment !== undefined) {
    Object.assign(process.env, environment);
    for (const name of wanted) await play(name, environment);
  }
} catch (cause) {
  console.error(cause);
  process.exitCode = 1;
} finally {
  await finish();
}

/** The environment of servers that run; starts them if none are named. */
async function servers() {
  if (given.servers !== '') return environmentIn(folder);
  const say = (line) => console.log(line);
  const more = { program: given.minio || undefined, port: given.port || undefined, say };
  const { running, reasons, environment } = await startServers(join(folder, 'servers'), [given.kind], more);
  isStarted = true;
  if (running.length > 0) return environment;
  console.error(`no ${given.kind}: ${reasons[given.kind]}`);
  process.exitCode = 3;
}

async function play(name, environment) {
  const endpoint = name === 'slow' ? environment.S3_ENDPOINT_SLOW : environment.S3_ENDPOINT;
  if (endpoint === undefined) {
    console.log(`${name}: left out, for there is no slow server of this kind`);
    return;
  }
  const query = new URLSearchParams({ endpoint: environment.S3_ENDPOINT, region: environment.AWS_REGION });
  const url = await partFor(`s3://qanat-test/drills?${query}`, `store-drill-${Date.now()}`);
  const seen = new URL(url);
  seen.searchParams.set('endpoint', endpoint);
  const opened = [];
  const { S3ObjectStore } = await import('qanat/s3');
  const openConnection = () => {
    opened.push(S3ObjectStore.fromUrl(seen.href));
    return opened.at(-1);
  };
  const load = new StoreLoad({ openStore: openConnection, rate: given.rate, settings: { uploadAgeMaxMs: 2_000 } });
  await load.start(given.streams, given.followers);
  await pause(1_000);
  load.figures(); // The first second is not what this is about.
  const more = await plays[name](load);
  await load.end();
  await load.verify().catch((cause) => load.violations.push(`the store cannot be read: ${cause?.stack}`));
  console.log(`${name}: ${JSON.stringify({ ...load.figures(), ...more })}`);
  for (const store of opened) store.close();
  for (const violation of load.violations.slice(0, 10)) console.error(`VIOLATION (${name}): ${violation}`);
  if (load.violations.length > 0) process.exitCode = 1;
  else await clearStore(url);
}

async function calm() {
  await pause(given.seconds * 1_000);
  return {};
}

async function slow() {
  await pause(given.seconds * 1_000);
  return {};
}

async function crash(load) {
  const awayMs = [];
  const returnMs = [];
  for (let i = 0; i < given.crashes; i++) {
    await pause((given.seconds * 1_000) / given.crashes);
    const startedAt = performance.now();
    await disturb(serverFolder(), 'crash');
    await pause(500 + i * 1_000);
    await disturb(serverFolder(), 'resume');
    awayMs.push(Math.round(performance.now() - startedAt));
    returnMs.push(await load.nextAcknowledgement());
  }
  return judgeReturn(load, { awayMs, returnMs });
}

async function freeze(load) {
  await pause((given.seconds * 1_000) / 2);
  await disturb(serverFolder(), 'freeze');
  await pause(given.awaySeconds * 1_000);
  await disturb(serverFolder(), 'thaw');
  const returnMs = [await load.nextAcknowledgement()];
  await pause((given.seconds * 1_000) / 2);
  return judgeReturn(load, { awayMs: [given.awaySeconds * 1_000], returnMs });
}

function judgeReturn(load, figures) {
  for (const ms of figures.returnMs)
    if (ms > returnMaxMs) load.violations.push(`the store was back for ${ms} ms until something was acknowledged`);
  return figures;
}

function serverFolder() {
  return given.servers === '' ? join(folder, 'servers') : folder;
}

async function finish() {
  if (isStarted) await stopServers(serverFolder());
  if (given.servers === '' && existsSync(folder)) await rm(folder, { recursive: true, force: true });
}

function refuse(isWrong, sentence) {
  if (!isWrong) return;
  console.error(sentence);
  process.exit(2);
}
