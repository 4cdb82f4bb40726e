// B7: fetch over TCP. Megabytes a second of records that clients are given: at the tail, where they are in memory, and
// catching up, where they are read from objects.
//
//   node bench/kafka-fetch.mjs [--cases tail,catch-up] [--sizes 16384] [--connections 4] [--answers 1048576]
//                              [--megabytes N] [--rounds N] [--seconds S] [--directory DIR]
//
// Each connection has one fetch of up to 1 MiB under way, to a partition of its own, as a consumer with its usual
// settings. The calibrator answers requests of the same bytes with as many bytes from memory (calibrators/
// bare-fetch.mjs): TCP over the loopback from Node. The processor time is that of the server alone, to the megabyte.
//
// Catch-up reads --megabytes of records that were uploaded, by a broker that was started afterwards: nothing is in its
// memory beforehand, and far more is read than fits into it. The files are in the machine's page cache.
import { bench, readArguments } from './harness.mjs';
import { Consumers } from './kafka/consumers.mjs';
import { recordBatch } from './kafka/frames.mjs';
import { Producers } from './kafka/producers.mjs';
import { ServerProcess } from './kafka/server-process.mjs';
import { makePlace, removePlace } from './place.mjs';

const MB = 1e6;
const MiB = 1 << 20;
const given = readArguments({
  more: {
    ...{ cases: 'tail,catch-up', sizes: [16_384], connections: [4], answers: [MiB] },
    ...{ megabytes: 512, directory: '' },
  },
  tiny: { connections: [2], megabytes: 4, answers: [65_536] },
});
/** What a tail has at least of each partition: it fits into a sixteenth of the memory. */
const tailBytes = given.size === 'tiny' ? 1 * MiB : 8 * MiB;

for (const what of given.cases.split(','))
  for (const connections of given.connections)
    for (const sizeBytes of given.sizes)
      for (const answerBytes of given.answers) await measure(what, sizeBytes, connections, answerBytes);

async function measure(what, sizeBytes, connections, answerBytes) {
  const place = makePlace(given.directory);
  const settings = what === 'tail' ? { memoryMaxBytes: 1024 * MiB, uploadSizeBytes: 128 * MiB } : {};
  const options = { place, wal: 'file', settings, partitions: connections };
  const { bytes, count } = recordBatch(sizeBytes);
  const batchBytes = bytes.length;
  const perPartition = what === 'tail' ? tailBytes : (given.megabytes * MB) / connections;
  const batches = Math.ceil(perPartition / batchBytes);
  let broker = await ServerProcess.start('broker-server.mjs', options);
  await fill(broker, { connections, batches, sizeBytes });
  if (what === 'catch-up') {
    await broker.ask('upload');
    await broker.stop();
    broker = await ServerProcess.start('broker-server.mjs', options);
  }
  const recordsBytes = Math.floor(answerBytes / batchBytes) * batchBytes;
  const memoryBytes = Math.min(connections * perPartition, 64 * MiB);
  const bare = await ServerProcess.start('../calibrators/bare-fetch.mjs', { recordsBytes, memoryBytes });
  const shape = { connections, maxBytes: answerBytes };
  const [ofBroker, ofBare] = await Promise.all([Consumers.open(broker.port, shape), Consumers.open(bare.port, shape)]);
  const range = { start: 0, end: batches * count, recordsPerByte: count / batchBytes };
  let requests = await broker.ask('requests');
  await bench({
    name: `fetch ${what}, batches of ${sizeBytes / 1024} KiB, ${connections} connections, answers of ${answerBytes} B`,
    unit: 'MB/s',
    goal: { ratio: 0.7 },
    rounds: given.rounds,
    subject: {
      what: 'qanat broker',
      requests: () => requests,
      run: async () => {
        const done = await fetchFor(broker, ofBroker, range);
        requests = await broker.ask('requests');
        return done;
      },
    },
    calibrator: { what: 'TCP over the loopback', run: () => fetchFor(bare, ofBare, range) },
  });
  ofBroker.close();
  ofBare.close();
  await Promise.all([broker.stop(), bare.stop()]);
  removePlace(place);
}

/** Produces to each partition until it has at least so many batches. */
async function fill(broker, { connections, batches, sizeBytes }) {
  const shape = { connections, partitions: connections, sizeBytes, inFlight: 5 };
  const producers = await Producers.open(broker.port, shape);
  await producers.makeTopic();
  await producers.runEach(batches);
  producers.close();
}

async function fetchFor(server, consumers, range) {
  const before = await server.ask('cpu');
  const { amount, answers, seconds, checksum } = await consumers.run(given.seconds, range);
  const cpu = (await server.ask('cpu')) - before;
  const value = amount / MB / seconds;
  return { value, checksum, cpuPerUnit: cpu / (amount / MB), also: { 'answers/s': answers / seconds } };
}
