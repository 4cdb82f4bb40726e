// A process of its own that caches a million batches of 20 bytes, uploads them and goes on. It writes what each batch
// cost as one line of JSON. Run it with --expose-gc.
import { MemoryObjectStore, memoryWal, StreamSet } from 'qanat';

const streamCount = 10;
const chunkLength = 1_000;
const total = 1_000_000;

/** What is in use once everything that nobody needs is gone. */
async function inUse() {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapUsed, arrayBuffers };
}

/** Counts what is stored and keeps none of the bytes of data objects, so that the memory is the engine's. */
class ForgetfulStore extends MemoryObjectStore {
  put(key, body, options) {
    return super.put(key, options.purpose === 'upload' ? new Uint8Array(1) : body, options);
  }
}

const set = await StreamSet.open({ node: 'a', store: new ForgetfulStore(), wal: memoryWal() });
const streams = [];
for (let i = 0; i < streamCount; i++) streams.push(await set.create({ name: `s${i}` }));
const bytes = new Uint8Array(20).fill(7);
const chunk = Array.from({ length: chunkLength }, () => ({ bytes }));

async function append(count) {
  for (let i = 0; i < count / chunkLength; i++) await streams[i % streamCount].appendAll(chunk);
}

await append(10 * chunkLength * streamCount); // So that what is made once is made.
await set.upload();
const before = await inUse();
const start = streams[0].endOffset;
await append(total);
const full = await inUse();
let cached = 0;
for (const stream of streams) {
  for (let offset = start; offset < stream.endOffset;) {
    const { batches, nextOffset } = await stream.read(offset, { onlyCached: true, maxBytes: 100_000 });
    cached += batches.length;
    offset = nextOffset;
  }
}
await set.upload();
await append(chunkLength);
await new Promise((resolve) => setTimeout(resolve, 50));
const afterwards = await inUse();
const appended = streams.reduce((sum, { endOffset }) => sum + endOffset - start, 0);
console.log(
  JSON.stringify({
    cached,
    heapPerBatch: (full.heapUsed - before.heapUsed) / total,
    buffersPerBatch: (full.arrayBuffers - before.arrayBuffers) / total,
    heapPerBatchAfterwards: (afterwards.heapUsed - before.heapUsed) / total,
    appendedAfterwards: appended,
  }),
);
