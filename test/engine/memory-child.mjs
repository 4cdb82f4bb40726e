// A process of its own that appends more than its memory budget to a store that takes its time for every PUT, and
// looks at its memory meanwhile. It reads everything back, and writes what it saw as one line of JSON.
//
//   node test/engine/memory-child.mjs --directory DIR [--wal object|file|memory] [--writers 16] [--megabytes 192]
//                                     [--budget 64] [--batch 16384] [--putMs 200] [--retry sleep|turn|none]
//                                     [--trouble all]
//
// A writer appends one batch, waits for its acknowledgement, and appends the next. One that is told OVERLOADED tries
// again: after 5 ms (`sleep`), after a turn of the event loop (`turn`), or at once (`none`). In trouble, the store leaves
// some requests without an answer, refuses others for load, and is slow with the rest.
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileWal, FileObjectStore, isQanatError, memoryWal, objectWal, qanatError, StreamSet } from 'qanat';

const initial = {
  directory: '',
  wal: 'object',
  writers: '16',
  megabytes: '192',
  budget: '64',
  batch: '16384',
  putMs: '200',
  retry: 'sleep',
  trouble: '',
  progress: '',
};
const options = Object.fromEntries(
  Object.entries(initial).map(([name, value]) => [name, { type: 'string', default: value }]),
);
const { values } = parseArgs({ options });
const number = (name) => Number(values[name]);
const MiB = 1024 * 1024;
const streamCount = 8;
const batchBytes = number('batch');
const total = Math.floor((number('megabytes') * MiB) / batchBytes);
const pauses = { sleep: () => sleep(5), turn: () => turn(), none: () => undefined };
const pause = pauses[values.retry];
const wals = {
  object: objectWal,
  file: () => fileWal({ directory: join(values.directory, 'wal') }),
  memory: memoryWal,
};

/** Keeps objects on the disk, so that the memory of this process is the engine's; each PUT takes its time. */
class SlowStore extends FileObjectStore {
  async put(...request) {
    const [result] = await Promise.all([super.put(...request), sleep(number('putMs'))]);
    return result;
  }
}

/** Leaves every 15th write and every 40th read of a key unanswered once, and refuses every seventh request. */
class TroubledStore extends SlowStore {
  seen = { unanswered: 0, refusedForLoad: 0 };
  #puts = 0;
  #gets = 0;
  #left = new Set();

