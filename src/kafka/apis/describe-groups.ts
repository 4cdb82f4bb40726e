// DescribeGroups: groups with their members. One that there is not is described as dead.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import {
  describeGroupsApi,
  type DescribedGroup,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from '../messages/describe-groups.ts';
import { groupOperations, operationsNotAsked } from './authorized-operations.ts';

export function describeGroups({
  groups,
}: Pick<BrokerParts, 'groups'>): Handler<DescribeGroupsRequest, DescribeGroupsResponse> {
  return {
    api: describeGroupsApi,
    handle: async (request, { hold }) => {
      const described: DescribedGroup[] = [];
      const authorizedOperations = request.includeAuthorizedOperations ? groupOperations : operationsNotAsked;
      for (const groupId of new Set(request.groups)) {
        const { error, group } = await groups.describe(groupId, hold);
        described.push({ errorCode: kafkaErrors[error], ...group, authorizedOperations });
      }
      return { throttleTimeMs: 0, groups: described };
    },
  };
}
