// B11: what a GiB costs in requests when a set appends through the object WAL as fast as the store takes it, in PUT
// equivalents at the prices of S3 Standard: a PUT, a part or a LIST is one, a GET 0.08, a deletion nothing. What passes
// is counted by a proxy, not by the set; and it goes on counting for `--idle` seconds after the last upload, in which a
// set that has nothing to do must ask for nothing.
//
//   node bench/price.mjs [--megabytes 1024] [--batch 65536] [--latency 0,30] [--window 40] [--idle 10] [--rounds N]
//                        [--endpoint fake|URL] [--payload signed|unsigned]
//
// Calibrator: puts of 8 MiB of the same client through the same proxy, as few as there can be: 128 to the GiB. A store
// that answers sooner is given smaller segments, so the proxy delays each request by --latency milliseconds. Opening
// the set is not in the figure (the first time it probes the store), and neither is compaction: there is none yet.
import { StreamSet } from 'qanat';
import { startProxy } from '../test/s3/proxy.mjs';
import { addRequests, bench, readArguments } from './harness.mjs';
import { makePayloads } from './place.mjs';
import { MiB, openService, removeAll, serviceArguments } from './s3-service.mjs';

const given = readArguments({
  rounds: 3,
  more: { megabytes: 1024, batch: [65_536], latency: [1, 30], window: 40, idle: 10, ...serviceArguments },
  tiny: { megabytes: 16, latency: [1], window: 16, idle: 0.3 },
});
const putsAtOnce = 8;
/** Operations that cost no more than a tenth of a PUT, and what they do cost. All others are PUTs. */
const cheap = { GetObject: 0.08, HeadObject: 0.08, DeleteObject: 0, DeleteObjects: 0, AbortMultipartUpload: 0 };
const putPrice = 0.005 / 1000;

const service = await openService(given);
for (const batchBytes of given.batch) for (const latencyMs of given.latency) await measure(batchBytes, latencyMs);
service.close();

async function measure(batchBytes, latencyMs) {
  const proxy = await startProxy({ upstream: service.endpoint, latencyMs });
  const payloads = makePayloads(batchBytes);
  const bodies = makePayloads(8 * MiB, 4);
  let requests = [];
  await bench({
    name: `the price of ${given.megabytes} MiB, batches of ${batchBytes} bytes, ${latencyMs} ms away; ${service.path}`,
    unit: 'PUTs/GiB',
    better: 'lower',
    goal: { ratio: 1.5 },
    rounds: given.rounds,
    subject: {
      what: 'qanat, append(), rest and close()',
      requests: () => requests,
      run: () => onNewStore(proxy, (store) => priceOfSet(store, proxy, payloads, (rows) => told(rows))),
    },
    calibrator: {
      what: 'store.put of 8 MiB',
      run: () => onNewStore(proxy, (store) => priceOfPuts(store, proxy, bodies)),
    },
  });
  await proxy.close();

  function told(rows) {
    requests = addRequests(requests, rows);
  }
}

async function onNewStore(proxy, work) {
  const { store } = service.newStore(proxy.endpoint);
  try {
    return await work(store);
  } finally {
    await removeAll(store);
  }
}

async function priceOfSet(store, proxy, payloads, told) {
  const set = await StreamSet.open({ node: 'bench', store });
  const stream = await set.create();
  const { requests: before } = set.stats();
  proxy.resetRequests();
  const start = performance.now();
  const checksum = await appendAll(stream, payloads);
  const seconds = (performance.now() - start) / 1000;
  await set.upload();
  const beforeRest = countOf(proxy);
  await new Promise((resolve) => {
    setTimeout(resolve, given.idle * 1000);
  });
  const whileIdle = countOf(proxy) - beforeRest;
  await set.close();
  const requests = addRequests([], set.stats().requests, before);
  told(requests);
  const own = requests.reduce((sum, row) => sum + row.requests, 0);
  return {
    ...figureOf(proxy),
    checksum,
    also: {
      [`requests in ${given.idle} s of rest`]: whileIdle,
      'requests that the set counted beyond the proxy': own - countOf(proxy),
      '$ per TiB': figureOf(proxy).value * putPrice * 1024,
      '$ per TiB, as cost() has it (opening included)': set.cost().perGiBWritten * 1024,
      'MB/s through the proxy': (given.megabytes * MiB) / 1e6 / seconds,
    },
  };
}

async function appendAll(stream, payloads) {
  const batchBytes = payloads[0].byteLength;
  const count = Math.ceil((given.megabytes * MiB) / batchBytes);
  let next = 0;
  let checksum = 0;
  const appender = async () => {
    while (next < count) {
      const { endOffset } = await stream.append(payloads[next++ % payloads.length]);
      checksum = (checksum + endOffset) >>> 0;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.floor((given.window * MiB) / batchBytes)) }, appender));
  return checksum;
}

async function priceOfPuts(store, proxy, bodies) {
  proxy.resetRequests();
  const count = Math.ceil(given.megabytes / 8);
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
  return { ...figureOf(proxy), checksum };
}

function countOf(proxy) {
  return proxy.requests().reduce((sum, row) => sum + row.requests, 0);
}

/** What passed, in PUTs, to each GiB that was appended. */
function figureOf(proxy) {
  const puts = proxy.requests().reduce((sum, { operation, requests }) => sum + requests * (cheap[operation] ?? 1), 0);
  return { value: (puts * 1024) / given.megabytes };
}
