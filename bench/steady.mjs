// B10: a steady stream of appends, and what the host of the library feels of it: how late its event loop is, and how
// much memory the process has.
//
//   node bench/steady.mjs [--megabytes 100] [--batch 16384] [--streams 100] [--wal file|object] [--rounds N]
//                         [--seconds S] [--directory DIR]
//
// Whoever appends waits while 32 MB of its appends are not acknowledged: on a machine that cannot keep up, the rate that
// was reached is below the one asked for, and the figure is that of the rate reached.
//
// Calibrator: the same loop, paced by the same timer, that appends nothing. The delay is that of a timer of 1 ms, so
// about 1 ms of it is the timer itself; the ratio is that of the 99.9th percentiles.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { FileObjectStore, StreamSet } from 'qanat';
import { bench, readArguments } from './harness.mjs';
import { makePayloads, makePlace, openStreams, walOf } from './place.mjs';

const given = readArguments({
  rounds: 3,
  seconds: 20,
  more: { megabytes: 100, batch: 16_384, streams: 100, wal: 'file', directory: '' },
  tiny: { seconds: 0.3, megabytes: 10, streams: 5 },
});
const tickMs = 5;
const waitingMaxBytes = 32e6;
const place = makePlace(given.directory);
const store = new FileObjectStore(join(place, 'store'));
const set = await StreamSet.open({ node: 'bench', store, wal: walOf(given.wal, place) });
const streams = await openStreams(set, given.streams);
const payloads = makePayloads(given.batch);

let turn = 0;
let acknowledgedBytes = 0;
let pendingBytes = 0;
let pendingMaxBytes = 0;
let failure;

function appendBytes(bytes) {
  for (let left = bytes; left > 0; left -= given.batch) {
    const payload = payloads[turn % payloads.length];
    pendingBytes += payload.byteLength;
    streams[turn++ % streams.length].append(payload).then(acknowledge, (cause) => (failure ??= cause));
  }
  pendingMaxBytes = Math.max(pendingMaxBytes, pendingBytes);
}

function acknowledge() {
  acknowledgedBytes += given.batch;
  pendingBytes -= given.batch;
}

/** Calls `work` with the bytes that are due, tick by tick, and watches the loop meanwhile. */
async function watched(work) {
  acknowledgedBytes = 0;
  pendingMaxBytes = 0;
  const memory = [process.memoryUsage()];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  let asked = 0;
  delay.enable();
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const seconds = Math.min((performance.now() - start) / 1000, given.seconds);
      const room = Math.max(0, waitingMaxBytes - pendingBytes);
      const due = Math.min(seconds * given.megabytes * 1e6 - asked, room);
      const bytes = Math.floor(due / given.batch) * given.batch;
      if (bytes > 0) work(bytes);
      asked += bytes;
      if (memory.length === 1 && seconds >= given.seconds / 2) memory.push(process.memoryUsage());
      if (seconds < given.seconds && failure === undefined) return;
      clearInterval(timer);
      resolve();
    }, tickMs);
  });
  delay.disable();
  memory.push(process.memoryUsage());
  const seconds = (performance.now() - start) / 1000;
  const rate = acknowledgedBytes / 1e6 / seconds;
  while (pendingBytes > 0 && failure === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  if (failure !== undefined) throw failure;
  const ms = (nanoseconds) => nanoseconds / 1e6;
  const inMB = (bytes) => bytes / 1e6;
  return {
    value: ms(delay.percentile(99.9)),
    checksum: Math.round(acknowledgedBytes / given.batch),
    also: {
      'delay p50, ms': ms(delay.percentile(50)),
      'delay p99, ms': ms(delay.percentile(99)),
      'delay max, ms': ms(delay.max),
      'acknowledged, MB/s': rate,
      'most waiting, MB': inMB(pendingMaxBytes),
      'rss at start, MB': inMB(memory[0].rss),
      'rss in the middle, MB': inMB(memory.at(1).rss),
      'rss at end, MB': inMB(memory.at(-1).rss),
      'heap at end, MB': inMB(memory.at(-1).heapUsed),
      'array buffers at end, MB': inMB(memory.at(-1).arrayBuffers),
    },
  };
}

await bench({
  name: `steady ${given.megabytes} MB/s for ${given.seconds} s, batches of ${given.batch} bytes, ${given.wal} WAL`,
  unit: 'ms (99.9 % of loop delays)',
  better: 'lower',
  goal: { value: 10 },
  rounds: given.rounds,
  subject: {
    what: 'qanat, appending',
    requests: () => set.stats().requests,
    run: () => watched((bytes) => appendBytes(bytes)),
  },
  calibrator: { what: 'the idle loop', run: () => watched(() => {}) },
});
await set.close();
