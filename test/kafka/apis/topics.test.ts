// CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords over the wire, in every version.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaErrors, type KafkaErrorName } from '../../../src/kafka/kafka-error.ts';
import { createPartitionsApi } from '../../../src/kafka/messages/create-partitions.ts';
import {
  createTopicsApi,
  type CreatableTopic,
  type CreatableTopicResult,
} from '../../../src/kafka/messages/create-topics.ts';
import { deleteRecordsApi } from '../../../src/kafka/messages/delete-records.ts';
import { deleteTopicsApi, type DeleteTopicState } from '../../../src/kafka/messages/delete-topics.ts';
import { zeroUuid } from '../../../src/kafka/wire/schema.ts';
import { startBroker, type BrokerInTest } from '../broker-in-test.ts';
import { batchOf, createTopic, offsetOf, produceTo } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';

let broker: BrokerInTest;
let client: WireClient;
beforeAll(async () => {
  broker = await startBroker({ nodeId: 7, settings: { 'num.partitions': 3, 'qanat.partitions.max': 500 } });
  client = await broker.client();
});
afterAll(() => broker.close());

const versionsOf = ({ minVersion, maxVersion }: { minVersion: number; maxVersion: number }): number[] =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);

const nameOf = (code: number): KafkaErrorName | undefined =>
  (Object.keys(kafkaErrors) as KafkaErrorName[]).find((name) => kafkaErrors[name] === code);

