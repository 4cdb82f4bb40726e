// InitProducerId: an identity for an idempotent producer.
import { Api } from '../wire/api.ts';
import { int16, int32, int64, nullableString, struct } from '../wire/schema.ts';

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** −1 where the producer has no identity yet. */
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface InitProducerIdResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

const request = struct<InitProducerIdRequest>({
  transactionalId: nullableString(),
  transactionTimeoutMs: int32(),
  producerId: int64({ since: 3, initial: -1 }),
  producerEpoch: int16({ since: 3, initial: -1 }),
});

const response = struct<InitProducerIdResponse>({
  throttleTimeMs: int32(),
  errorCode: int16(),
  producerId: int64({ initial: -1 }),
  producerEpoch: int16(),
});

export const initProducerIdApi: Api<InitProducerIdRequest, InitProducerIdResponse> = new Api({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 5],
  flexibleFrom: 2,
  request,
  response,
});
