// B6, B7: the broker beside Apache Kafka, with the programs that others measure Kafka with: librdkafka's
// rdkafka_performance, and the tools of Kafka's Java client. All brokers run the whole time, on this machine, each with
// its data in a folder of its own; they take turns in each round, and what counts is their ratio.
//
//   node bench/kafka/beside-apache.mjs --clients DIR [--what produce,fetch,java,latency] [--record 100,1024,16384]
//                                      [--partitions 1,16] [--linger 0,5] [--megabytes 50] [--rounds N]
//
// DIR is what test/kafka/clients/install.mjs has filled. Calibrators: Apache Kafka with its defaults, which leave it to
// the operating system when records reach the disk; and with a flush for each append, which is what this broker
// does. Java starts anew for each figure: its figures are those that the tool prints, after it has started.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { placesIn } from '../../test/kafka/clients/places.mjs';
import { bench, readArguments } from '../harness.mjs';

const given = readArguments({
  rounds: 3,
  more: {
    ...{ clients: process.env.KAFKA_CLIENTS ?? '', what: 'produce,fetch,java,latency' },
    ...{ record: [100, 1_024, 16_384], partitions: [1, 16], linger: '0,5', megabytes: 50 },
  },
  tiny: { megabytes: 1, record: [1_024], partitions: [1], linger: '5' },
});
const places = placesIn(given.clients);
if (places.rdkafkaPerformance === undefined || places.java4 === undefined) {
  console.error('This bench needs rdkafka_performance and Kafka 4: --clients names the folder that they are in.');
  process.exit(3);
}
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'qanat-beside-'));
const apacheKafka = (...words) =>
  spawnSync(process.execPath, [path('../../test/kafka/clients/apache-kafka.mjs'), ...words], { encoding: 'utf8' });
const java = ['-cp', join(places.java4, '*'), '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
const { Kafka, logLevel } = kafkajs;
let topics = 0;

const brokers = [];
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    stopAll();
    process.exit(1);
  });
try {
  brokers.push(await startQanat());
  brokers.push(startApache('Apache Kafka, as it comes', []));
  brokers.push(startApache('Apache Kafka, a flush for each append', ['log.flush.interval.messages=1']));
  const wanted = given.what.split(',');
  if (wanted.includes('produce')) await forEachCase(produceCase);
  if (wanted.includes('fetch')) await forEachCase(fetchCase, '5');
  if (wanted.includes('java')) await forEachCase(javaCase);
  if (wanted.includes('latency')) for (const partitions of given.partitions) await latencyCase(partitions);
} finally {
  stopAll();
}

/** No broker outlives this program. */
function stopAll() {
  for (const { stop } of brokers) stop();
  // Also one that was only starting.
  for (const name of readdirSync(folder).filter((one) => one.startsWith('Apache')))
    apacheKafka('stop', join(folder, name));
  rmSync(folder, { recursive: true, force: true });
}

async function startQanat() {
  const words = ['broker', '--data', join(folder, 'qanat'), '--listen', '127.0.0.1:0', '--log', 'error'];
  const program = path('../../dist/cli/qanat.js');
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port !== undefined)
      return { what: 'qanat broker', bootstrap: `127.0.0.1:${port}`, pid: child.pid, stop: () => child.kill() };
  }
  throw new Error('the broker did not start');
}

function startApache(what, settings) {
  const own = join(folder, what.replaceAll(/[^a-z]+/gi, '-'));
  const sets = settings.flatMap((setting) => ['--set', setting]);
  const { status, stdout, stderr } = apacheKafka('start', own, '--clients', given.clients, ...sets);
  if (status !== 0) throw new Error(stderr);
  const bootstrap = stdout.trim().split('=')[1];
  const pid = readFileSync(join(own, 'apache-kafka.pid'), 'utf8').split(' ')[0];
  return { what, bootstrap, pid, stop: () => {} };
}

async function forEachCase(measure, lingers = given.linger) {
  for (const partitions of given.partitions)
    for (const recordBytes of given.record)
      for (const linger of lingers.split(',')) await measure({ partitions, recordBytes, linger: Number(linger) });
}

function contenders(measure) {
  const [subject, ...calibrator] = brokers.map((broker) => ({
    what: broker.what,
    run: async () => {
      const before = cpuMicrosOf(broker);
      const { amount, ...figure } = await measure(broker);
      return before === undefined ? figure : { ...figure, cpuPerUnit: (cpuMicrosOf(broker) - before) / amount };
    },
  }));
  return { subject, calibrator, rounds: given.rounds };
}

/** With acks=all, as many records on their way as librdkafka likes. */
async function produceCase({ partitions, recordBytes, linger }) {
  const count = countOf(recordBytes, linger);
  await bench({
    name: `rdkafka_performance -P: ${described(partitions, recordBytes, linger)}`,
    unit: 'MB/s',
    ...contenders(async (broker) => produce(broker, await newTopic(broker, partitions), recordBytes, count, linger)),
  });
}

