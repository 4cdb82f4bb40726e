// FindCoordinator: the broker that coordinates a group. There is one broker, and it is this one. It is also named for
// transactional ids, so that a producer asks it for an identity and hears that transactions are not served.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import {
  findCoordinatorApi,
  type Coordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from '../messages/find-coordinator.ts';

const groupType = 0;
const transactionType = 1;

/** The first version that asks for several at once. */
const severalFrom = 4;

export function findCoordinator({
  identity,
}: Pick<BrokerParts, 'identity'>): Handler<FindCoordinatorRequest, FindCoordinatorResponse> {
  return {
    api: findCoordinatorApi,
    handle: ({ key, keyType, coordinatorKeys }, { version }) => {
      const find = (asked: string): Coordinator => {
        const { nodeId, host, port } = identity;
        if (keyType === groupType || keyType === transactionType)
          return { key: asked, nodeId, host, port, errorCode: kafkaErrors.NONE, errorMessage: null };
        const errorMessage = `nothing of type ${keyType} is coordinated here`;
        return { key: asked, nodeId: -1, host: '', port: -1, errorCode: kafkaErrors.INVALID_REQUEST, errorMessage };
      };
      if (version >= severalFrom) return { throttleTimeMs: 0, coordinators: coordinatorKeys.map(find) };
      return { throttleTimeMs: 0, ...find(key) };
    },
  };
}
