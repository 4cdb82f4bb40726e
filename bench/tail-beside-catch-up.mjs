// What a reader that catches up costs the readers of the tail: the time from an append to its batch at a follower, with
// and without somebody in the same process who reads a cold stream from its start, again and again, as fast as it goes.
//
//   node bench/tail-beside-catch-up.mjs [--megabytes 128] [--memory 256] [--perSecond 200] [--wal file|object]
//                                       [--rounds N] [--seconds S] [--directory DIR]
//
// The calibrator is the same tail without the other reader, so the ratio is the factor by which the 99th percentile
// grows: it is to stay below 10. The tail has a memory share of its own, and a catch-up reader lets the event loop turn;
// what it costs is the processor time of its slices, and the garbage that it leaves. The cold stream is larger than the
// cache of blocks (an eighth of --memory, in MiB), so that it comes from the store each time.
import { join } from 'node:path';
import { FileObjectStore, StreamSet } from 'qanat';
import { bench, quantile, readArguments } from './harness.mjs';
import { makePayloads, makePlace, walOf } from './place.mjs';

const MiB = 1 << 20;
const given = readArguments({
  seconds: 3,
  more: { megabytes: 128, memory: 256, perSecond: 200, wal: 'file', directory: '' },
  tiny: { seconds: 0.3, megabytes: 12, memory: 64 },
});
const place = makePlace(given.directory);
const store = new FileObjectStore(join(place, 'store'));
const settings = { memoryMaxBytes: given.memory * MiB };
const set = await StreamSet.open({ node: 'bench', store, wal: walOf(given.wal, place), settings });
const payloads = makePayloads(64 * 1024);
const small = makePayloads(1024);
const cold = await fill();
const tail = await set.create({ name: 'tail' });

await bench({
  name: `tail beside catch-up, ${given.perSecond} appends of 1 KiB a second, ${given.wal} WAL`,
  unit: 'ms (99 % of append to follower)',
  better: 'lower',
  goal: { ratio: 10 },
  rounds: given.rounds,
  subject: {
    what: 'with a catch-up reader',
    requests: () => set.stats().requests,
    run: async () => {
      const stop = new AbortController();
      const reading = readAgainAndAgain(stop.signal);
      const figure = await followTail();
      stop.abort();
      const { megabytes, seconds, checksum } = await reading;
      return {
        ...figure,
        checksum: (figure.checksum + checksum) >>> 0,
        also: { ...figure.also, 'catch-up, MB/s': megabytes / seconds },
      };
    },
  },
  calibrator: { what: 'the tail alone', run: followTail },
});
await set.close();

/** A stream that is in objects only: it is given up, and read by somebody who does not own it. */
async function fill() {
  const stream = await set.create({ name: 'cold' });
  const batches = payloads.slice(0, 16).map((bytes) => ({ bytes }));
  for (let i = 0; i < given.megabytes; i++) await stream.appendAll(batches);
  await stream.close();
  return set.reader('cold');
}

async function readAgainAndAgain(signal) {
  const start = performance.now();
  let megabytes = 0;
  let checksum = 0;
  for (let offset = 0; !signal.aborted;) {
    const { batches, nextOffset } = await cold.read(offset);
    for (const { bytes } of batches) {
      megabytes += bytes.byteLength / 1e6;
      checksum = (checksum + bytes[0]) >>> 0;
    }
    offset = nextOffset;
    if (offset === cold.endOffset) offset = 0;
  }
  return { megabytes, checksum, seconds: (performance.now() - start) / 1000 };
}

/** Appends at a steady pace, and takes the time until each batch is with the follower. */
async function followTail() {
  const calledAt = new Map();
  const delays = [];
  const count = Math.max(20, Math.round(given.seconds * given.perSecond));
  const first = tail.nextOffset;
  let checksum = 0;
  const following = (async () => {
    for await (const { startOffset, bytes } of tail.follow('end')) {
      delays.push(performance.now() - calledAt.get(startOffset));
      checksum = (checksum + bytes[0] + 1) >>> 0;
      if (startOffset === first + count - 1) return;
    }
  })();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const waitMs = start + (i * 1000) / given.perSecond - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calledAt.set(tail.nextOffset, performance.now());
    await tail.append(small[i % small.length]);
  }
  await following;
  return {
    value: quantile(delays, 0.99),
    checksum,
    also: { 'p50, ms': quantile(delays, 0.5), 'max, ms': quantile(delays, 1) },
  };
}
