// Moving streams: `close` on one node and `open` on another, of one stream and of many at once, with what was appended
// and not uploaded in them. Streams that move together share the flush and the change that registers it, so many cost
// few requests more than one, and nothing that was appended is read or written again.
//
//   node bench/move.mjs [--streams 1000] [--batches 4] [--bytes 1024] [--rounds N] [--directory DIR]
//
// The calibrator is one stream of the same content, so the ratio is what the others add.
import { join } from 'node:path';
import { FileObjectStore, StreamSet, objectWal } from 'qanat';
import { bench, readArguments } from './harness.mjs';
import { makePayloads, makePlace } from './place.mjs';

const given = readArguments({
  rounds: 7,
  more: { streams: 1000, batches: 4, bytes: 1024, directory: '' },
  tiny: { streams: 20 },
});
const store = new FileObjectStore(join(makePlace(given.directory), 'store'));
const settings = { uploadAgeMaxMs: 86_400_000 };
const open = (node) => StreamSet.open({ node, store, wal: objectWal(), settings });
const sets = [await open('here'), await open('there')];
const payloads = makePayloads(given.bytes).map((bytes) => ({ bytes }));

const many = await created('many', given.streams);
const one = await created('one', 1);

await bench({
  name: `move ${given.streams} streams from node to node, ${given.batches} batches of ${given.bytes} bytes in each`,
  unit: 'ms',
  better: 'lower',
  rounds: given.rounds,
  subject: { what: `${given.streams} streams at once`, run: () => move(many) },
  calibrator: { what: 'one stream', run: () => move(one) },
});
for (const set of sets) await set.close();

async function created(name, count) {
  const names = Array.from({ length: count }, (_, i) => `${name}-${i}`);
  return { at: 0, streams: await Promise.all(names.map((each) => sets[0].create({ name: each }))) };
}

/** Fills the streams where they are, and moves them to the other node. */
async function move(group) {
  const batches = payloads.slice(0, given.batches);
  await Promise.all(group.streams.map((stream) => stream.appendAll(batches)));
  const names = group.streams.map(({ name }) => name);
  const ends = group.streams.map(({ endOffset }) => endOffset);
  const before = sets.map(countsOf);
  const start = performance.now();
  await Promise.all(group.streams.map((stream) => stream.close()));
  group.at = 1 - group.at;
  group.streams = await Promise.all(names.map((name) => sets[group.at].open(name)));
  const ms = performance.now() - start;
  group.streams.forEach(({ name, endOffset }, i) => {
    if (endOffset !== ends[i]) throw new Error(`${name} ends at ${endOffset} after its move, not at ${ends[i]}`);
  });
  const after = sets.map(countsOf);
  const since = (what) => after.reduce((sum, counts, i) => sum + counts[what] - before[i][what], 0);
  return {
    value: ms,
    checksum: ends.reduce((sum, end) => sum + end, 0),
    also: { requests: since('requests'), 'KiB of data read or uploaded': since('copied') / 1024 },
  };
}

function countsOf(set) {
  const counts = { requests: 0, copied: 0 };
  for (const { purpose, requests, bytesIn, bytesOut } of set.stats().requests) {
    counts.requests += requests;
    if (purpose === 'read' || purpose === 'upload') counts.copied += bytesIn + bytesOut;
  }
  return counts;
}
