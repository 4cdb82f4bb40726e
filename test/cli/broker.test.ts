// `qanat broker` as somebody runs it: a process of its own, its two lines, its exit status, what it leaves and finds.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { parseMetrics } from '../kafka/watching/parsed-metrics.ts';
import { later, someDirectory } from '../engine/world.ts';
import { root } from '../package/source-file.ts';
import { credentials, startServer } from '../s3/bad-places.ts';

type Environment = Readonly<Record<string, string>>;

const keys = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };

/** The program with some words, and what it has said. It is killed after the test, if it still runs. */
class RunningBroker {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string | null>;
  stdout = '';
  stderr = '';

  constructor(words: readonly string[], environment: Environment = {}) {
    const env = { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true', ...environment };
    const program = join(root, 'dist', 'cli', 'qanat.js');
    const child = spawn(process.execPath, [program, 'broker', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => (this.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (this.stderr += String(chunk)));
    this.child = child;
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string | null);
    later(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Waits for its two lines; gives the port. */
  async listening(): Promise<number> {
    const said = (async () => {
      while (this.stdout.split('\n').length < 3) await Promise.race([once(this.#out, 'data'), this.ended]);
      return 'said';
    })();
    const first = await Promise.race([said, this.ended]);
    if (first !== 'said') throw new Error(`it ended with ${first}: ${this.stderr}`);
    return Number(/listens on \S+:(\d+)/.exec(this.stdout)?.[1]);
  }

  get #out() {
    return this.child.stdout as NonNullable<ChildProcess['stdout']>;
  }

  /** Lines of its log. */
  get log(): readonly Readonly<Record<string, unknown>>[] {
    const lines = this.stderr.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  /** What it has said on stderr besides its log. */
  get sentences(): readonly string[] {
    return this.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  }
}

const brokerOn = (directory: string, ...more: readonly string[]) =>
  new RunningBroker(['--data', directory, '--listen', '127.0.0.1:0', ...more]);

function clientOf(port: number, retries = 10): Kafka {
  const retry = { retries, initialRetryTime: 50 };
  return new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, retry });
}

async function produce(port: number, topic: string, values: readonly string[], retries?: number): Promise<void> {
  const producer = clientOf(port, retries).producer();
  await producer.connect();
  try {
    await producer.send({ topic, messages: values.map((value) => ({ value })) });
  } finally {
    await producer.disconnect();
  }
}

async function endOffset(port: number, topic: string): Promise<number> {
  const admin = clientOf(port).admin();
  await admin.connect();
  try {
    return (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
  } finally {
    await admin.disconnect();
  }
}

/** The first broker that is told of, asked with a request of old, Metadata 1: a client would connect to it. */
async function brokerIn(port: number): Promise<{ readonly host: string; readonly port: number }> {
  const socket = connect(port, '127.0.0.1');
  later(async () => socket.destroy());
  socket.write(Buffer.from('0000000e0003000100000007ffff00000000', 'hex'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect([answer.readInt32BE(4), answer.readInt32BE(8)]).toEqual([7, 1]); // Correlation id, number of brokers.
  const end = 18 + answer.readInt16BE(16);
  return { host: answer.toString('utf8', 18, end), port: answer.readInt32BE(end) };
}

describe('qanat broker', () => {
  test('serves within 3 s, says in two lines where and how to try it, and ends with 0 on SIGTERM', async () => {
    const directory = join(await someDirectory(), 'made', 'by', 'it');
    const startMs = performance.now();
    const broker = brokerOn(directory);
    const port = await broker.listening();
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(broker.stdout).toBe(
      `qanat broker broker-1 listens on 127.0.0.1:${port}; records are in ${directory}\n` +
        `try it: echo tea | kcat -P -b 127.0.0.1:${port} -t cups && kcat -C -e -b 127.0.0.1:${port} -t cups\n`,
    );
    await produce(port, 'cups', ['tea', 'milk']);
    expect(await endOffset(port, 'cups')).toBe(2);
    broker.child.kill('SIGTERM');
    expect(await broker.ended).toBe(0);
    expect(broker.sentences).toEqual([]);
    for (const line of broker.log) expect(Object.keys(line).slice(0, 3)).toEqual(['time', 'level', 'msg']);
  });

  test('ends with 0 on SIGINT, has everything again when it is started again, after kill -9 as well', async () => {
    const directory = await someDirectory();
    const first = brokerOn(directory);
    await produce(await first.listening(), 'cups', ['tea']);
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    const second = brokerOn(directory);
    await produce(await second.listening(), 'cups', ['milk']);
    second.child.kill('SIGKILL');
    expect(await second.ended).toBe('SIGKILL');
    const third = brokerOn(directory);
    const port = await third.listening();
    expect(await endOffset(port, 'cups')).toBe(2);
    expect(third.log.some(({ msg }) => msg === 'An earlier incarnation of a node was recovered.')).toBe(true);
  });

  test('loads neither the SDK nor prom-client where they are not asked for', async () => {
    const directory = await someDirectory();
    const hook = join(directory, 'loads.mjs');
    const loader = `export async function load(url, context, next) {
      if (/node_modules/.test(url)) process._rawDebug('loads ' + url.replace(/.*node_modules.((@[^/]+.)?[^/]+).*/, '$1'));
      return next(url, context);
    }`;
    writeFileSync(join(directory, 'loader.mjs'), loader);
    const place = pathToFileURL(join(directory, 'loader.mjs')).href;
    writeFileSync(hook, `import { register } from 'node:module'; register(${JSON.stringify(place)});`);
    const environment = { NODE_OPTIONS: `--import ${pathToFileURL(hook).href}` };
    const loaded = async (words: readonly string[]): Promise<readonly string[]> => {
      const broker = new RunningBroker(['--listen', '127.0.0.1:0', ...words], environment);
      await broker.listening();
      broker.child.kill('SIGTERM');
      expect(await broker.ended).toBe(0);
      return [...new Set(broker.sentences.map((line) => line.replace('loads ', '')))];
    };
    const plain = await loaded(['--data', join(directory, 'data')]);
    expect(plain).toEqual(['lru-cache']);
    expect(await loaded(['--data', join(directory, 'data'), '--admin', '127.0.0.1:0'])).toContain('prom-client');
  });

  test('is asked by the environment and a config file as by words', async () => {
    const directory = await someDirectory();
    const config = join(directory, 'broker.properties');
    writeFileSync(config, 'listen=127.0.0.1:0\nnum.partitions=3\nnode=of-file\n');
    const environment = { QANAT_CONFIG: config, QANAT_DATA: join(directory, 'data'), QANAT_NODE: 'of-environment' };
    const broker = new RunningBroker([], environment);
    const port = await broker.listening();
    expect(broker.stdout).toContain('qanat broker of-environment listens on');
    await produce(port, 'cups', ['tea']);
    const admin = clientOf(port).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: ['cups'] });
    await admin.disconnect();
    expect(topics[0]?.partitions.length).toBe(3);
    expect(existsSync(join(directory, 'data', 'wal', 'of-environment'))).toBe(true);
  });

  test('tells clients what --advertise says, and the name of the machine if it listens everywhere', async () => {
    const advertised = async (...words: readonly string[]) => {
      const broker = new RunningBroker(['--data', await someDirectory(), ...words]);
      const port = await broker.listening();
      return { port, told: await brokerIn(port), line: broker.stdout.split('\n')[0] };
    };
    const named = await advertised('--listen', '127.0.0.1:0', '--advertise', 'kafka.example:443');
    expect(named.told).toEqual({ host: 'kafka.example', port: 443 });
    expect(named.line).toContain('and tells clients to connect to kafka.example:443; ');
    const everywhere = await advertised('--listen', '0.0.0.0:0');
    expect(everywhere.told.port).toBe(everywhere.port);
    expect(everywhere.told.host).not.toBe('0.0.0.0');
    expect(everywhere.line).toContain(`${everywhere.told.host}:${everywhere.port} (if that is wrong, say --advertise`);
  });

  test('keeps its records in an S3 store, and its log there or in a directory', async () => {
    const fake = await startServer({ verifySignatures: false });
    const url = `s3://qanat-test/p?endpoint=${fake.endpoint}&region=us-east-1`;
    const words = ['--store', url, '--listen', '127.0.0.1:0'];
    const first = new RunningBroker(words, keys);
    const startMs = performance.now();
    await produce(await first.listening(), 'cups', ['tea']);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = new RunningBroker(words, keys);
    const port = await second.listening();
    expect(await endOffset(port, 'cups')).toBe(1);
    second.child.kill('SIGTERM');
    expect([await second.ended, second.sentences]).toEqual([0, []]);
    const wal = join(await someDirectory(), 'wal');
    const third = new RunningBroker([...words, '--wal', `file:${wal}`], keys);
    await produce(await third.listening(), 'cups', ['milk']);
    expect(existsSync(join(wal, 'lock'))).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(40_000);
  });

  test('takes a directory as --store, too, with the object WAL', async () => {
    const directory = join(await someDirectory(), 'new');
    const broker = new RunningBroker(['--store', pathToFileURL(directory).href, '--listen', '127.0.0.1:0']);
    await produce(await broker.listening(), 'cups', ['tea']);
    expect(existsSync(join(directory, 'objects'))).toBe(true);
    expect(existsSync(join(directory, 'wal'))).toBe(false);
  });
});

const quick = ['--log', 'debug', '--set', 'group.initial.rebalance.delay.ms=0'];

describe('qanat broker --admin', () => {
  test('counts what was done, and says how it is', async () => {
    const broker = brokerOn(await someDirectory(), '--admin', '127.0.0.1:0', ...quick);
    const port = await broker.listening();
    const base = /metrics at (http:\S+)\/metrics/.exec(broker.stdout)?.[1] ?? '';
    const ask = async (path: string) => fetch(`${base}${path}`);
    expect(await (await ask('/ready')).json()).toEqual({ ready: true });
    expect(await (await ask('/health')).json()).toMatchObject({ healthy: true, status: 'open', problems: [] });
    const metricsNow = async () => parseMetrics(await (await ask('/metrics')).text());
    const values = (metrics: Awaited<ReturnType<typeof metricsNow>>, name: string) =>
      Object.fromEntries(metrics.get(`qanat_${name}`)?.values ?? []);
    await produce(port, 'cups', ['tea', 'milk', 'sugar']);
    await produce(port, 'cups', ['lemon']);
    const metrics = await metricsNow();
    expect(values(metrics, 'broker_produced_records_total')).toEqual({ '{topic="cups"}': 4 });
    expect(values(metrics, 'broker_connections')['']).toBe(0);
    expect(values(metrics, 'broker_connections_opened_total')['']).toBeGreaterThanOrEqual(2);
    const requests = metrics.get('qanat_broker_requests_total')?.values ?? new Map<string, number>();
    const produced = [...requests].filter(([labels]) => labels.startsWith('{api="Produce"'));
    expect(produced.map(([, count]) => count)).toEqual([2]);
    expect(values(metrics, 'broker_request_duration_seconds')['_count{api="Produce"}']).toBe(2);
    const bytes = values(metrics, 'broker_produced_bytes_total')['{topic="cups"}'] ?? 0;
    expect(values(metrics, 'appended_bytes_total')['']).toBeGreaterThanOrEqual(bytes);
    expect(bytes).toBeGreaterThan(2 * 61);
    expect(metrics.get('process_cpu_seconds_total')).toBeDefined();
    const consumer = clientOf(port).consumer({ groupId: 'g' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'cups', fromBeginning: true });
    let seen = 0;
    await consumer.run({ eachMessage: async () => void (seen += 1) });
    await expect.poll(() => seen, { timeout: 20_000 }).toBe(4);
    const fetched = values(await metricsNow(), 'broker_fetched_bytes_total')['{topic="cups"}'];
    expect(fetched).toBe(bytes);
    await consumer.disconnect();
    broker.child.kill('SIGTERM');
    expect([await broker.ended, broker.sentences]).toEqual([0, []]);
  });

  test('is not ready while it stops, and its port is free when it has ended', async () => {
    const directory = await someDirectory();
    const broker = brokerOn(directory, '--admin', '127.0.0.1:0');
    await broker.listening();
    const port = Number(/metrics at http:\S+:(\d+)\/metrics/.exec(broker.stdout)?.[1]);
    broker.child.kill('SIGTERM');
    expect(await broker.ended).toBe(0);
    const again = brokerOn(directory, '--admin', `127.0.0.1:${port}`);
    await again.listening();
    expect((await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(200);
  });
});

describe('qanat broker refuses', () => {
  test.each([
    [[], 2, 'it needs --data DIR or --store URL, to know where records are kept'],
    [['--data', 'a', '--store', 's3://b'], 2, '--data and --store exclude each other; one says where records are kept'],
    [['--dat', 'a'], 2, "there is no option --dat; did you mean '--data'?"],
    [['--data', 'a', '--config', '/no/such'], 2, /^--config \/no\/such cannot be read: ENOENT: /],
    [['--data', 'a', '--set', 'num.partition=1'], 2, /^--set: there is no setting "num\.partition"; did you mean/],
    [['--store', 'bucket'], 2, 'the URL of a store begins with s3:// or file:///'],
    [['--store', 's3://bucket?regio=eu'], 2, /has no parameter 'regio'/],
    [['--store', 's3://key:secret@bucket'], 2, /holds no credentials/],
    [['--data', '/dev/null/x', '--listen', '127.0.0.1:0'], 1, /\/dev\/null/],
    [['--data', 'a', '--listen', '192.0.2.1:0'], 1, /cannot listen on 192\.0\.2\.1:0: this machine does not have that/],
    [
      ['--data', 'a', '--listen', 'no.such.invalid:0'],
      1,
      /cannot listen on no\.such\.invalid:0: there is no such host/,
    ],
  ] as const)('%j with status %d and one sentence', async (words, status, sentence) => {
    const broker = new RunningBroker(words);
    expect(await broker.ended).toBe(status);
    expect({ stdout: broker.stdout, log: broker.log }).toEqual({ stdout: '', log: [] });
    expect(broker.sentences).toEqual([expect.stringMatching(/^qanat broker: /)]);
    const told = broker.sentences[0]?.replace('qanat broker: ', '');
    if (typeof sentence === 'string') expect(told).toBe(sentence);
    else expect(told).toMatch(sentence);
    expect(broker.stderr).not.toContain('secret@');
  });

  test('a port that is in use, before it touches the store', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    later(async () => taken.close());
    const { port } = taken.address() as { readonly port: number };
    const directory = join(await someDirectory(), 'data');
    const here = ['--listen', `127.0.0.1:${port}`];
    const there = ['--listen', '127.0.0.1:0', '--admin', `127.0.0.1:${port}`];
    for (const [words, option] of [
      [here, '--listen'],
      [there, '--admin'],
    ] as const) {
      const broker = new RunningBroker(['--data', directory, ...words]);
      expect(await broker.ended).toBe(1);
      const why = `it cannot listen on 127.0.0.1:${port}: the port is in use; say another ${option} HOST:PORT`;
      expect(broker.stderr).toBe(`qanat broker: ${why}\n`);
    }
    expect(existsSync(directory)).toBe(false);
  });

  test('a directory that another broker has open, which goes on', async () => {
    const directory = await someDirectory();
    const first = brokerOn(directory);
    const port = await first.listening();
    const second = brokerOn(directory);
    expect(await second.ended).toBe(1);
    expect(second.sentences).toEqual([
      expect.stringMatching(/^qanat broker: the WAL of node broker-1 is in use by process \d+ on /),
    ]);
    await produce(port, 'cups', ['tea']);
    expect(await endOffset(port, 'cups')).toBe(1);
  });
});

describe('qanat broker ends', () => {
  test('with 1 and a sentence when another process takes its node over', async () => {
    const url = pathToFileURL(await someDirectory()).href;
    const words = ['--store', url, '--listen', '127.0.0.1:0'];
    const first = new RunningBroker(words);
    const port = await first.listening();
    await produce(port, 'cups', ['tea']);
    const second = new RunningBroker(words);
    const secondPort = await second.listening();
    // It learns of it at the latest when it writes.
    const late = produce(port, 'cups', ['milk'], 0).catch(() => {});
    expect(await first.ended).toBe(1);
    await late;
    expect(first.sentences).toEqual([
      'qanat broker: another process has taken over node broker-1; give each broker a --node of its own',
    ]);
    expect(await endOffset(secondPort, 'cups')).toBe(1);
  });

  test('at once when it is told twice, and loses nothing', async () => {
    const directory = await someDirectory();
    const broker = brokerOn(directory);
    await produce(await broker.listening(), 'cups', ['tea']);
    broker.child.kill('SIGTERM');
    broker.child.kill('SIGINT');
    // The first one may have been enough before the second one came.
    expect([0, 130, 143]).toContain(await broker.ended);
    const again = brokerOn(directory);
    expect(await endOffset(await again.listening(), 'cups')).toBe(1);
  });

  test('with 0 when it is told before it has started', async () => {
    const broker = brokerOn(await someDirectory());
    await once(broker.child, 'spawn');
    await new Promise((resolve) => setTimeout(resolve, 150));
    broker.child.kill('SIGTERM');
    // Before it has begun to listen for signals, the machine ends it.
    expect([0, 'SIGTERM']).toContain(await broker.ended);
    expect(broker.sentences).toEqual([]);
  });

  test('not because nobody reads what it says any more', async () => {
    const broker = brokerOn(await someDirectory(), '--log', 'debug');
    const port = await broker.listening();
    broker.child.stdout?.destroy();
    broker.child.stderr?.destroy();
    await produce(port, 'cups', ['tea']);
    await produce(port, 'cups', ['milk']);
    expect(await endOffset(port, 'cups')).toBe(2);
    broker.child.kill('SIGTERM');
    expect(await broker.ended).toBe(0);
  });
});
