// Configurations of topics and brokers: what is taken, what is refused, and what counts before what.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore } from '../../../src/index.ts';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import { brokerEntries, topicEntries } from '../../../src/kafka/topics/config-entries.ts';
import { listOf, longMax } from '../../../src/kafka/topics/config-value.ts';
import { checkedOverrides, topicConfigs, type Overrides } from '../../../src/kafka/topics/topic-configs.ts';
import { createTopic, openWorld, refusalIn } from './world.ts';

describe('a configuration of topics', () => {
  test.each(Object.entries(topicConfigs))(
    '%s takes its own default, and has a description',
    (name, { initial, doc }) => {
      expect(checkedOverrides({ [name]: initial })).toEqual({ [name]: initial });
      expect(doc).toMatch(/^[A-Z][^]*\.$/);
    },
  );

  test.each([
    ['retention.ms', ' 5 ', '5'],
    ['retention.ms', '-1', '-1'],
    ['retention.ms', longMax, longMax],
    ['retention.bytes', '+7', '+7'],
    ['cleanup.policy', 'compact, delete', 'compact,delete'],
    ['cleanup.policy', 'delete,delete', 'delete'],
    ['preallocate', 'TRUE', 'true'],
    ['min.cleanable.dirty.ratio', '0.25', '0.25'],
    ['compression.type', 'zstd', 'zstd'],
    ['max.message.bytes', '8384512', '8384512'],
    ['leader.replication.throttled.replicas', '', ''],
  ])('%s takes %j', (name, value, stored) => {
    expect(checkedOverrides({ [name]: value })).toEqual({ [name]: stored });
  });

  test.each([
    ['retention.ms', '-2'],
    ['retention.ms', ''],
    ['retention.ms', '1.5'],
    ['retention.ms', '1e3'],
    ['retention.ms', '9223372036854775808'],
    ['retention.ms', '99999999999999999999'],
    ['segment.bytes', '2147483648'],
    ['segment.bytes', '13'],
    ['max.message.bytes', '8384513'],
    ['cleanup.policy', ''],
    ['cleanup.policy', 'delete,shred'],
    ['message.timestamp.type', 'createtime'],
    ['preallocate', 'yes'],
    ['min.cleanable.dirty.ratio', '1.1'],
    ['min.cleanable.dirty.ratio', ''],
    ['min.cleanable.dirty.ratio', 'NaN'],
    ['min.compaction.lag.ms', '9223372036854775807', { 'max.compaction.lag.ms': '5' }],
    ['no.such.config', '1'],
    ['toString', '1'],
    ['__proto__', '1'],
  ] as const)('%s does not take %j', (name, value, more: Overrides = {}) => {
    const given = Object.fromEntries([...Object.entries(more), [name, value]]);
    expect(() => checkedOverrides(given)).toThrow(KafkaRefusal);
    try {
      checkedOverrides(given);
    } catch (cause) {
      expect(cause).toMatchObject({ error: 'INVALID_CONFIG', message: expect.stringContaining(name) as string });
    }
  });
});

test('a list is what stands between its commas', () => {
  expect([listOf(''), listOf(' a , b'), listOf('a')]).toEqual([[], ['a', 'b'], ['a']]);
});

test('what is set for a topic counts before what is set for a broker, for all, in the settings, and by default', async () => {
  const store = new MemoryObjectStore();
  const settings = { 'log.retention.ms': 40 };
  const first = await openWorld(store, { settings });
  await createTopic(first, 't');
  const now = (): number | undefined => first.topics.byName('t')?.config.retentionMs;
  expect(now()).toBe(40);
  await first.configs.alter('', () => ({ 'log.retention.ms': '30' }), false);
  expect(now()).toBe(30);
  await first.configs.alter('1', () => ({ 'log.retention.ms': '20' }), false);
  await first.configs.alter('2', () => ({ 'log.retention.ms': '99' }), false);
  expect(now()).toBe(20);
  await first.topics.alter('t', () => ({ 'retention.ms': '10' }), false);
  expect(now()).toBe(10);
  const second = await openWorld(await first.kill(), { settings });
  const topic = second.topics.byName('t');
  expect(topic?.config.retentionMs).toBe(10);
  const entry = topicEntries(topic!, second.configs).find(({ name }) => name === 'retention.ms');
  expect(entry).toMatchObject({ name: 'retention.ms', value: '10', source: 1, type: 'long', readOnly: false });
  expect(entry?.synonyms).toEqual([
    { name: 'retention.ms', value: '10', source: 1 },
    { name: 'log.retention.ms', value: '20', source: 2 },
    { name: 'log.retention.ms', value: '30', source: 3 },
    { name: 'log.retention.ms', value: '40', source: 4 },
    { name: 'log.retention.ms', value: '604800000', source: 5 },
  ]);
  await second.topics.alter('t', () => ({}), false);
  await second.configs.alter('1', () => ({}), false);
  await second.configs.alter('', () => ({}), false);
  expect(second.topics.byName('t')?.config.retentionMs).toBe(40);
});

