// CreatePartitions: more partitions for topics.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, nullableArray, nullableString, string, struct } from '../wire/schema.ts';

export interface CreatePartitionsRequest {
  readonly topics: readonly CreatePartitionsTopic[];
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export interface CreatePartitionsTopic {
  readonly name: string;
  /** How many it shall have then, not how many more. */
  readonly count: number;
  readonly assignments: readonly CreatePartitionsAssignment[] | null;
}

export interface CreatePartitionsAssignment {
  readonly brokerIds: readonly number[];
}

export interface CreatePartitionsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly CreatePartitionsTopicResult[];
}

export interface CreatePartitionsTopicResult {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const assignment = struct<CreatePartitionsAssignment>({ brokerIds: array(int32()) });

const topic = struct<CreatePartitionsTopic>({
  name: string(),
  count: int32(),
  assignments: nullableArray(assignment),
});

const request = struct<CreatePartitionsRequest>({
  topics: array(topic),
  timeoutMs: int32(),
  validateOnly: bool(),
});

const result = struct<CreatePartitionsTopicResult>({
  name: string(),
  errorCode: int16(),
  errorMessage: nullableString(),
});

const response = struct<CreatePartitionsResponse>({
  throttleTimeMs: int32(),
  results: array(result),
});

export const createPartitionsApi: Api<CreatePartitionsRequest, CreatePartitionsResponse> = new Api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleFrom: 2,
  request,
  response,
});
