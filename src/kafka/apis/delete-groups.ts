// DeleteGroups: groups that nobody is in are forgotten, with all that they have committed.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import { deleteGroupsApi, type DeleteGroupsRequest, type DeleteGroupsResponse } from '../messages/delete-groups.ts';

export function deleteGroups({
  groups,
  log,
}: Pick<BrokerParts, 'groups' | 'log'>): Handler<DeleteGroupsRequest, DeleteGroupsResponse> {
  return {
    api: deleteGroupsApi,
    handle: async ({ groupsNames }) => {
      const deleting = [...new Set(groupsNames)].map(async (groupId) => {
        const error = await groups.deleteGroup(groupId);
        if (error === 'NONE') log.log('info', 'Deleted a group.', { group: groupId });
        return { groupId, errorCode: kafkaErrors[error] };
      });
      return { throttleTimeMs: 0, results: await Promise.all(deleting) };
    },
  };
}
