// A process of its own that appends more than its memory budget to a store that takes its time for every PUT, and
// looks at its memory meanwhile. It reads everything back, and writes what it saw as one line of JSON.
//
//   node test/engine/memory-child.mjs --directory DIR [--wal object|file|memory] [--writers 16] [--megabytes 192]
//                                     [--budget 64] [--batch 16384] [--putMs 200] [--retry sleep|turn|none]
//
// A writer appends one batch, waits for its acknowledgement, and appends the next. One that is told OVERLOADED tries
// again: after 5 ms (`sleep`), after a turn of the event loop (`turn`), or at once (`none`).
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileWal, FileObjectStore, isQanatError, memoryWal, objectWal, StreamSet } from 'qanat';

const initial = {
  directory: '',
  wal: 'object',
  writers: '16',
  megabytes: '192',
  budget: '64',
  batch: '16384',
  putMs: '200',
  retry: 'sleep',
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

/** What is appended: few payloads, so that the appending side costs nothing. */
const payloads = Array.from({ length: 64 }, (_, i) => new Uint8Array(batchBytes).fill(i + 1));

const store = new SlowStore(values.directory);
const set = await StreamSet.open({
  node: 'a',
  store,
  wal: wals[values.wal](),
  settings: { memoryMaxBytes: number('budget') * MiB },
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

let read = 0;
const view = await StreamSet.openReadOnly({ store });
for (let i = 0; i < streamCount; i++) {
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
await view.close();
if (read !== total) throw new Error(`${total} batches were acknowledged, and ${read} can be read`);

const inMiB = (bytes) => Math.round(bytes / MiB);
console.log(
  JSON.stringify({
    seconds: Number(seconds.toFixed(1)),
    refused,
    longestGapMs: Math.round(longestGapMs),
    rssBefore: inMiB(before.rss),
    rssGrowth: inMiB(Math.max(maxRss, peak.rss) - before.rss),
    arrayBuffers: inMiB(peak.arrayBuffers),
    heapUsed: inMiB(peak.heapUsed),
    unuploaded: inMiB(held),
    puts: requests.filter(({ operation }) => operation === 'put').reduce((sum, one) => sum + one.requests, 0),
  }),
);
