// B4: reading the tail from memory. What a read() costs that finds one batch, and what each batch costs in a read of
// many; that two reads give the same memory, not copies; and how long it takes until 10,000 followers have a batch.
//
//   node bench/tail-read.mjs [--batches 20000] [--followers 10000] [--rounds N] [--seconds S]
//
// Calibrator of the reads: an async function that searches an array for the offset and gives views of one slab.
// Calibrator of the followers: as many async iterators over bare promises that are resolved in one pass. The time of
// the followers begins at the call of append and ends when the last one has its batch; the store is in memory, so the
// append itself is a small part of it.
import { MemoryObjectStore, objectWal, StreamSet } from 'qanat';
import { bench, loadNow, readArguments, timed } from './harness.mjs';
import { makePayloads } from './place.mjs';

const given = readArguments({
  seconds: 0.5,
  more: { batches: 20_000, followers: 10_000 },
  tiny: { batches: 500, followers: 100 },
});
const batchBytes = 1024;
const load = loadNow();
const payloads = makePayloads(batchBytes);

/** Two reads of one batch are views of the same bytes; otherwise the bench has nothing to say and fails. */
async function checkNoCopy() {
  const [one, other] = await Promise.all([stream.read(7), stream.read(7)]);
  const [a, b] = [one.batches[0].bytes, other.batches[0].bytes];
  if (a.buffer !== b.buffer || a.byteOffset !== b.byteOffset || a.byteLength !== batchBytes)
    throw new Error('two reads of a batch give different memory: the tail is copied');
  console.log('no copy: two reads of a batch share its memory');
}

async function measureReads(batches, unit) {
  const tail = new SlabTail(given.batches);
  const maxBytes = batches * batchBytes;
  const places = given.batches - batches;
  const perUnit = async (read) => {
    const figure = await timed(() => readFor(given.seconds, places, read));
    return { ...figure, value: 1e9 / figure.value };
  };
  await bench({
    name: `tail read, ${batches} x 1 KiB a read`,
    unit,
    better: 'lower',
    goal: { value: 1000 },
    rounds: given.rounds,
    load,
    subject: {
      what: 'qanat, read()',
      requests: () => set.stats().requests,
      run: () => perUnit((offset) => stream.read(offset, { maxBytes })),
    },
    calibrator: {
      what: 'a search and views, async',
      run: () => perUnit((offset) => tail.read(offset, maxBytes)),
    },
  });
}

/** Reads here and there, one after the other. */
async function readFor(seconds, places, read) {
  const end = performance.now() + seconds * 1000;
  let amount = 0;
  let checksum = 0;
  let offset = 1;
  do {
    for (let i = 0; i < 1000; i++) {
      offset = (offset + 7919) % places;
      const { batches } = await read(offset);
      amount += batches.length;
      checksum = (checksum + batches[0].bytes[0] + batches.length) >>> 0;
    }
  } while (performance.now() < end);
  return { amount, checksum };
}

async function measureFollowers(streamCount) {
  const streams = await Promise.all(Array.from({ length: streamCount }, () => set.create()));
  const what = `${given.followers} followers of ${streamCount === 1 ? 'one stream' : `${streamCount} streams`}`;
  await bench({
    name: `wake ${what}`,
    unit: 'ms',
    better: 'lower',
    goal: { value: 20 },
    rounds: given.rounds,
    load,
    subject: {
      what: 'qanat, follow()',
      requests: () => set.stats().requests,
      run: async () => {
        const followers = Array.from({ length: given.followers }, (_, i) => streams[i % streamCount].follow('end'));
        const figure = await wake(followers, () => streams.map((each) => each.append(payloads[0])));
        await Promise.all(followers.map((follower) => follower.return()));
        return figure;
      },
    },
    calibrator: {
      what: 'bare async iterators',
      run: async () => {
        const resolves = [];
        const followers = Array.from({ length: given.followers }, () => bareFollower(resolves));
        return wake(followers, () => resolves.map((resolve) => resolve({ bytes: payloads[0] })));
      },
    },
  });
}

/** Time from `send` until every follower has its batch. */
async function wake(followers, send) {
  const got = followers.map((follower) => follower.next());
  await new Promise((resolve) => setTimeout(resolve, 20)); // They all wait now.
  const start = performance.now();
  const sent = send();
  const batches = await Promise.all(got);
  const value = performance.now() - start;
  await Promise.all(sent);
  return { value, checksum: batches.reduce((sum, batch) => sum + batch.value.bytes.byteLength, 0) };
}

async function* bareFollower(resolves) {
  for (;;) yield await new Promise((resolve) => resolves.push(resolve));
}

/** What a tail read cannot do without: the place of an offset, and views of the bytes from there. */
class SlabTail {
  #ends;
  #slab;

  constructor(count) {
    this.#ends = Float64Array.from({ length: count }, (_, i) => i + 1);
    this.#slab = new ArrayBuffer(count * batchBytes);
    for (let i = 0; i < count; i++) new Uint8Array(this.#slab, i * batchBytes, batchBytes).set(payloads[i % 64]);
  }

  async read(offset, maxBytes) {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    const batches = [];
    for (let size = 0; size + batchBytes <= maxBytes && low < this.#ends.length; low++, size += batchBytes)
      batches.push({ startOffset: low, bytes: new Uint8Array(this.#slab, low * batchBytes, batchBytes) });
    return { batches };
  }
}

// The tail has a sixteenth of the budget: all that is read here is in it. Nothing is left to be uploaded meanwhile.
const settings = { memoryMaxBytes: 512 * 2 ** 20 };
const set = await StreamSet.open({ node: 'bench', store: new MemoryObjectStore(), wal: objectWal(), settings });
const stream = await set.create();
await stream.appendAll(Array.from({ length: given.batches }, (_, i) => ({ bytes: payloads[i % payloads.length] })));
await set.upload();
await checkNoCopy();
for (const [batches, unit] of [
  [1, 'ns/read'],
  [64, 'ns/batch'],
])
  await measureReads(batches, unit);
for (const streams of [1, 1000]) await measureFollowers(streams);
await set.close();
