// Metadata: the brokers, and of topics where their partitions are.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, nullableArray, nullableString, string, struct, uuid } from '../wire/schema.ts';

export interface MetadataRequest {
  /** Null asks for all topics; version 0 does so with an empty list. */
  readonly topics: readonly MetadataRequestTopic[] | null;
  readonly allowAutoTopicCreation: boolean;
  readonly includeClusterAuthorizedOperations: boolean;
  readonly includeTopicAuthorizedOperations: boolean;
}

export interface MetadataRequestTopic {
  /** The zero id where the topic is asked for by its name. */
  readonly topicId: string;
  readonly name: string | null;
}

export interface MetadataResponse {
  readonly throttleTimeMs?: number;
  readonly brokers: readonly MetadataResponseBroker[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topics: readonly MetadataResponseTopic[];
  readonly clusterAuthorizedOperations?: number;
}

export interface MetadataResponseBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface MetadataResponseTopic {
  readonly errorCode: number;
  readonly name: string | null;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly MetadataResponsePartition[];
  readonly topicAuthorizedOperations?: number;
}

export interface MetadataResponsePartition {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
}

/** What stands for operations that were not asked for. */
const noOperations = -2_147_483_648;

const requestTopic = struct<MetadataRequestTopic>({
  topicId: uuid({ since: 10 }),
  name: nullableString({ nullableSince: 10 }),
});

const request = struct<MetadataRequest>({
  topics: nullableArray(requestTopic, { nullableSince: 1 }),
  allowAutoTopicCreation: bool({ since: 4, initial: true }),
  includeClusterAuthorizedOperations: bool({ since: 8, until: 10 }),
  includeTopicAuthorizedOperations: bool({ since: 8 }),
});

const broker = struct<MetadataResponseBroker>({
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: nullableString({ since: 1 }),
});

const partition = struct<MetadataResponsePartition>({
  errorCode: int16(),
  partitionIndex: int32(),
  leaderId: int32(),
  leaderEpoch: int32({ since: 7, initial: -1 }),
  replicaNodes: array(int32()),
  isrNodes: array(int32()),
  offlineReplicas: array(int32(), { since: 5 }),
});

const responseTopic = struct<MetadataResponseTopic>({
  errorCode: int16(),
  name: nullableString({ nullableSince: 12 }),
  topicId: uuid({ since: 10 }),
  isInternal: bool({ since: 1 }),
  partitions: array(partition),
  topicAuthorizedOperations: int32({ since: 8, initial: noOperations }),
});

const response = struct<MetadataResponse>({
  throttleTimeMs: int32({ since: 3 }),
  brokers: array(broker),
  clusterId: nullableString({ since: 2 }),
  controllerId: int32({ since: 1, initial: -1 }),
  topics: array(responseTopic),
  clusterAuthorizedOperations: int32({ since: 8, until: 10, initial: noOperations }),
});

export const metadataApi: Api<MetadataRequest, MetadataResponse> = new Api({
  key: 3,
  name: 'Metadata',
  versions: [0, 12],
  flexibleFrom: 9,
  isOfPartitions: true,
  request,
  response,
});
