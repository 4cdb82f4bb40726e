// JoinGroup: a member enters a group, or its next generation.
import { Api } from '../wire/api.ts';
import { array, bool, bytes, int16, int32, nullableString, string, struct } from '../wire/schema.ts';

export interface JoinGroupRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  /** −1 in version 0: it is the session's time-out. */
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  readonly protocols: readonly JoinGroupRequestProtocol[];
  readonly reason: string | null;
}

export interface JoinGroupRequestProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinGroupResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment?: boolean;
  readonly memberId: string;
  readonly members: readonly JoinGroupResponseMember[];
}

export interface JoinGroupResponseMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Uint8Array;
}

const protocol = struct<JoinGroupRequestProtocol>({ name: string(), metadata: bytes() });

const request = struct<JoinGroupRequest>({
  groupId: string(),
  sessionTimeoutMs: int32(),
  rebalanceTimeoutMs: int32({ since: 1, initial: -1 }),
  memberId: string(),
  groupInstanceId: nullableString({ since: 5 }),
  protocolType: string(),
  protocols: array(protocol),
  reason: nullableString({ since: 8 }),
});

const member = struct<JoinGroupResponseMember>({
  memberId: string(),
  groupInstanceId: nullableString({ since: 5 }),
  metadata: bytes(),
});

const response = struct<JoinGroupResponse>({
  throttleTimeMs: int32({ since: 2 }),
  errorCode: int16(),
  generationId: int32({ initial: -1 }),
  protocolType: nullableString({ since: 7 }),
  protocolName: nullableString({ nullableSince: 7 }),
  leader: string(),
  skipAssignment: bool({ since: 9 }),
  memberId: string(),
  members: array(member),
});

export const joinGroupApi: Api<JoinGroupRequest, JoinGroupResponse> = new Api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleFrom: 6,
  request,
  response,
});
