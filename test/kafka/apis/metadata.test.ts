// Metadata, DescribeCluster, ApiVersions and ListOffsets over the wire.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaErrors } from '../../../src/kafka/kafka-error.ts';
import { apiVersionsApi } from '../../../src/kafka/messages/api-versions.ts';
import { deleteTopicsApi } from '../../../src/kafka/messages/delete-topics.ts';
import { describeClusterApi } from '../../../src/kafka/messages/describe-cluster.ts';
import { metadataApi } from '../../../src/kafka/messages/metadata.ts';
import { offsetForLeaderEpochApi } from '../../../src/kafka/messages/offset-for-leader-epoch.ts';
import { zeroUuid } from '../../../src/kafka/wire/schema.ts';
import { startBroker, type BrokerInTest } from '../broker-in-test.ts';
import { batchOf, createTopic, fetchFrom, metadataOf, offsetOf, produceTo } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';

let broker: BrokerInTest;
let client: WireClient;
beforeAll(async () => {
  broker = await startBroker({
    nodeId: 7,
    rack: 'r1',
    advertise: { host: 'outside.example', port: 19_092 },
    settings: { 'num.partitions': 3 },
  });
  client = await broker.client();
});
afterAll(() => broker.close());

const nothingAsked = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };

describe('brokers', () => {
  it('are told where they are advertised, which is not where they listen', async () => {
    const request = { topics: [], allowAutoTopicCreation: false, ...nothingAsked };
    const { brokers, clusterId, controllerId, topics } = await client.send(metadataApi, 9, request);
    expect(brokers).toEqual([{ nodeId: 7, host: 'outside.example', port: 19_092, rack: 'r1' }]);
    expect(controllerId).toBe(7);
    expect(topics).toEqual([]);
    const asked = { includeClusterAuthorizedOperations: true, endpointType: 1 };
    const described = await client.send(describeClusterApi, 1, asked);
    expect(described).toMatchObject({ errorCode: 0, clusterId, controllerId: 7 });
    expect(described.brokers).toEqual([{ brokerId: 7, host: 'outside.example', port: 19_092, rack: 'r1' }]);
    expect(described.clusterAuthorizedOperations).toBeGreaterThan(0);
  });
});

describe('topics', () => {
  it('are made by being asked for, where the client allows it', async () => {
    const [no] = await metadataOf(client, ['made'], { mayCreate: false });
    expect(no?.errorCode).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    const [yes] = await metadataOf(client, ['made'], { mayCreate: true });
    expect(yes).toMatchObject({ errorCode: 0, name: 'made' });
    expect(yes?.partitions.map(({ leaderId }) => leaderId)).toEqual([7, 7, 7]);
    expect((await metadataOf(client, ['made'])).map(({ topicId }) => topicId)).toEqual([yes?.topicId]);
  });

  it('are made once, however many ask for them', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => broker.client()));
    const answers = await Promise.all(clients.map((one) => metadataOf(one, ['at-once'], { mayCreate: true })));
    const ids = new Set(
      answers.flatMap((topics) => topics.map(({ topicId }) => topicId)).filter((id) => id !== zeroUuid),
    );
    expect(ids.size).toBe(1);
    const allowed: readonly number[] = [kafkaErrors.NONE, kafkaErrors.LEADER_NOT_AVAILABLE];
    expect(answers.flat().every(({ errorCode }) => allowed.includes(errorCode))).toBe(true);
  });

  it('are made a hundred at a time, and the others by asking again', async () => {
    const names = Array.from({ length: 150 }, (_, i) => `many-${i}`);
    const codes = async (): Promise<readonly number[]> =>
      (await metadataOf(client, names, { mayCreate: true })).map(({ errorCode }) => errorCode);
    const first = await codes();
    expect(first.filter((code) => code === 0).length).toBe(100);
    expect(first.filter((code) => code === kafkaErrors.LEADER_NOT_AVAILABLE).length).toBe(50);
    expect((await codes()).every((code) => code === 0)).toBe(true);
  });

  it('cannot have names that Kafka refuses', async () => {
    const names = ['', '.', '..', 'a b', 'a/b', 'ä', 'x'.repeat(250)];
    const answers = await metadataOf(client, names, { mayCreate: true });
    expect(answers.map(({ errorCode }) => errorCode)).toEqual(names.map(() => kafkaErrors.INVALID_TOPIC_EXCEPTION));
    const unmade = await metadataOf(client, names, { mayCreate: false });
    expect(unmade.map(({ errorCode }) => errorCode)).toEqual(names.map(() => kafkaErrors.INVALID_TOPIC_EXCEPTION));
  });

  it('are all told to who asks for all: null, and in version 0 an empty list', async () => {
    await createTopic(client, 'listed');
    const names = (await metadataOf(client, null)).map(({ name }) => name);
    expect(names).toContain('listed');
    expect((await metadataOf(client, [], { version: 0 })).map(({ name }) => name)).toEqual(names);
    expect(await metadataOf(client, [], { version: 1 })).toEqual([]);
  });

  it('are told by their ids', async () => {
    const topicId = await createTopic(client, 'by-id');
    const ask = async (id: string): Promise<unknown> => {
      const request = { topics: [{ topicId: id, name: null }], allowAutoTopicCreation: false, ...nothingAsked };
      const { topics } = await client.send(metadataApi, 12, request);
      return { name: topics[0]?.name, errorCode: topics[0]?.errorCode };
    };
    expect(await ask(topicId)).toEqual({ name: 'by-id', errorCode: 0 });
    expect(await ask('aaaaaaaaaaaaaaaaaaaaaw')).toEqual({ name: null, errorCode: kafkaErrors.UNKNOWN_TOPIC_ID });
  });

  it('have another id and nothing old when they are deleted and made again', async () => {
    const before = await createTopic(client, 'again');
    await produceTo(client, 'again', batchOf('old', 'older'));
    await client.send(deleteTopicsApi, 4, { topicNames: ['again'], topics: [], timeoutMs: 5_000 });
    const after = await createTopic(client, 'again');
    expect(after).not.toBe(before);
    expect((await produceTo(client, 'again', batchOf('new'))).baseOffset).toBe(0);
    expect((await fetchFrom(client, [{ topic: 'again' }]))[0]?.highWatermark).toBe(1);
    const [byOldId] = await fetchFrom(client, [{ topicId: before }], { version: 13 });
    expect(byOldId?.errorCode).toBe(kafkaErrors.UNKNOWN_TOPIC_ID);
  });
});

