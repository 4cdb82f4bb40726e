// Heartbeat: a member says that it lives, and hears whether it has to join again.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import { heartbeatApi, type HeartbeatRequest, type HeartbeatResponse } from '../messages/heartbeat.ts';

export function heartbeat({ groups }: Pick<BrokerParts, 'groups'>): Handler<HeartbeatRequest, HeartbeatResponse> {
  return {
    api: heartbeatApi,
    handle: async (request) => ({ throttleTimeMs: 0, errorCode: kafkaErrors[await groups.heartbeat(request)] }),
  };
}