const wanted = (name: string, more: Partial<CreatableTopic> = {}): CreatableTopic => ({
  ...{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
  ...more,
});

async function create(topics: readonly CreatableTopic[], version = 7, validateOnly = false): Promise<string[]> {
  return (await created(topics, version, validateOnly)).map(({ name, errorCode }) => `${name} ${nameOf(errorCode)}`);
}

async function created(
  topics: readonly CreatableTopic[],
  version = 7,
  validateOnly = false,
): Promise<readonly CreatableTopicResult[]> {
  return (await client.send(createTopicsApi, version, { topics, timeoutMs: 1_000, validateOnly })).topics;
}

describe('creating topics', () => {
  it.each(versionsOf(createTopicsApi))(
    'makes topics and refuses others in one request of version %i',
    async (version) => {
      const name = `create-${version}`;
      const results = await created([wanted(name, { numPartitions: 2 }), wanted('no/name')], version);
      expect(results.map((result) => [result.name, nameOf(result.errorCode)])).toEqual([
        [name, 'NONE'],
        ['no/name', 'INVALID_TOPIC_EXCEPTION'],
      ]);
      if (version >= 1) expect(results[1]?.errorMessage).toMatch(/character/);
      if (version >= 5) {
        expect(results[0]).toMatchObject({ numPartitions: 2, replicationFactor: 1, topicConfigErrorCode: 0 });
        expect(results[0]?.configs).toContainEqual({
          ...{ name: 'retention.ms', value: '604800000', readOnly: false, configSource: 5, isSensitive: false },
        });
      }
      if (version >= 7) expect(results[0]?.topicId).toMatch(/^[\w-]{22}$/);
      expect(await create([wanted(name)], version)).toEqual([`${name} TOPIC_ALREADY_EXISTS`]);
    },
  );

  it('takes −1 for the number of partitions and of replicas', async () => {
    const [result] = await created([wanted('usual', { numPartitions: -1, replicationFactor: -1 })]);
    expect(result).toMatchObject({ numPartitions: 3, replicationFactor: 1 });
  });

  it('makes nothing where it only validates', async () => {
    const topics = [wanted('validated', { numPartitions: 9 }), wanted('other', { numPartitions: 0 })];
    expect(await create(topics, 7, true)).toEqual(['validated NONE', 'other INVALID_PARTITIONS']);
    expect(await create([wanted('validated')])).toEqual(['validated NONE']);
  });

  const assigned = (...brokers: number[][]): Partial<CreatableTopic> => ({
    numPartitions: -1,
    replicationFactor: -1,
    assignments: brokers.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  });

  it.each<[string, Partial<CreatableTopic>, KafkaErrorName]>([
    ['no partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS'],
    ['a negative number', { numPartitions: -2 }, 'INVALID_PARTITIONS'],
    ['too many', { numPartitions: 501 }, 'POLICY_VIOLATION'],
    ['absurdly many', { numPartitions: 2 ** 31 - 1 }, 'POLICY_VIOLATION'],
    ['no replica', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
    ['more replicas than brokers', { replicationFactor: 3 }, 'INVALID_REPLICATION_FACTOR'],
    ['an unknown config', { configs: [{ name: 'no.such', value: '1' }] }, 'INVALID_CONFIG'],
    ['a config that is wrong', { configs: [{ name: 'retention.ms', value: 'x' }] }, 'INVALID_CONFIG'],
    ['a config that is null', { configs: [{ name: 'retention.ms', value: null }] }, 'INVALID_CONFIG'],
    ['assignments to this broker', assigned([7], [7]), 'NONE'],
    ['assignments and a number', { ...assigned([7]), numPartitions: 1 }, 'INVALID_REQUEST'],
    ['assignments and a factor', { ...assigned([7]), replicationFactor: 1 }, 'INVALID_REQUEST'],
    ['an assignment to another broker', assigned([8]), 'INVALID_REPLICA_ASSIGNMENT'],
    ['an assignment to a broker twice', assigned([7, 7]), 'INVALID_REPLICA_ASSIGNMENT'],
    ['an assignment to nobody', assigned([7], []), 'INVALID_REPLICA_ASSIGNMENT'],
    [
      'assignments with a gap',
      { ...assigned(), assignments: [0, 2].map((partitionIndex) => ({ partitionIndex, brokerIds: [7] })) },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    [
      'two assignments of one partition',
      { ...assigned(), assignments: [0, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [7] })) },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
  ])('with %s is answered as by Kafka', async (title, more, error) => {
    const name = title.replaceAll(' ', '-');
    expect(await create([wanted(name, more)])).toEqual([`${name} ${error}`]);
  });

  it('refuses what is named twice in a request, and makes the rest', async () => {
    const topics = [wanted('twice'), wanted('once'), wanted('twice', { numPartitions: 2 })];
    expect((await create(topics)).toSorted()).toEqual(['once NONE', 'twice INVALID_REQUEST']);
    expect(await create([wanted('one.name'), wanted('one_name')])).toEqual([
      'one.name NONE',
      'one_name INVALID_TOPIC_EXCEPTION',
    ]);
    expect(await create([])).toEqual([]);
  });
});

describe('deleting topics', () => {
  async function remove(version: number, states: readonly Partial<DeleteTopicState>[]): Promise<unknown[]> {
    const topics = states.map((state) => ({ name: null, topicId: zeroUuid, ...state }));
    const topicNames = topics.map(({ name }) => name ?? '');
    const { responses } = await client.send(deleteTopicsApi, version, { topics, topicNames, timeoutMs: 1_000 });
    return responses.map(({ name, errorCode }) => `${name} ${nameOf(errorCode)}`);
  }

  it.each(versionsOf(deleteTopicsApi))('goes by name in version %i', async (version) => {
    await createTopic(client, `delete-${version}`);
    const asked = [{ name: `delete-${version}` }, { name: 'nowhere' }];
    const answers = [`delete-${version} NONE`, 'nowhere UNKNOWN_TOPIC_OR_PARTITION'];
    expect(await remove(version, asked)).toEqual(answers);
    expect(await remove(version, asked.slice(0, 1))).toEqual([`delete-${version} UNKNOWN_TOPIC_OR_PARTITION`]);
  });

  it('goes by id, and never deletes a topic of the same name that came later', async () => {
    const old = await createTopic(client, 'again');
    expect(await remove(6, [{ topicId: old }])).toEqual(['again NONE']);
    await createTopic(client, 'again');
    expect(await remove(6, [{ topicId: old }])).toEqual(['null UNKNOWN_TOPIC_ID']);
    expect(await create([wanted('again')])).toEqual(['again TOPIC_ALREADY_EXISTS']);
  });

  it('refuses what is neither name nor id, both, or named twice', async () => {
    const id = await createTopic(client, 'both');
    expect(await remove(6, [{}])).toEqual(['null INVALID_REQUEST']);
    expect(await remove(6, [{ name: 'both', topicId: id }])).toEqual(['both INVALID_REQUEST']);
    expect(await remove(6, [{ name: 'both' }, { name: 'both' }])).toEqual(['both INVALID_REQUEST']);
    expect(await create([wanted('both')])).toEqual(['both TOPIC_ALREADY_EXISTS']);
  });

  it('is refused where the broker is set so, as each version can say it', async () => {
    const other = await startBroker({ settings: { 'delete.topic.enable': false } });
    const its = await other.client();
    await createTopic(its, 't');
    for (const [version, error] of [
      [2, 'INVALID_REQUEST'],
      [3, 'TOPIC_DELETION_DISABLED'],
    ] as const) {
      const request = { topics: [], topicNames: ['t'], timeoutMs: 1_000 };
      const { responses } = await its.send(deleteTopicsApi, version, request);
      expect(nameOf(responses[0]?.errorCode ?? 0)).toBe(error);
    }
    await other.close();
  });
});

describe('adding partitions', () => {
  async function add(version: number, name: string, count: number, more: object = {}): Promise<string | undefined> {
    const topics = [{ name, count, assignments: null, ...more }];
    const { results } = await client.send(createPartitionsApi, version, {
      topics,
      timeoutMs: 1_000,
      validateOnly: false,
    });
    return nameOf(results[0]?.errorCode ?? -2);
  }

  it.each(versionsOf(createPartitionsApi))('works in version %i', async (version) => {
    const name = `grow-${version}`;
    await createTopic(client, name, 2);
    expect(await add(version, name, 4)).toBe('NONE');
    expect((await produceTo(client, name, batchOf('x'), { partition: 3 })).errorCode).toBe(0);
    expect((await produceTo(client, name, batchOf('x'), { partition: 4 })).errorCode).toBe(3);
    expect(await add(version, name, 4)).toBe('INVALID_PARTITIONS');
    expect(await add(version, name, 1)).toBe('INVALID_PARTITIONS');
    expect(await add(version, 'nowhere', 4)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await add(version, name, 2 ** 31 - 1)).toBe('POLICY_VIOLATION');
  });

  it('takes assignments to this broker, one for each new partition', async () => {
    await createTopic(client, 'assigned');
    const to = (...brokers: number[]): object => ({ assignments: brokers.map((id) => ({ brokerIds: [id] })) });
    expect(await add(3, 'assigned', 3, to(7))).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(await add(3, 'assigned', 3, to(7, 8))).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(await add(3, 'assigned', 3, to(7, 7))).toBe('NONE');
  });

  it('adds nothing where it only validates, or where a topic is named twice', async () => {
    await createTopic(client, 'careful');
    const topic = { name: 'careful', count: 5, assignments: null };
    const send = async (topics: readonly (typeof topic)[], validateOnly: boolean): Promise<unknown> =>
      (await client.send(createPartitionsApi, 3, { topics, timeoutMs: 1_000, validateOnly })).results;
    expect(await send([topic], true)).toMatchObject([{ errorCode: 0 }]);
    expect(await send([topic, topic], false)).toMatchObject([{ errorCode: kafkaErrors.INVALID_REQUEST }]);
    expect((await produceTo(client, 'careful', batchOf('x'), { partition: 1 })).errorCode).toBe(3);
  });
});

describe('deleting records', () => {
  it.each(versionsOf(deleteRecordsApi))('moves the start of partitions in version %i', async (version) => {
    const name = `trim-${version}`;
    await createTopic(client, name, 2);
    for (let i = 0; i < 5; i++) await produceTo(client, name, batchOf('x', 'y'));
    const remove = async (...partitions: { partitionIndex: number; offset: number }[]): Promise<unknown> => {
      const request = { topics: [{ name, partitions }], timeoutMs: 1_000 };
      return (await client.send(deleteRecordsApi, version, request)).topics[0]?.partitions.map(
        ({ partitionIndex, lowWatermark, errorCode }) => [partitionIndex, lowWatermark, nameOf(errorCode)],
      );
    };
    expect(await remove({ partitionIndex: 0, offset: 3 }, { partitionIndex: 1, offset: 1 })).toEqual([
      [0, 3, 'NONE'],
      [1, -1, 'OFFSET_OUT_OF_RANGE'],
    ]);
    expect((await offsetOf(client, name, -2)).offset).toBe(3);
    expect(await remove({ partitionIndex: 0, offset: -1 }, { partitionIndex: 9, offset: 0 })).toEqual([
      [0, 10, 'NONE'],
      [9, -1, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
    expect(await remove({ partitionIndex: 0, offset: 4 })).toEqual([[0, 10, 'NONE']]);
  });
});
