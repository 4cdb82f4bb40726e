// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs over the wire, in every version.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaErrors, type KafkaErrorName } from '../../../src/kafka/kafka-error.ts';
import { alterConfigsApi } from '../../../src/kafka/messages/alter-configs.ts';
import { describeConfigsApi, type DescribeConfigsResult } from '../../../src/kafka/messages/describe-configs.ts';
import { incrementalAlterConfigsApi } from '../../../src/kafka/messages/incremental-alter-configs.ts';
import { startBroker, type BrokerInTest } from '../broker-in-test.ts';
import { createTopic } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';

let broker: BrokerInTest;
let client: WireClient;
beforeAll(async () => {
  broker = await startBroker({ nodeId: 7 });
  client = await broker.client();
});
afterAll(() => broker.close());

const topicType = 2;
const brokerType = 4;

const versionsOf = ({ minVersion, maxVersion }: { minVersion: number; maxVersion: number }): number[] =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);

const nameOf = (code: number | undefined): KafkaErrorName | undefined =>
  (Object.keys(kafkaErrors) as KafkaErrorName[]).find((name) => kafkaErrors[name] === code);

async function show(
  resourceType: number,
  resourceName: string,
  keys: readonly string[] | null = null,
  version = 4,
): Promise<DescribeConfigsResult> {
  const resources = [{ resourceType, resourceName, configurationKeys: keys }];
  const request = { resources, includeSynonyms: true, includeDocumentation: true };
  return (await client.send(describeConfigsApi, version, request)).results[0] as DescribeConfigsResult;
}

/** What was set for a resource, and nothing that counts by default. */
async function overridesOf(resourceType: number, resourceName: string): Promise<Record<string, string | null>> {
  const { configs } = await show(resourceType, resourceName);
  const own = configs.filter(({ configSource }) => configSource <= 3);
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

describe('describing configurations', () => {
  it.each(versionsOf(describeConfigsApi))('shows a topic in version %i', async (version) => {
    const topic = `shown-${version}`;
    await createTopic(client, topic, 1, { 'retention.ms': '5' });
    const all = await show(topicType, topic, null, version);
    expect([all.errorCode, all.resourceType, all.resourceName]).toEqual([0, topicType, topic]);
    expect(all.configs.length).toBeGreaterThan(25);
    const { configs } = await show(topicType, topic, ['retention.ms', 'retention.bytes', 'nothing'], version);
    expect(configs.map(({ name, value }) => [name, value])).toEqual([
      ['retention.bytes', '-1'],
      ['retention.ms', '5'],
    ]);
    const [bytes, ms] = configs;
    if (version === 0) expect([bytes?.isDefault, ms?.isDefault]).toEqual([true, false]);
    else expect([bytes?.configSource, ms?.configSource]).toEqual([5, 1]);
    if (version >= 1) expect(ms?.synonyms.map(({ source }) => source)).toEqual([1, 5]);
    if (version >= 3) {
      expect(ms?.configType).toBe(5);
      expect(ms?.documentation).toMatch(/kept/);
    }
  });

  it('leaves synonyms and documentation away where nobody asked', async () => {
    const resources = [{ resourceType: brokerType, resourceName: '7', configurationKeys: ['log.retention.ms'] }];
    const request = { resources, includeSynonyms: false, includeDocumentation: false };
    const { results } = await client.send(describeConfigsApi, 4, request);
    expect(results[0]?.configs).toMatchObject([{ name: 'log.retention.ms', synonyms: [], documentation: null }]);
  });

  it('shows this broker, and what was set for all', async () => {
    const { configs } = await show(brokerType, '7');
    expect(configs.find(({ name }) => name === 'node.id')).toMatchObject({ value: '7', readOnly: true });
    expect(configs.find(({ name }) => name === 'message.max.bytes')).toMatchObject({ readOnly: false });
    expect((await show(brokerType, '')).configs).toEqual([]);
  });

  it.each<[number, string, KafkaErrorName]>([
    [topicType, 'nowhere', 'UNKNOWN_TOPIC_OR_PARTITION'],
    [topicType, 'no/name', 'INVALID_TOPIC_EXCEPTION'],
    [brokerType, '8', 'INVALID_REQUEST'],
    [brokerType, 'seven', 'INVALID_REQUEST'],
    [8, '7', 'INVALID_REQUEST'],
    [16, 'metrics', 'INVALID_REQUEST'],
    [32, 'group', 'INVALID_REQUEST'],
    [0, '', 'INVALID_REQUEST'],
    [-1, '', 'INVALID_REQUEST'],
  ])('refuses a resource of type %i named %j with %s', async (type, name, error) => {
    const result = await show(type, name);
    expect([nameOf(result.errorCode), result.configs]).toEqual([error, []]);
    expect(result.errorMessage).toMatch(/\w/);
  });
});

describe('setting all configurations', () => {
  async function set(version: number, name: string, configs: object, more: object = {}): Promise<string | undefined> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value: value as string | null }));
    const resources = [{ resourceType: topicType, resourceName: name, configs: entries }];
    const request = { resources, validateOnly: false, ...more };
    return nameOf((await client.send(alterConfigsApi, version, request)).responses[0]?.errorCode);
  }

  it.each(versionsOf(alterConfigsApi))('replaces what was set before, in version %i', async (version) => {
    const topic = `set-${version}`;
    await createTopic(client, topic, 1, { 'retention.ms': '5' });
    expect(await set(version, topic, { 'retention.bytes': '6' })).toBe('NONE');
    expect(await overridesOf(topicType, topic)).toEqual({ 'retention.bytes': '6' });
    expect(await set(version, topic, { 'segment.ms': '7' }, { validateOnly: true })).toBe('NONE');
    expect(await set(version, topic, { 'segment.ms': '7', 'no.such': '8' })).toBe('INVALID_CONFIG');
    expect(await set(version, topic, { 'segment.ms': null })).toBe('INVALID_REQUEST');
    expect(await overridesOf(topicType, topic)).toEqual({ 'retention.bytes': '6' });
    expect(await set(version, topic, {})).toBe('NONE');
    expect(await overridesOf(topicType, topic)).toEqual({});
    expect(await set(version, 'nowhere', {})).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
});

