// LeaveGroup: members leave a group at once, instead of not being heard of for too long.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import { leaveGroupApi, type LeaveGroupRequest, type LeaveGroupResponse } from '../messages/leave-group.ts';

/** The first version with several members, each of which has an error of its own. */
const severalFrom = 3;

export function leaveGroup({ groups }: Pick<BrokerParts, 'groups'>): Handler<LeaveGroupRequest, LeaveGroupResponse> {
  return {
    api: leaveGroupApi,
    handle: async ({ groupId, memberId, members }, { version }) => {
      const isSingle = version < severalFrom;
      const names = isSingle ? [{ memberId, groupInstanceId: null }] : members;
      const left = await groups.leave(groupId, names);
      if (isSingle) {
        const error = left.error === 'NONE' ? (left.members[0]?.error ?? 'NONE') : left.error;
        return { throttleTimeMs: 0, errorCode: kafkaErrors[error] };
      }
      const outcomes = left.members.map(({ error, ...name }) => ({ ...name, errorCode: kafkaErrors[error] }));
      return { throttleTimeMs: 0, errorCode: kafkaErrors[left.error], members: outcomes };
    },
  };
}