async function produce({ bootstrap }, topic, recordBytes, count, linger) {
  const words = ['-P', '-t', topic, '-b', bootstrap, '-s', recordBytes, '-c', count, '-a', '-1', '-q'];
  const said = await run(places.rdkafkaPerformance, [...words, '-X', `linger.ms=${linger}`]);
  const [, delivered, failed, value] = /, (\d+) delivered .*?(\d+) failed\).* and ([\d.]+) MB\/s/.exec(said) ?? [];
  if (Number(delivered) !== count || failed !== '0') throw new Error(`not everything was taken: ${said}`);
  return { value: Number(value), checksum: count, amount: (count * recordBytes) / 1e6 };
}

/** What was written before the first round, read from its beginning. */
async function fetchCase({ partitions, recordBytes, linger }) {
  const count = countOf(recordBytes, linger);
  const written = new Map();
  for (const broker of brokers) {
    const topic = await newTopic(broker, partitions);
    await produce(broker, topic, recordBytes, count, linger);
    written.set(broker, topic);
  }
  const everyPartition = Array.from({ length: partitions }, (_, i) => ['-p', i]).flat();
  await bench({
    name: `rdkafka_performance -C: ${described(partitions, recordBytes)}`,
    unit: 'MB/s',
    ...contenders(async (broker) => {
      const words = [
        '-C',
        '-t',
        written.get(broker),
        ...everyPartition,
        '-b',
        broker.bootstrap,
        '-o',
        'beginning',
        '-q',
      ];
      const said = await run(places.rdkafkaPerformance, [...words, '-c', count]);
      const [, consumed, value] = /% (\d+) messages .*consumed in .*\(([\d.]+) MB\/s\)/.exec(said) ?? [];
      return { value: Number(value), checksum: Number(consumed), amount: (consumed * recordBytes) / 1e6 };
    }),
  });
}

async function javaCase({ partitions, recordBytes, linger }) {
  const count = countOf(recordBytes, linger);
  await bench({
    name: `kafka-producer-perf-test: ${described(partitions, recordBytes, linger)}`,
    unit: 'MB/s',
    ...contenders(async (broker) => {
      const topic = await newTopic(broker, partitions);
      const words = ['--topic', topic, '--num-records', count, '--record-size', recordBytes, '--throughput', '-1'];
      const props = ['--producer-props', `bootstrap.servers=${broker.bootstrap}`, `linger.ms=${linger}`, 'acks=all'];
      const said = await run('java', [...java, 'org.apache.kafka.tools.ProducerPerformance', ...words, ...props]);
      const lines = [...said.matchAll(/(\d+) records sent, .*?\(([\d.]+) MB\/sec\)/g)];
      const [, sent, value] = lines.at(-1) ?? [];
      return { value: Number(value), checksum: Number(sent), amount: (sent * recordBytes) / 1e6 };
    }),
  });
}

/** From the call of produce to the record in the hands of a consumer, with 10 MB/s of records of 1 KiB. */
async function latencyCase(partitions) {
  const recordBytes = 1_024;
  const rate = Math.floor(10e6 / recordBytes);
  const count = rate * (given.size === 'tiny' ? 1 : 5);
  await bench({
    name: `end to end at 10 MB/s, records of 1 KiB, ${partitions} partitions, linger 0: average`,
    unit: 'ms',
    better: 'lower',
    ...contenders(async (broker) => {
      const topic = await newTopic(broker, partitions);
      const common = ['-t', topic, '-b', broker.bootstrap, '-l', '-q'];
      const all = Array.from({ length: partitions }, (_, i) => ['-p', i]).flat();
      const consuming = run(places.rdkafkaPerformance, ['-C', ...common, ...all, '-o', 'end', '-c', count]);
      await new Promise((isDone) => setTimeout(isDone, 1_000));
      const words = ['-P', ...common, '-s', recordBytes, '-c', count, '-r', rate, '-a', '-1', '-X', 'linger.ms=0'];
      await run(places.rdkafkaPerformance, words);
      const said = await consuming;
      const [, value] = /latency .*?avg[^\d]*([\d.]+)/i.exec(said) ?? [];
      if (value === undefined) throw new Error(said);
      return { value: Number(value), checksum: count, amount: (count * recordBytes) / 1e6 };
    }),
  });
}

async function newTopic({ bootstrap }, partitions) {
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
  const topic = `bench-${topics++}`;
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] });
  await admin.disconnect();
  return topic;
}

/** Processor time that a broker has used, in microseconds; nothing where the system does not tell. */
function cpuMicrosOf({ pid }) {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const facts = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(facts[11]) + Number(facts[12])) * 10_000;
}

/** Fewer where each record may be a request. */
function countOf(recordBytes, linger) {
  const share = linger === 0 ? 0.5 : 1;
  return Math.max(1_000, Math.min(300_000, Math.floor((share * given.megabytes * 1e6) / recordBytes)));
}

function described(partitions, recordBytes, linger) {
  const wait = linger === undefined ? '' : `, linger ${linger} ms`;
  return `records of ${recordBytes} bytes, ${partitions} partitions${wait}`;
}

/** Runs a program to its end; what it printed on both outputs. */
async function run(command, words) {
  const child = spawn(command, words.map(String), { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((isDone, fail) => child.on('error', fail).on('close', isDone));
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output.slice(-500)}`);
  return output;
}
