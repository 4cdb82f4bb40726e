// OffsetFetch: what a group has committed. From version 8 on for several groups at once.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, int64, nullableArray, nullableString, string, struct } from '../wire/schema.ts';

export interface OffsetFetchRequest {
  /** Until version 7. */
  readonly groupId: string;
  /** Until version 7; null, from version 2 on, asks for all. */
  readonly topics: readonly OffsetFetchRequestTopic[] | null;
  /** From version 8 on. */
  readonly groups: readonly OffsetFetchRequestGroup[];
  readonly requireStable: boolean;
}

export interface OffsetFetchRequestTopic {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface OffsetFetchRequestGroup {
  readonly groupId: string;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  /** Null asks for all. */
  readonly topics: readonly OffsetFetchRequestTopic[] | null;
}

export interface OffsetFetchResponse {
  readonly throttleTimeMs?: number;
  /** Until version 7. */
  readonly topics?: readonly OffsetFetchResponseTopic[];
  /** From version 2 to 7. */
  readonly errorCode?: number;
  /** From version 8 on. */
  readonly groups?: readonly OffsetFetchResponseGroup[];
}

export interface OffsetFetchResponseTopic {
  readonly name: string;
  readonly partitions: readonly OffsetFetchResponsePartition[];
}

export interface OffsetFetchResponsePartition {
  readonly partitionIndex: number;
  /** −1 where nothing is committed. */
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

export interface OffsetFetchResponseGroup {
  readonly groupId: string;
  readonly topics: readonly OffsetFetchResponseTopic[];
  readonly errorCode: number;
}

const requestTopic = struct<OffsetFetchRequestTopic>({ name: string(), partitionIndexes: array(int32()) });

const requestGroup = struct<OffsetFetchRequestGroup>({
  groupId: string(),
  memberId: nullableString({ since: 9 }),
  memberEpoch: int32({ since: 9, initial: -1 }),
  topics: nullableArray(requestTopic),
});

const request = struct<OffsetFetchRequest>({
  groupId: string({ until: 7 }),
  topics: nullableArray(requestTopic, { until: 7, nullableSince: 2 }),
  groups: array(requestGroup, { since: 8 }),
  requireStable: bool({ since: 7 }),
});

const responsePartition = struct<OffsetFetchResponsePartition>({
  partitionIndex: int32(),
  committedOffset: int64(),
  committedLeaderEpoch: int32({ since: 5, initial: -1 }),
  metadata: nullableString(),
  errorCode: int16(),
});

const responseTopic = struct<OffsetFetchResponseTopic>({ name: string(), partitions: array(responsePartition) });

const responseGroup = struct<OffsetFetchResponseGroup>({
  groupId: string(),
  topics: array(responseTopic),
  errorCode: int16(),
});

const response = struct<OffsetFetchResponse>({
  throttleTimeMs: int32({ since: 3 }),
  topics: array(responseTopic, { until: 7 }),
  errorCode: int16({ since: 2, until: 7 }),
  groups: array(responseGroup, { since: 8 }),
});

export const offsetFetchApi: Api<OffsetFetchRequest, OffsetFetchResponse> = new Api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 9],
  flexibleFrom: 6,
  isOfPartitions: true,
  request,
  response,
});