test('a topic shows everything that Kafka knows of one, and what is out of date only where it was set', async () => {
  const world = await openWorld(new MemoryObjectStore());
  const plain = await createTopic(world, 'plain');
  const legacy = await createTopic(world, 'legacy', 1, { 'message.format.version': '2.8' });
  const namesOf = (topic: typeof plain): string[] => topicEntries(topic, world.configs).map(({ name }) => name);
  expect(namesOf(legacy)).toContain('message.format.version');
  expect(namesOf(plain)).not.toContain('message.format.version');
  expect(namesOf(plain)).toEqual(namesOf(plain).toSorted());
  expect(namesOf(plain)).toHaveLength(Object.values(topicConfigs).filter(({ isLegacy }) => !isLegacy).length);
  const before = topicEntries(plain, world.configs).find(({ name }) => name === 'message.timestamp.before.max.ms');
  expect(before).toMatchObject({ value: longMax, source: 5 });
});

test('a broker shows its settings and who it is, and lets only defaults of topics be changed', async () => {
  const world = await openWorld(new MemoryObjectStore(), { settings: { 'num.partitions': 3 } });
  await world.configs.alter('', () => ({ 'log.retention.bytes': '5' }), false);
  const entries = brokerEntries(world.configs, { nodeId: 1, rack: 'r', host: 'h', port: 9_092 });
  const shown = Object.fromEntries(entries.map((entry) => [entry.name, entry]));
  expect(entries).toHaveLength(Object.keys(shown).length);
  expect(shown['num.partitions']).toMatchObject({ value: '3', source: 4, readOnly: true });
  expect(shown['log.retention.bytes']).toMatchObject({ value: '5', source: 3, readOnly: false });
  expect(shown['auto.create.topics.enable']).toMatchObject({ value: 'true', source: 5, type: 'boolean' });
  expect(shown['broker.rack']).toMatchObject({ value: 'r' });
  expect(shown['advertised.listeners']).toMatchObject({ value: 'PLAINTEXT://h:9092', readOnly: true });
  for (const name of ['num.partitions', 'broker.id', 'retention.ms', 'toString'])
    expect(await refusalIn(world.configs.alter('', () => ({ [name]: '1' }), false))).toBe('INVALID_REQUEST');
  expect(await refusalIn(world.configs.alter('', () => ({ 'log.retention.ms': 'x' }), false))).toBe('INVALID_CONFIG');
  await world.configs.alter('', () => ({}), true);
  expect(world.configs.overridesOf('')).toEqual({ 'log.retention.bytes': '5' });
});

test('what two brokers set at once is all there in the end', async () => {
  const world = await openWorld(new MemoryObjectStore());
  const { BrokerConfigs } = await import('../../../src/kafka/topics/broker-configs.ts');
  const other = await BrokerConfigs.load({ streams: world.set, settings: world.configs.settings, nodeId: 2 });
  const set = (name: string) => (overrides: Readonly<Record<string, string>>) => ({ ...overrides, [name]: '77' });
  await Promise.all([
    world.configs.alter('', set('log.retention.ms'), false),
    other.alter('', set('log.retention.bytes'), false),
    other.alter('', set('log.segment.bytes'), false),
  ]);
  const third = await BrokerConfigs.load({ streams: world.set, settings: world.configs.settings, nodeId: 3 });
  expect(Object.keys(third.overridesOf(''))).toEqual(['log.retention.bytes', 'log.retention.ms', 'log.segment.bytes']);
});
