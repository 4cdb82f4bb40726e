// CreateTopics: topics to create, and what became of each.
import { Api } from '../wire/api.ts';
import {
  array,
  bool,
  int16,
  int32,
  int8,
  nullableArray,
  nullableString,
  string,
  struct,
  uuid,
} from '../wire/schema.ts';

export interface CreateTopicsRequest {
  readonly topics: readonly CreatableTopic[];
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export interface CreatableTopic {
  readonly name: string;
  /** −1 where the assignments say it, or the broker's setting is meant. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly CreatableReplicaAssignment[];
  readonly configs: readonly CreatableTopicConfig[];
}

export interface CreatableReplicaAssignment {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

export interface CreatableTopicConfig {
  readonly name: string;
  readonly value: string | null;
}

export interface CreateTopicsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly CreatableTopicResult[];
}

export interface CreatableTopicResult {
  readonly name: string;
  readonly topicId?: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** Why the configs are not told, if they are not. */
  readonly topicConfigErrorCode?: number;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly configs?: readonly CreatableTopicConfigs[] | null;
}

export interface CreatableTopicConfigs {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
}

const assignment = struct<CreatableReplicaAssignment>({ partitionIndex: int32(), brokerIds: array(int32()) });

const topicConfig = struct<CreatableTopicConfig>({ name: string(), value: nullableString() });

const topic = struct<CreatableTopic>({
  name: string(),
  numPartitions: int32(),
  replicationFactor: int16(),
  assignments: array(assignment),
  configs: array(topicConfig),
});

const request = struct<CreateTopicsRequest>({
  topics: array(topic),
  timeoutMs: int32({ initial: 60_000 }),
  validateOnly: bool({ since: 1 }),
});

const resultConfig = struct<CreatableTopicConfigs>({
  name: string(),
  value: nullableString(),
  readOnly: bool(),
  configSource: int8({ initial: -1 }),
  isSensitive: bool(),
});

const result = struct<CreatableTopicResult>({
  name: string(),
  topicId: uuid({ since: 7 }),
  errorCode: int16(),
  errorMessage: nullableString({ since: 1 }),
  topicConfigErrorCode: int16({ since: 5, tag: 0 }),
  numPartitions: int32({ since: 5, initial: -1 }),
  replicationFactor: int16({ since: 5, initial: -1 }),
  configs: nullableArray(resultConfig, { since: 5 }),
});

const response = struct<CreateTopicsResponse>({
  throttleTimeMs: int32({ since: 2 }),
  topics: array(result),
});

export const createTopicsApi: Api<CreateTopicsRequest, CreateTopicsResponse> = new Api({
  key: 19,
  name: 'CreateTopics',
  versions: [0, 7],
  flexibleFrom: 5,
  request,
  response,
});
