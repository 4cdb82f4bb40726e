// B6: produce over TCP, acks=all. Batches a second that are acknowledged when they are durable in a file WAL.
//
//   node bench/kafka-produce.mjs [--sizes 16384,65536] [--partitions 1,16] [--connections 8] [--inflight 5] [--idle N]
//                                [--uploads off|on] [--rounds N] [--seconds S] [--directory DIR]
//
// The calibrator is the bare shape (calibrators/bare-produce.mjs): drain, parse, CRC, copy, O_DSYNC write, in one Node
// process. Both are processes of their own; the client is this one, and sends frames that it has encoded before. The
// processor time is that of the server alone. Batches are not compressed and have no idempotent producer.
//
// As in `append`: with --uploads off a round is made of bursts of at most 96 MiB, and what they leave is uploaded while
// no clock runs. --idle keeps so many more connections open, on both servers, that say nothing.
import { join } from 'node:path';
import { makeZeros } from './calibrators/node-loop.mjs';
import { bench, quantile, readArguments } from './harness.mjs';
import { Producers } from './kafka/producers.mjs';
import { RawConnection } from './kafka/raw-connection.mjs';
import { ServerProcess } from './kafka/server-process.mjs';
import { makePlace, removePlace } from './place.mjs';

const MiB = 1 << 20;
const given = readArguments({
  more: {
    ...{ sizes: [16_384, 65_536], partitions: [1, 16], connections: [8], inflight: 5, idle: [] },
    ...{ uploads: 'off', directory: '' },
  },
  tiny: { sizes: [16_384], partitions: [2], connections: [2], idle: [3] },
});
const burstMaxBytes = 96 * MiB;
const fileBytes = given.size === 'tiny' ? 8 * MiB : 128 * MiB;
const roomy = { memoryMaxBytes: 1024 * MiB, uploadSizeBytes: 128 * MiB };
const warmUpBytes = given.size === 'tiny' ? 1 * MiB : 192 * MiB;
const idleCount = given.idle[0] ?? 0;

for (const connections of given.connections)
  for (const sizeBytes of given.sizes)
    for (const partitions of given.partitions) await measure(sizeBytes, partitions, connections);

async function measure(sizeBytes, partitions, connections) {
  const place = makePlace(given.directory);
  const path = join(place, 'zeros');
  makeZeros(path, fileBytes);
  const settings = given.uploads === 'on' ? {} : roomy;
  const broker = await ServerProcess.start('broker-server.mjs', { place, wal: 'file', settings, partitions });
  const bare = await ServerProcess.start('../calibrators/bare-produce.mjs', { path, fileBytes });
  const idle = await idleConnections([broker, bare]);
  const shape = { connections, partitions, sizeBytes, inFlight: given.inflight };
  const [toBroker, toBare] = await Promise.all([Producers.open(broker.port, shape), Producers.open(bare.port, shape)]);
  await toBroker.makeTopic();
  await warmUp(broker, toBroker);
  let requests = await broker.ask('requests');
  const subject = {
    what: 'qanat broker, file WAL',
    requests: () => requests,
    run: async () => {
      const done = await inBursts(broker, toBroker, given.uploads === 'off');
      requests = await broker.ask('requests');
      return done;
    },
  };
  await bench({
    name:
      `produce ${sizeBytes >= 1024 ? `${sizeBytes / 1024} KiB` : `${sizeBytes} B`}, ${connections} connections of ` +
      `${given.inflight} requests, partitions: ${partitions}, idle: ${idleCount}, uploads ${given.uploads}`,
    unit: 'batches/s',
    goal: { ratio: 0.9 },
    rounds: given.rounds,
    subject,
    calibrator: { what: 'the bare shape', run: () => inBursts(bare, toBare, false) },
  });
  for (const connection of idle) connection.close();
  toBroker.close();
  toBare.close();
  await Promise.all([broker.stop(), bare.stop()]);
  removePlace(place);
}

/** Bursts until the time is used up: batches a second, the server's processor time, and the latencies. */
async function inBursts(server, producers, upload) {
  const latencies = [];
  let [amount, seconds, checksum, cpu] = [0, 0, 0, 0];
  while (seconds < given.seconds) {
    const before = await server.ask('cpu');
    const burst = await producers.run(given.seconds - seconds, upload ? burstMaxBytes : Infinity);
    cpu += (await server.ask('cpu')) - before;
    amount += burst.amount;
    seconds += burst.seconds;
    checksum = (checksum + burst.checksum) >>> 0;
    for (const latency of burst.latencies) latencies.push(latency);
    if (upload) await server.ask('upload');
  }
  const also = { 'ms, p50': quantile(latencies, 0.5), 'ms, p99': quantile(latencies, 0.99) };
  return { value: amount / seconds, checksum, cpuPerUnit: cpu / amount, also };
}

/** A broker that has just been started meets fresh memory; one that has run for a while is what is to be measured. */
async function warmUp(server, producers) {
  for (let left = warmUpBytes; left > 0; left -= burstMaxBytes) {
    await producers.run(60, Math.min(left, burstMaxBytes));
    await server.ask('upload');
  }
}

async function idleConnections(servers) {
  const all = [];
  for (const { port } of servers) for (let i = 0; i < idleCount; i++) all.push(await RawConnection.open(port));
  return all;
}