describe('versions', () => {
  it('are told in every version of the question', async () => {
    for (const version of [0, 1, 2, 3, 4]) {
      const named = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' };
      const { errorCode, apiKeys } = await client.send(apiVersionsApi, version, named);
      expect(errorCode).toBe(0);
      expect(apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 11 });
      expect(apiKeys).toContainEqual({ apiKey: 18, minVersion: 0, maxVersion: 4 });
    }
  });

  it('are not told to a client with a name that none can have', async () => {
    const named = { clientSoftwareName: 'a b', clientSoftwareVersion: '' };
    expect(await client.send(apiVersionsApi, 3, named)).toMatchObject({ errorCode: kafkaErrors.INVALID_REQUEST });
  });
});

describe('offsets', () => {
  it('are those of the start, the end, and a time', async () => {
    await createTopic(client, 'timed');
    await produceTo(client, 'timed', batchOf({ value: 'a', timestamp: 1_000 }, { value: 'b', timestamp: 3_000 }));
    await produceTo(client, 'timed', batchOf({ value: 'c', timestamp: 2_000 }));
    expect(await offsetOf(client, 'timed', -2)).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1 });
    expect(await offsetOf(client, 'timed', -1)).toMatchObject({ errorCode: 0, offset: 3, timestamp: -1 });
    expect(await offsetOf(client, 'timed', 0)).toMatchObject({ offset: 0, timestamp: 1_000 });
    expect(await offsetOf(client, 'timed', 1_001)).toMatchObject({ offset: 1, timestamp: 3_000 });
    expect(await offsetOf(client, 'timed', 3_001)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    expect(await offsetOf(client, 'timed', -3)).toMatchObject({ offset: 1, timestamp: 3_000 });
    expect(await offsetOf(client, 'timed', -4, { version: 8 })).toMatchObject({ offset: 0 });
    expect(await offsetOf(client, 'timed', -5, { version: 9 })).toMatchObject({ errorCode: 0, offset: -1 });
  });

  it('are refused of partitions that are not there', async () => {
    expect(await offsetOf(client, 'timed', -1, { partition: 1 })).toMatchObject({
      errorCode: kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION,
    });
  });

  it('of the end of an epoch are the end of the log, while it is the epoch of the leader', async () => {
    await createTopic(client, 'epochs');
    await produceTo(client, 'epochs', batchOf('a', 'b'));
    const [described] = await metadataOf(client, ['epochs']);
    const { leaderEpoch } = described!.partitions[0]!;
    expect(leaderEpoch).toBeGreaterThan(0);
    const ask = async (epoch: number, currentLeaderEpoch = -1): Promise<unknown> => {
      const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch: epoch }];
      const request = { replicaId: -1, topics: [{ topic: 'epochs', partitions }] };
      return (await client.send(offsetForLeaderEpochApi, 4, request)).topics[0]?.partitions[0];
    };
    expect(await ask(leaderEpoch)).toMatchObject({ errorCode: 0, leaderEpoch, endOffset: 2 });
    expect(await ask(leaderEpoch + 1)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    const later = await ask(leaderEpoch, leaderEpoch + 1);
    expect(later).toMatchObject({ errorCode: kafkaErrors.UNKNOWN_LEADER_EPOCH });
  });
});