describe('changing single configurations', () => {
  type Change = readonly [name: string, operation: number, value: string | null];
  const [put, unset, append, subtract] = [0, 1, 2, 3];

  async function change(
    resourceType: number,
    resourceName: string,
    changes: readonly Change[],
    { version = 1, validateOnly = false }: { version?: number; validateOnly?: boolean } = {},
  ): Promise<string | undefined> {
    const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
    const request = { resources: [{ resourceType, resourceName, configs }], validateOnly };
    return nameOf((await client.send(incrementalAlterConfigsApi, version, request)).responses[0]?.errorCode);
  }

  it.each(versionsOf(incrementalAlterConfigsApi))(
    'sets, unsets, appends and subtracts, in version %i',
    async (version) => {
      const topic = `change-${version}`;
      await createTopic(client, topic, 1, { 'retention.ms': '5', 'segment.ms': '6' });
      const more = { version };
      expect(
        await change(
          topicType,
          topic,
          [
            ['retention.ms', put, '7'],
            ['segment.ms', unset, null],
          ],
          more,
        ),
      ).toBe('NONE');
      expect(await overridesOf(topicType, topic)).toEqual({ 'retention.ms': '7' });
      expect(await change(topicType, topic, [['cleanup.policy', append, 'compact']], more)).toBe('NONE');
      expect(await overridesOf(topicType, topic)).toMatchObject({ 'cleanup.policy': 'delete,compact' });
      expect(await change(topicType, topic, [['cleanup.policy', append, 'compact']], more)).toBe('NONE');
      expect(await change(topicType, topic, [['cleanup.policy', subtract, 'delete']], more)).toBe('NONE');
      expect(await overridesOf(topicType, topic)).toEqual({ 'retention.ms': '7', 'cleanup.policy': 'compact' });
      expect(
        await change(
          topicType,
          topic,
          [
            ['segment.ms', unset, null],
            ['no.such', unset, null],
          ],
          more,
        ),
      ).toBe('NONE');
    },
  );

  it.each<[KafkaErrorName, readonly Change[]]>([
    ['INVALID_CONFIG', [['retention.ms', append, '1']]],
    ['INVALID_CONFIG', [['no.such', append, '1']]],
    ['INVALID_CONFIG', [['no.such', put, '1']]],
    ['INVALID_CONFIG', [['cleanup.policy', subtract, 'delete']]],
    ['INVALID_REQUEST', [['retention.ms', put, null]]],
    ['INVALID_REQUEST', [['retention.ms', 4, '1']]],
    [
      'INVALID_REQUEST',
      [
        ['retention.ms', put, '1'],
        ['retention.ms', unset, null],
      ],
    ],
  ])('answers %s to %j, and changes nothing', async (error, changes) => {
    const topic = `refused-${changes.flat().join('-')}`;
    await createTopic(client, topic, 1, { 'segment.ms': '6' });
    expect(await change(topicType, topic, changes)).toBe(error);
    expect(await overridesOf(topicType, topic)).toEqual({ 'segment.ms': '6' });
  });

  it('changes what counts for topics that do not say otherwise, for all brokers and for one', async () => {
    await createTopic(client, 'follows');
    expect(await change(brokerType, '', [['log.retention.ms', put, '30']])).toBe('NONE');
    expect(await change(brokerType, '7', [['log.retention.ms', put, '20']], { validateOnly: true })).toBe('NONE');
    const retention = async (): Promise<unknown> => (await show(topicType, 'follows', ['retention.ms'])).configs[0];
    expect(await retention()).toMatchObject({ value: '30', configSource: 3 });
    expect(await change(brokerType, '7', [['log.retention.ms', put, '20']])).toBe('NONE');
    expect(await retention()).toMatchObject({ value: '20', configSource: 2 });
    expect(await overridesOf(brokerType, '')).toEqual({ 'log.retention.ms': '30' });
    expect(await change(brokerType, '7', [['log.retention.ms', unset, null]])).toBe('NONE');
    expect(await change(brokerType, '', [['log.retention.ms', unset, null]])).toBe('NONE');
    expect(await retention()).toMatchObject({ value: '604800000', configSource: 5 });
    expect(await change(brokerType, '', [['num.partitions', put, '2']])).toBe('INVALID_REQUEST');
    expect(await change(brokerType, '8', [['log.retention.ms', put, '2']])).toBe('INVALID_REQUEST');
    expect(await change(32, 'group', [['consumer.session.timeout.ms', put, '2']])).toBe('INVALID_REQUEST');
  });

  it('refuses a resource that is named twice, and changes the others', async () => {
    await createTopic(client, 'double');
    await createTopic(client, 'single');
    const configs = [{ name: 'retention.ms', configOperation: put as number, value: '5' }];
    const resources = ['double', 'single', 'double'].map((resourceName) => ({
      resourceType: topicType,
      resourceName,
      configs,
    }));
    const { responses } = await client.send(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    expect(responses.map(({ resourceName, errorCode }) => `${resourceName} ${nameOf(errorCode)}`)).toEqual([
      'double INVALID_REQUEST',
      'single NONE',
    ]);
    expect(await overridesOf(topicType, 'double')).toEqual({});
  });
});
