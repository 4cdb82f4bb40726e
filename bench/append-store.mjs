// B3: how much can be appended through the object WAL on S3 when nobody waits: appends of 1 KiB and of 64 KiB, always
// `--window` MiB of them not yet acknowledged.
//
//   node bench/append-store.mjs [--batch 1024,65536] [--window 40] [--megabytes 256] [--rounds N]
//                               [--endpoint fake|URL] [--payload signed|unsigned]
//
// Calibrator: puts of 8 MiB by the same client, if absent, 8 at a time: as many as the engine has under way at most.
// Each round has a set and a store of its own, which has taken some appends before the clock starts; what it wrote is
// deleted before the next, so that the memory of the server lasts. Uploads run as they like.
import { StreamSet } from 'qanat';
import { addRequests, bench, readArguments, timed } from './harness.mjs';
import { makePayloads } from './place.mjs';
import { MiB, openService, removeAll, serviceArguments } from './s3-service.mjs';

const given = readArguments({
  more: { batch: [1024, 65_536], window: 40, megabytes: 256, ...serviceArguments },
  tiny: { window: 2, megabytes: 4 },
});
const putsAtOnce = 8;
const warmUpMegabytes = given.size === 'tiny' ? 1 : 48;
const bodies = makePayloads(8 * MiB, 4);

const service = await openService(given);
for (const batchBytes of given.batch) await measure(batchBytes);
service.close();

async function measure(batchBytes) {
  const payloads = makePayloads(batchBytes);
  let requests = [];
  await bench({
    name: `append of ${batchBytes} bytes, ${given.window} MiB in flight, object WAL; ${service.path}`,
    unit: 'MB/s',
    goal: { ratio: 0.8 },
    rounds: given.rounds,
    subject: {
      what: 'qanat, append()',
      requests: () => requests,
      run: () => onNewStore((store) => appendTo(store, payloads, (rows) => (requests = addRequests(requests, rows)))),
    },
    calibrator: {
      what: `store.put of 8 MiB, if absent, ${putsAtOnce} at a time`,
      run: () => onNewStore((store) => timed(() => putAll(store))),
    },
  });
}

async function onNewStore(work) {
  const { store } = service.newStore();
  try {
    return await work(store);
  } finally {
    await removeAll(store);
  }
}

async function appendTo(store, payloads, told) {
  const set = await StreamSet.open({ node: 'bench', store });
  const stream = await set.create();
  await appendAll(stream, payloads, warmUpMegabytes);
  const figure = await timed(() => appendAll(stream, payloads, given.megabytes));
  told(set.stats().requests);
  await set.close();
  return figure;
}

/** Appends so much, a window of it at a time, and waits for all of it. */
async function appendAll(stream, payloads, megabytes) {
  const batchBytes = payloads[0].byteLength;
  const count = Math.ceil((megabytes * MiB) / batchBytes);
  const windowCount = Math.max(1, Math.floor((given.window * MiB) / batchBytes));
  let next = 0;
  let checksum = 0;
  const appender = async () => {
    while (next < count) {
      const { endOffset } = await stream.append(payloads[next++ % payloads.length]);
      checksum = (checksum + endOffset) >>> 0;
    }
  };
  await Promise.all(Array.from({ length: windowCount }, appender));
  return { amount: (count * batchBytes) / 1e6, checksum };
}

async function putAll(store) {
  const count = Math.max(1, Math.ceil(given.megabytes / 8));
  let next = 0;
  let checksum = 0;
  const writer = async () => {
    while (next < count) {
      const i = next++;
      const { outcome } = await store.put(`raw/${i}`, bodies[i % bodies.length], { if: 'absent', purpose: 'wal' });
      checksum += outcome === 'stored' ? 1 : 0;
    }
  };
  await Promise.all(Array.from({ length: putsAtOnce }, writer));
  return { amount: (count * 8 * MiB) / 1e6, checksum };
}
