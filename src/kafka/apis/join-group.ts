// JoinGroup: a client enters a group, or its next generation. The answer may take as long as others need to join.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import { joinGroupApi, type JoinGroupRequest, type JoinGroupResponse } from '../messages/join-group.ts';

/** The first versions in which a member is given its id before it joins, and in which a leader need not assign. */
const knownMembersFrom = 4;
const skippingFrom = 9;

/** The first version with a name for the protocol that may be missing. */
const nullableNamesFrom = 7;

export function joinGroup({
  groups,
  meter,
}: Pick<BrokerParts, 'groups' | 'meter'>): Handler<JoinGroupRequest, JoinGroupResponse> {
  return {
    api: joinGroupApi,
    handle: async (request, { version, clientId, clientHost }) => {
      const { sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId } = request;
      const { error, protocolName, ...answer } = await groups.join({
        ...request,
        ...{ clientId: clientId ?? '', clientHost },
        rebalanceTimeoutMs: version === 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
        requireKnownMemberId: version >= knownMembersFrom && groupInstanceId === null,
        supportSkippingAssignment: version >= skippingFrom,
      });
      if (error !== 'NONE' && error !== 'MEMBER_ID_REQUIRED') meter.refused('JoinGroup', error);
      const name = version < nullableNamesFrom ? (protocolName ?? '') : protocolName;
      return { throttleTimeMs: 0, errorCode: kafkaErrors[error], ...answer, protocolName: name };
    },
  };
}
