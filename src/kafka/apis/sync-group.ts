// SyncGroup: a member asks for its assignment, and waits until the leader of its generation has brought it.
import type { BrokerParts } from '../broker-parts.ts';
import { refusedSync } from '../groups/turn.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import { syncGroupApi, type SyncGroupRequest, type SyncGroupResponse } from '../messages/sync-group.ts';

/** The first version in which a member has to say what it takes the protocol to be. */
const protocolFrom = 5;

export function syncGroup({
  groups,
  meter,
}: Pick<BrokerParts, 'groups' | 'meter'>): Handler<SyncGroupRequest, SyncGroupResponse> {
  return {
    api: syncGroupApi,
    handle: async (request, { version }) => {
      const isUnclear = version >= protocolFrom && (request.protocolType === null || request.protocolName === null);
      const { error, ...answer } = isUnclear ? refusedSync('INCONSISTENT_GROUP_PROTOCOL') : await groups.sync(request);
      if (error !== 'NONE') meter.refused('SyncGroup', error);
      return { throttleTimeMs: 0, errorCode: kafkaErrors[error], ...answer };
    },
  };
}
