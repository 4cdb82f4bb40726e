// ListGroups: the groups that there are, of some states and types or of all.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import { listGroupsApi, type ListGroupsRequest, type ListGroupsResponse } from '../messages/list-groups.ts';

export function listGroups({ groups }: Pick<BrokerParts, 'groups'>): Handler<ListGroupsRequest, ListGroupsResponse> {
  return {
    api: listGroupsApi,
    handle: ({ statesFilter, typesFilter }) => {
      const listed = groups.list(statesFilter, typesFilter);
      return { throttleTimeMs: 0, errorCode: kafkaErrors.NONE, groups: listed };
    },
  };
}
