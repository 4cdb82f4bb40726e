// InitProducerId: gives idempotent producers their identity. A producer that lost its place asks again, and gets a new
// one. Transactions are not served, so a transactional id is refused in a way that every client takes for final.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, refusalOf } from '../kafka-error.ts';
import {
  initProducerIdApi,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from '../messages/init-producer-id.ts';

export function initProducerId({
  producerIds,
}: Pick<BrokerParts, 'producerIds'>): Handler<InitProducerIdRequest, InitProducerIdResponse> {
  const refused = (errorCode: number): InitProducerIdResponse => ({
    throttleTimeMs: 0,
    errorCode,
    producerId: -1,
    producerEpoch: -1,
  });
  return {
    api: initProducerIdApi,
    handle: async ({ transactionalId }) => {
      if (transactionalId !== null) return refused(kafkaErrors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
      try {
        const { producerId, epoch } = await producerIds.next();
        return { throttleTimeMs: 0, errorCode: kafkaErrors.NONE, producerId, producerEpoch: epoch };
      } catch (cause) {
        return refused(refusalOf(cause).code);
      }
    },
  };
}
