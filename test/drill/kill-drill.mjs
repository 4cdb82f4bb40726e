// The kill drill: a process appends to many streams and prints what was acknowledged; it is killed with SIGKILL at a
// random moment, opening included; another takes its place on the same directory, or bucket. After every reopening all
// that was printed must be there, offsets contiguous, bytes equal.
//
//   node test/drill/kill-drill.mjs [--wal file|object] [--rounds 200] [--streams 20] [--lifeMs 400] [--seed N]
//     [--directory DIR] [--store s3://bucket/prefix?endpoint=…&region=…]
//
// In a bucket the log is in the store; the drill has a part of the bucket to itself, and empties it when all was well.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { StreamSet } from 'qanat';
import { clearStore, isBucket, openStore, partFor } from './drill-store.mjs';
import { readArguments, walOf, writerOf } from './payload.mjs';

const given = readArguments({
  wal: '',
  rounds: 200,
  streams: 20,
  directory: '',
  store: '',
  lifeMs: 400,
  seed: Date.now() % 100_000,
});
given.wal ||= isBucket(given.store) ? 'object' : 'file';
walOf(given.wal); // Ends the drill if there is no such WAL.
if (isBucket(given.store) && given.wal !== 'object') {
  console.error('in a bucket the drill has the object WAL: leave --wal out');
  process.exit(2);
}
const url = await partFor(given.store, `kill-drill-${Date.now()}`);
const directory = given.directory || (await mkdtemp(join(tmpdir(), 'qanat-kill-drill-')));
const place = isBucket(url) ? url : `directory ${directory}`;
/** A process has to start, and to load what it needs, before there is anything to be killed. */
const earlyMs = isBucket(url) ? 1_500 : 300;
const store = await openStore(url, directory);
const appender = fileURLToPath(new URL('appender.mjs', import.meta.url));

/** Per stream: the batches that were acknowledged, as [start, end, incarnation], in the order of their offsets. */
const acknowledged = Array.from({ length: given.streams }, () => []);
/** Per stream: how many of them were verified once and are not looked at again until the end. */
const verified = acknowledged.map(() => 0);
const totals = { rounds: 0, killedWhileOpening: 0, acknowledged: 0, batchesRead: 0, longestOpenMs: 0 };

let random = given.seed;
const dice = (sides) => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) % sides;

/** What was acknowledged by now and not verified yet; or everything. */
function claims(all) {
  return acknowledged.map((batches, index) => {
    batches.sort(([a], [b]) => a - b);
    return batches.slice(all ? 0 : verified[index]);
  });
}

/** Checks that everything claimed is there, offsets contiguous, bytes equal. */
async function verify(expected) {
  const view = await StreamSet.openReadOnly({ store });
  try {
    for (const [index, batches] of expected.entries()) {
      if (batches.length > 0) await verifyStream(view, index, batches);
      verified[index] += batches.length;
    }
  } finally {
    await view.close();
  }
}

async function verifyStream(view, index, expected) {
  const reader = await view.reader(`stream-${index}`);
  const wanted = new Map(expected.map(([start, end, incarnation]) => [start, { end, incarnation }]));
  const last = expected.at(-1)[1];
  if (reader.endOffset < last) throw new Error(`stream ${index} ends at ${reader.endOffset}; ${last} was acknowledged`);
  for (let offset = expected[0][0]; offset < last;) {
    const { batches, nextOffset } = await reader.read(offset, { to: last });
    for (const { startOffset, endOffset, bytes } of batches) {
      if (startOffset !== offset) throw new Error(`stream ${index}: ${startOffset} follows ${offset}`);
      const writer = writerOf(index, startOffset, bytes);
      if (writer === undefined) throw new Error(`stream ${index}: other bytes at ${startOffset}`);
      const want = wanted.get(startOffset);
      if (want !== undefined && (want.end !== endOffset || want.incarnation !== writer))
        throw new Error(
          `stream ${index} at ${startOffset}: ${JSON.stringify(want)} was acknowledged, ${writer} wrote it`,
        );
      wanted.delete(startOffset);
      totals.batchesRead += 1;
      offset = endOffset;
    }
    if (nextOffset !== offset) throw new Error(`stream ${index}: read on at ${nextOffset}, not ${offset}`);
  }
  if (wanted.size > 0) throw new Error(`stream ${index}: batch at ${[...wanted.keys()][0]} is lost`);
}

/** One life: spawn, verify once it is open, let it work, kill it. */
async function round(incarnation) {
  const own = { directory, store: url, streams: given.streams, incarnation, wal: given.wal };
  const options = Object.entries(own).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const args = [appender, ...options];
  const expected = claims(false); // Of the lives before this one.
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let opened;
  const isOpen = new Promise((resolve) => (opened = resolve));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [word, ...numbers] = line.split(' ');
    if (word === 'open') opened(true);
    if (word === 'acked') acknowledge(...numbers.map(Number), incarnation);
  });
  const early = dice(5) === 0;
  const outcome = await Promise.race([isOpen, ended, ...(early ? [pause(dice(earlyMs))] : [])]);
  if (outcome === true) {
    totals.longestOpenMs = Math.max(totals.longestOpenMs, performance.now() - started);
    // Appending to a bucket is faster than reading from it: without a pause each life would leave more to be read.
    if (isBucket(url)) child.kill('SIGSTOP');
    await verify(expected);
    if (isBucket(url)) child.kill('SIGCONT');
    while (totals.acknowledged === 0 && child.exitCode === null) await pause(5); // On a machine that is busy.
    await pause(dice(given.lifeMs));
  } else if (outcome !== undefined) throw new Error(`the appender ended by itself: ${JSON.stringify(outcome)}`);
  else totals.killedWhileOpening += 1;
  child.kill('SIGKILL');
  const { signal, code } = await ended;
  if (signal !== 'SIGKILL') throw new Error(`the appender ended by itself, with ${code}`);
}

function acknowledge(index, start, end, incarnation) {
  acknowledged[index].push([start, end, incarnation]);
  totals.acknowledged += 1;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

try {
  console.log(
    `kill drill: ${place}, ${given.wal} WAL, ${given.rounds} rounds, ${given.streams} streams, seed ${given.seed}`,
  );
  for (let incarnation = 1; incarnation <= given.rounds; incarnation++) {
    await round(incarnation);
    totals.rounds += 1;
    if (incarnation % 20 === 0) console.log(JSON.stringify(totals));
  }
  const last = await StreamSet.open({ node: 'a', store, wal: walOf(given.wal) });
  await last.close();
  await verify(claims(true));
  console.log(`nothing acknowledged was lost: ${JSON.stringify(totals)}`);
  await clearStore(url);
  if (!given.directory) await rm(directory, { recursive: true, force: true });
} catch (cause) {
  console.error(`LOST after ${totals.rounds} rounds (seed ${given.seed}, ${place}):`, cause);
  process.exitCode = 1;
}
store.close?.();