  async put(key, body, how) {
    this.#puts += 1;
    if (this.#puts % 15 === 3) await this.#leave(`put ${key}`, how);
    if (this.#puts % 7 === 5) throw this.#refusal('put', key);
    return super.put(key, body, how);
  }

  async get(key, how) {
    this.#gets += 1;
    if (this.#gets % 40 === 7) await this.#leave(`get ${key}`, how);
    if (this.#gets % 7 === 5) throw this.#refusal('get', key);
    await sleep(this.#gets % 5 === 2 ? 500 : 20);
    return super.get(key, how);
  }

  /** Like a request on a dead connection: nothing happens until its sender gives it up. */
  async #leave(request, { signal }) {
    if (this.#left.has(request)) return;
    this.#left.add(request);
    this.seen.unanswered += 1;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }

  #refusal(operation, key) {
    this.seen.refusedForLoad += 1;
    return qanatError('STORE_UNAVAILABLE', 'slow down', { operation, key });
  }
}

/** What is appended: few payloads, so that the appending side costs nothing. */
const payloads = Array.from({ length: 64 }, (_, i) => new Uint8Array(batchBytes).fill(i + 1));

const store = values.trouble ? new TroubledStore(values.directory) : new SlowStore(values.directory);
/** In trouble, a request that is not answered is given up after half of this. */
const deadline = values.trouble ? { storeDeadlineMs: 4_000 } : {};
const set = await StreamSet.open({
  node: 'a',
  store,
  wal: wals[values.wal](),
  settings: { memoryMaxBytes: number('budget') * MiB, ...deadline },
});
const streams = [];
for (let i = 0; i < streamCount; i++) streams.push(await set.create({ name: `s${i}` }));
/** Which payload was acknowledged at which offset. */
const acknowledged = streams.map(() => new Uint8Array(Math.ceil(total / streamCount) + streamCount));

globalThis.gc?.();
const before = process.memoryUsage();
let peak = { rss: before.rss, arrayBuffers: before.arrayBuffers, heapUsed: before.heapUsed };
const sample = () => {
  const now = process.memoryUsage();
  for (const key of Object.keys(peak)) peak[key] = Math.max(peak[key], now[key]);
};
const sampling = setInterval(sample, 50);

const startedAt = performance.now();
let begun = 0;
let done = 0;
let refused = 0;
let lastDoneAt = startedAt;
let longestGapMs = 0;
let held = 0;

async function write() {
  while (begun < total) {
    const turnOf = begun++;
    const at = turnOf % streamCount;
    const payload = turnOf % payloads.length;
    for (;;) {
      try {
        const { startOffset } = await streams[at].append(payloads[payload]);
        acknowledged[at][startOffset] = payload + 1;
        break;
      } catch (cause) {
        if (!isQanatError(cause, 'OVERLOADED')) throw cause;
        refused += 1;
        await pause();
      }
    }
    done += 1;
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - lastDoneAt);
    lastDoneAt = now;
    held = Math.max(held, set.stats().writing.unuploadedBytes);
  }
}

const progress = values.progress
  ? setInterval(
      () => process.stderr.write(`${done}/${total} refused ${refused} ${JSON.stringify(set.stats().writing)}\n`),
      1000,
    )
  : undefined;
await Promise.all(Array.from({ length: number('writers') }, write));
clearInterval(progress);
const seconds = (performance.now() - startedAt) / 1000;
sample();
clearInterval(sampling);
const maxRss = process.resourceUsage().maxRSS * 1024;
const requests = set.stats().requests;
await set.close();

const peakOfWriting = { ...peak };
globalThis.gc?.(); // What the closed set had is not what reading takes.
if (values.trouble) peak = { rss: 0, arrayBuffers: 0, heapUsed: 0 };
const samplingReads = setInterval(sample, 50);
let read = 0;
const view = await StreamSet.openReadOnly({
  store,
  settings: { memoryMaxBytes: number('budget') * MiB, ...deadline },
});

async function readBack(i) {
  const reader = await view.reader(`s${i}`);
  for (let offset = 0; offset < reader.endOffset;) {
    const { batches, nextOffset } = await reader.read(offset, { maxBytes: 4 * MiB });
    for (const { startOffset, bytes } of batches) {
      const payload = payloads[acknowledged[i][startOffset] - 1];
      if (payload === undefined || Buffer.compare(bytes, payload) !== 0) throw new Error(`s${i} at ${startOffset}`);
      read += 1;
    }
    offset = nextOffset;
  }
}

if (values.trouble) await Promise.all(streams.map((_, i) => readBack(i)));
else for (let i = 0; i < streamCount; i++) await readBack(i);
clearInterval(samplingReads);
await view.close();
if (read !== total) throw new Error(`${total} batches were acknowledged, and ${read} can be read`);

const inMiB = (bytes) => Math.round(bytes / MiB);
console.log(
  JSON.stringify({
    seconds: Number(seconds.toFixed(1)),
    refused,
    longestGapMs: Math.round(longestGapMs),
    rssBefore: inMiB(before.rss),
    rssGrowth: inMiB(Math.max(maxRss, peakOfWriting.rss) - before.rss),
    arrayBuffers: inMiB(peakOfWriting.arrayBuffers),
    arrayBuffersOfReading: inMiB(peak.arrayBuffers),
    heapUsed: inMiB(peakOfWriting.heapUsed),
    ...store.seen,
    unuploaded: inMiB(held),
    puts: requests.filter(({ operation }) => operation === 'put').reduce((sum, one) => sum + one.requests, 0),
  }),
);
