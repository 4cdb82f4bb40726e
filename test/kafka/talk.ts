// Requests that tests make often, with what hardly any of them cares about filled in.
import { createTopicsApi } from '../../src/kafka/messages/create-topics.ts';
import { fetchApi, type FetchPartitionData, type FetchRequest } from '../../src/kafka/messages/fetch.ts';
import { listOffsetsApi, type ListOffsetsPartitionResponse } from '../../src/kafka/messages/list-offsets.ts';
import { metadataApi, type MetadataResponseTopic } from '../../src/kafka/messages/metadata.ts';
import { produceApi, type PartitionProduceResponse } from '../../src/kafka/messages/produce.ts';
import { zeroUuid } from '../../src/kafka/wire/schema.ts';
import { platformaticBatch, type RecordInput } from './records/make-batches.ts';
import type { WireClient } from './wire-client.ts';

/** Creates a topic, and gives its id. */
export async function createTopic(
  client: WireClient,
  name: string,
  numPartitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<string> {
  const topic = {
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
  const { topics } = await client.send(createTopicsApi, 7, { topics: [topic], timeoutMs: 5_000, validateOnly: false });
  const [created] = topics;
  if (created?.errorCode !== 0) throw new Error(`${name}: error ${created?.errorCode}, ${created?.errorMessage}`);
  return created.topicId ?? zeroUuid;
}

/** A batch of records with these values. */
export function batchOf(...values: readonly (string | RecordInput)[]): Uint8Array {
  const now = Date.now();
  const records = values.map((value) => (typeof value === 'string' ? { value, timestamp: now } : value));
  return platformaticBatch(records);
}

export interface ProduceMore {
  readonly partition?: number;
  readonly version?: number;
  readonly acks?: number;
  readonly transactionalId?: string | null;
}

/** Produces one batch to one partition. */
export async function produceTo(
  client: WireClient,
  topic: string,
  records: Uint8Array | null,
  { partition = 0, version = 9, acks = -1, transactionalId = null }: ProduceMore = {},
): Promise<PartitionProduceResponse> {
  const request = {
    ...{ transactionalId, acks, timeoutMs: 5_000 },
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  };
  const { responses } = await client.send(produceApi, version, request);
  return responses[0]?.partitionResponses[0] as PartitionProduceResponse;
}

/** A partition that is to be fetched. */
export interface WantedPartition {
  readonly topic?: string;
  readonly topicId?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly maxBytes?: number;
  readonly leaderEpoch?: number;
}

/** A request for partitions, each in a topic entry of its own. */
export function fetchRequest(
  wanted: readonly WantedPartition[],
  more: Partial<Omit<FetchRequest, 'topics'>> = {},
): FetchRequest {
  return {
    ...{ clusterId: null, replicaId: -1, replicaState: { replicaId: -1, replicaEpoch: -1 } },
    ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 50_000_000, isolationLevel: 0, sessionId: 0, sessionEpoch: -1 },
    topics: wanted.map(({ topic = '', topicId = zeroUuid, partition = 0, offset = 0, maxBytes, leaderEpoch }) => ({
      topic,
      topicId,
      partitions: [
        {
          partition,
          currentLeaderEpoch: leaderEpoch ?? -1,
          fetchOffset: offset,
          lastFetchedEpoch: -1,
          logStartOffset: -1,
          partitionMaxBytes: maxBytes ?? 1_048_576,
          replicaDirectoryId: zeroUuid,
        },
      ],
    })),
    forgottenTopicsData: [],
    rackId: '',
    ...more,
  };
}

/** Fetches partitions; the answers in the order of what was wanted. */
export async function fetchFrom(
  client: WireClient,
  wanted: readonly WantedPartition[],
  more: Partial<Omit<FetchRequest, 'topics'>> & { readonly version?: number } = {},
): Promise<readonly FetchPartitionData[]> {
  const { version = 11, ...limits } = more;
  const { errorCode, responses } = await client.send(fetchApi, version, fetchRequest(wanted, limits));
  if (errorCode !== 0) throw new Error(`a fetch was refused with ${errorCode}`);
  return responses.flatMap(({ partitions }) => partitions);
}

/** The bytes of the batches that were fetched. */
export function recordsOf(fetched: FetchPartitionData | undefined): Uint8Array {
  return Buffer.concat(fetched?.records ?? []);
}

/** Asks for the offset of a time. */
export async function offsetOf(
  client: WireClient,
  topic: string,
  timestamp: number,
  { partition = 0, version = 7 }: { readonly partition?: number; readonly version?: number } = {},
): Promise<ListOffsetsPartitionResponse> {
  const asked = { partitionIndex: partition, currentLeaderEpoch: -1, timestamp };
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions: [asked] }] };
  const { topics } = await client.send(listOffsetsApi, version, request);
  return topics[0]?.partitions[0] as ListOffsetsPartitionResponse;
}

/** What is told of topics. */
export async function metadataOf(
  client: WireClient,
  names: readonly string[] | null,
  { mayCreate = false, version = 12 }: { readonly mayCreate?: boolean; readonly version?: number } = {},
): Promise<readonly MetadataResponseTopic[]> {
  const topics = names?.map((name) => ({ topicId: zeroUuid, name })) ?? null;
  const wants = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };
  return (await client.send(metadataApi, version, { topics, allowAutoTopicCreation: mayCreate, ...wants })).topics;
}
