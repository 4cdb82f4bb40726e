// The tools that come with Kafka do on the broker what its users do with them: topics, configurations, records to and
// from the console, groups, deleted records, measurements, and the producer and consumer that verify.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openBroker } from './broker-process.ts';
import type { TestBroker } from './broker-process.ts';
import { javaProgram, lackOf, places } from './client-places.ts';
import { uniqueName } from './scenarios.ts';

const tools = 'org.apache.kafka.tools';
const runLimitMs = 50_000;

for (const version of [3, 4] as const) describeTools(version, version === 3 ? places.java3 : places.java4);

function describeTools(version: 3 | 4, jars: string | undefined): void {
  const lack = lackOf(jars, `Kafka's tools ${version}`);
  describe.skipIf(lack !== undefined)(
    `the tools of Kafka ${version}${lack === undefined ? '' : ` (needs ${lack})`}`,
    () => {
      let broker: TestBroker | undefined;
      let folder = '';
      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'qanat-tools-'));
        broker = await openBroker();
      });
      afterAll(async () => {
        await broker?.close();
        rmSync(folder, { recursive: true, force: true });
      });

      /** Runs a tool to its end; what it printed on both outputs. */
      async function run(
        tool: string,
        words: readonly string[],
        input = '',
        codes: readonly number[] = [0],
      ): Promise<string> {
        // One processor and no second compiler: a tool lives for a second or two, and starts faster so.
        const quick = [
          '-Xmx128m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
        ];
        const child = spawn(javaProgram, [...quick, '-cp', `${jars}/*`, tool, ...words], { timeout: runLimitMs });
        let output = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.stdin.on('error', () => {}); // It may end before it has read everything.
        child.stdin.end(input);
        const code = await new Promise((isDone, fail) => child.on('error', fail).on('close', isDone));
        assert.equal(codes.includes(Number(code)), true, `${tool} ended with ${String(code)}: ${output}`);
        return output;
      }
      const bootstrap = (): string[] => ['--bootstrap-server', broker?.bootstrap ?? ''];
      const topics = (words: readonly string[], codes?: number[]): Promise<string> =>
        run(`${tools}.TopicCommand`, [...bootstrap(), ...words], '', codes);
      const groups = (words: readonly string[]): Promise<string> =>
        run(`${tools}.consumer.group.ConsumerGroupCommand`, [...bootstrap(), ...words]);
      const producer = version === 3 ? 'kafka.tools.ConsoleProducer' : `${tools}.ConsoleProducer`;
      const apiVersions = version === 3 ? 'kafka.admin.BrokerApiVersionsCommand' : `${tools}.BrokerApiVersionsCommand`;
      const consumer = `${tools}.consumer.ConsoleConsumer`;

      test('make, list, describe, enlarge and delete topics', async () => {
        const topic = uniqueName('tool');
        await topics(['--create', '--topic', topic, '--partitions', '2', '--config', 'retention.ms=3600000']);
        assert.equal((await topics(['--list'])).split('\n').includes(topic), true);
        assert.match(await topics(['--describe', '--topic', topic]), /PartitionCount: 2\s.*retention.ms=3600000/s);
        await topics(['--alter', '--topic', topic, '--partitions', '4']);
        assert.match(await topics(['--describe', '--topic', topic]), /PartitionCount: 4\s/);
        assert.match(await topics(['--create', '--topic', topic], [1]), /already exists/);
        await topics(['--delete', '--topic', topic]);
        assert.equal((await topics(['--list'])).split('\n').includes(topic), false);
      });

      test('change and show configurations', async () => {
        const topic = uniqueName('tool');
        await topics(['--create', '--topic', topic]);
        const configs = (words: readonly string[]): Promise<string> =>
          run('kafka.admin.ConfigCommand', [
            ...bootstrap(),
            '--entity-type',
            'topics',
            '--entity-name',
            topic,
            ...words,
          ]);
        await configs(['--alter', '--add-config', 'max.message.bytes=2000,retention.ms=7200000']);
        assert.match(await configs(['--describe']), /max.message.bytes=2000[\s\S]*retention.ms=7200000/);
        await configs(['--alter', '--delete-config', 'retention.ms']);
        assert.doesNotMatch(await configs(['--describe']), /retention.ms=7200000/);
        assert.match(await configs(['--describe', '--all']), /cleanup.policy=delete/);
      });

      test('write and read records on the console, in a group that is described and reset', async () => {
        const topic = uniqueName('tool');
        const group = uniqueName('group');
        const keyed = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
        await topics(['--create', '--topic', topic]);
        const lines = 'a:one\nb:two\nc:three\n';
        await run(producer, [...bootstrap(), '--topic', topic, ...keyed, '--compression-codec', 'zstd'], lines);
        const words = [
          '--topic',
          topic,
          '--group',
          group,
          '--from-beginning',
          '--max-messages',
          '3',
          '--timeout-ms',
          '20000',
        ];
        const shown = ['--property', 'print.key=true', '--property', 'key.separator=:'];
        assert.match(await run(consumer, [...bootstrap(), ...words, ...shown]), /a:one\nb:two\nc:three/);
        assert.match(await groups(['--describe', '--group', group]), new RegExp(`${topic}\\s+0\\s+3\\s+3\\s+0`));
        assert.equal((await groups(['--list'])).split('\n').includes(group), true);
        assert.match(await groups(['--describe', '--group', group, '--state']), /Empty/);
        const reset = ['--reset-offsets', '--group', group, '--topic', topic, '--to-earliest', '--execute'];
        assert.match(await groups(reset), new RegExp(`${topic}\\s+0\\s+0`));
        assert.match(await groups(['--delete-offsets', '--group', group, '--topic', topic]), /Successful/);
        assert.match(await groups(['--delete', '--group', group]), /successful/);
      });

      test('delete records, and show offsets', async () => {
        const topic = uniqueName('tool');
        await topics(['--create', '--topic', topic]);
        await run(producer, [...bootstrap(), '--topic', topic], 'one\ntwo\nthree\n');
        const file = join(folder, 'delete.json');
        writeFileSync(file, JSON.stringify({ partitions: [{ topic, partition: 0, offset: 2 }], version: 1 }));
        const said = await run(`${tools}.DeleteRecordsCommand`, [...bootstrap(), '--offset-json-file', file]);
        assert.match(said, /low_watermark: 2/);
        const offsets = (time: string): Promise<string> =>
          run(`${tools}.GetOffsetShell`, [...bootstrap(), '--topic', topic, '--time', time]);
        assert.match(await offsets('earliest'), new RegExp(`${topic}:0:2`));
        assert.match(await offsets('latest'), new RegExp(`${topic}:0:3`));
        assert.match(await offsets('max-timestamp'), new RegExp(`${topic}:0:[0-2]`)); // The times may all be the same.
      });

      test('measure producers and consumers', async () => {
        const topic = uniqueName('tool');
        await topics(['--create', '--topic', topic, '--partitions', '2']);
        const size = ['--num-records', '5000', '--record-size', '200', '--throughput', '-1'];
        const props = ['--producer-props', `bootstrap.servers=${broker?.bootstrap}`];
        const said = await run(`${tools}.ProducerPerformance`, ['--topic', topic, ...size, ...props]);
        assert.match(said, /5000 records sent/);
        const read = await run(`${tools}.ConsumerPerformance`, [
          ...bootstrap(),
          '--topic',
          topic,
          '--messages',
          '5000',
        ]);
        assert.match(read, /5000/);
      });

      test('verify what is written and read', async () => {
        const topic = uniqueName('tool');
        await topics(['--create', '--topic', topic, '--partitions', '2']);
        const count = ['--max-messages', '200'];
        const written = await run(`${tools}.VerifiableProducer`, [
          ...bootstrap(),
          '--topic',
          topic,
          ...count,
          '--acks',
          '-1',
        ]);
        assert.match(written, /"acked":200/);
        const group = ['--group-id', uniqueName('group'), '--reset-policy', 'earliest'];
        const read = await run(`${tools}.VerifiableConsumer`, [...bootstrap(), '--topic', topic, ...group, ...count]);
        const counts = [...read.matchAll(/"name":"records_consumed".*?"count":(\d+)/g)].map(([, one]) => Number(one));
        const alternative = [...read.matchAll(/"count":(\d+).*?"name":"records_consumed"/g)].map(([, one]) =>
          Number(one),
        );
        const sum = Math.max(...[counts, alternative].map((all) => all.reduce((a, b) => a + b, 0)));
        assert.equal(sum, 200, read);
      });

      test('show what the broker can do', async () => {
        const said = await run(apiVersions, bootstrap(), '', [0, 1]);
        assert.match(said, /Produce\(0\): 0 to 1\d/);
      });
    },
  );
}
