// B2: how long an acknowledged append takes on an engine that has nothing else to do, with the object WAL on S3. Each
// append is awaited before the next; what they leave is uploaded while no clock runs.
//
//   node bench/append-latency.mjs [--batch 1024,65536] [--endpoint fake|URL] [--payload signed|unsigned] [--rounds N]
//                                 [--seconds S]
//
// Calibrator: puts of just as many bytes as a segment with one such append has, if absent, by the same client. Within a
// round they alternate with the appends one by one, because a millisecond on a shared machine is not worth the same a
// second later. A figure is the median of a round.
import { StreamSet } from 'qanat';
import { bench, quantile, readArguments } from './harness.mjs';
import { makePayloads } from './place.mjs';
import { openService, removeAll, serviceArguments } from './s3-service.mjs';

const given = readArguments({
  rounds: 7,
  seconds: 1,
  more: { batch: [1024, 65_536], ...serviceArguments },
  tiny: { seconds: 0.1 },
});
/** So many segments are far from those that make a set upload by itself. */
const appendsAtOnce = 100;

const service = await openService(given);
for (const batchBytes of given.batch) await measure(batchBytes);
service.close();

async function measure(batchBytes) {
  const { store } = service.newStore();
  const set = await StreamSet.open({ node: 'bench', store });
  const stream = await set.create();
  const payloads = makePayloads(batchBytes);
  const sizeBytes = await segmentSizeOf(set, () => stream.append(payloads[0]));
  const body = makePayloads(sizeBytes, 1)[0];
  const append = async (i) => (await stream.append(payloads[i % payloads.length])).endOffset;
  const put = async (i, round) => {
    const { outcome } = await store.put(`raw/${round}-${i}`, body, { if: 'absent', purpose: 'wal' });
    return outcome === 'stored' ? 1 : 0;
  };
  const rounds = new Map();
  const figuresOf = (round) => {
    if (!rounds.has(round))
      rounds.set(
        round,
        alternate([append, put], round, () => set.upload()),
      );
    return rounds.get(round);
  };
  await bench({
    name: `one append of ${batchBytes} bytes at a time, object WAL; ${service.path}`,
    unit: 'ms (median)',
    better: 'lower',
    goal: { ratio: 1.15 },
    rounds: given.rounds,
    subject: {
      what: 'qanat, append()',
      requests: () => set.stats().requests,
      run: async (round) => (await figuresOf(round))[0],
    },
    calibrator: {
      what: `store.put of ${sizeBytes} bytes, if absent`,
      run: async (round) => (await figuresOf(round))[1],
    },
  });
  await set.close();
  await removeAll(store);
}

/** Times calls in turns, one at a time, for a round; now and then `clear` puts things back without being timed. */
async function alternate(calls, round, clear) {
  const own = calls.map((call) => ({ call, times: [], checksum: 0, cpuMicros: 0 }));
  let left = given.seconds * 1000;
  for (let i = 0; left > 0; i++) {
    for (const one of i % 2 === 0 ? own : own.toReversed()) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      one.checksum = (one.checksum + (await one.call(i, round))) >>> 0;
      one.times.push(performance.now() - start);
      const { user, system } = process.cpuUsage(cpu);
      one.cpuMicros += user + system;
      left -= one.times.at(-1);
    }
    if (i % appendsAtOnce === appendsAtOnce - 1) await clear();
  }
  await clear();
  return own.map(({ times, checksum, cpuMicros }) => {
    const also = { 'ms (99 % within)': quantile(times, 0.99) };
    return { value: quantile(times, 0.5), checksum, cpuPerUnit: cpuMicros / times.length, also };
  });
}

/** How many bytes the one segment has that an append makes. */
async function segmentSizeOf(set, append) {
  const bytesIn = () => {
    const rows = set.stats().requests.filter(({ operation, purpose }) => operation === 'put' && purpose === 'wal');
    return rows.reduce((sum, row) => sum + row.bytesIn, 0);
  };
  const before = bytesIn();
  await append();
  return bytesIn() - before;
}
