// DeleteTopics: topics to delete, by name or, from version 6 on, by id.
import { Api } from '../wire/api.ts';
import { array, int16, int32, nullableString, string, struct, uuid } from '../wire/schema.ts';

export interface DeleteTopicsRequest {
  /** From version 6 on. */
  readonly topics: readonly DeleteTopicState[];
  /** Until version 5. */
  readonly topicNames: readonly string[];
  readonly timeoutMs: number;
}

export interface DeleteTopicState {
  /** Null where the topic is meant by its id. */
  readonly name: string | null;
  readonly topicId: string;
}

export interface DeleteTopicsResponse {
  readonly throttleTimeMs?: number;
  readonly responses: readonly DeletableTopicResult[];
}

export interface DeletableTopicResult {
  readonly name: string | null;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const topic = struct<DeleteTopicState>({ name: nullableString(), topicId: uuid() });

const request = struct<DeleteTopicsRequest>({
  topics: array(topic, { since: 6 }),
  topicNames: array(string(), { until: 5 }),
  timeoutMs: int32(),
});

const result = struct<DeletableTopicResult>({
  name: nullableString({ nullableSince: 6 }),
  topicId: uuid({ since: 6 }),
  errorCode: int16(),
  errorMessage: nullableString({ since: 5 }),
});

const response = struct<DeleteTopicsResponse>({
  throttleTimeMs: int32({ since: 1 }),
  responses: array(result),
});

export const deleteTopicsApi: Api<DeleteTopicsRequest, DeleteTopicsResponse> = new Api({
  key: 20,
  name: 'DeleteTopics',
  versions: [0, 6],
  flexibleFrom: 4,
  request,
  response,
});
