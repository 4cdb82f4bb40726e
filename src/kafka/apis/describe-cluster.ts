// DescribeCluster: who the brokers are.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import {
  describeClusterApi,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
} from '../messages/describe-cluster.ts';
import { clusterOperations, operationsNotAsked } from './authorized-operations.ts';

/** Asks for brokers; 2 would ask for controllers, which nothing here is. */
const brokersType = 1;

export function describeCluster({
  identity,
}: Pick<BrokerParts, 'identity'>): Handler<DescribeClusterRequest, DescribeClusterResponse> {
  return {
    api: describeClusterApi,
    handle: ({ includeClusterAuthorizedOperations, endpointType }, { version }) => {
      const { nodeId: brokerId, host, port, rack, clusterId } = identity;
      const isOther = version >= 1 && endpointType !== brokersType;
      return {
        throttleTimeMs: 0,
        errorCode: isOther ? kafkaErrors.INVALID_REQUEST : kafkaErrors.NONE,
        errorMessage: isOther ? `there are no endpoints of type ${endpointType} here` : null,
        endpointType: brokersType,
        clusterId,
        controllerId: isOther ? -1 : brokerId,
        brokers: isOther ? [] : [{ brokerId, host, port, rack }],
        clusterAuthorizedOperations: includeClusterAuthorizedOperations ? clusterOperations : operationsNotAsked,
      };
    },
  };
}
