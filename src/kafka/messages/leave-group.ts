// LeaveGroup: members leave a group. From version 3 on several at once, which may be named by their instances.
import { Api } from '../wire/api.ts';
import { array, int16, int32, nullableString, string, struct } from '../wire/schema.ts';

export interface LeaveGroupRequest {
  readonly groupId: string;
  /** Until version 2. */
  readonly memberId: string;
  /** From version 3 on. */
  readonly members: readonly MemberIdentity[];
}

export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly reason: string | null;
}

export interface LeaveGroupResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  /** From version 3 on. */
  readonly members?: readonly MemberResponse[];
}

export interface MemberResponse {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: number;
}

const member = struct<MemberIdentity>({
  memberId: string(),
  groupInstanceId: nullableString(),
  reason: nullableString({ since: 5 }),
});

const request = struct<LeaveGroupRequest>({
  groupId: string(),
  memberId: string({ until: 2 }),
  members: array(member, { since: 3 }),
});

const memberResponse = struct<MemberResponse>({
  memberId: string(),
  groupInstanceId: nullableString(),
  errorCode: int16(),
});

const response = struct<LeaveGroupResponse>({
  throttleTimeMs: int32({ since: 1 }),
  errorCode: int16(),
  members: array(memberResponse, { since: 3 }),
});

export const leaveGroupApi: Api<LeaveGroupRequest, LeaveGroupResponse> = new Api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request,
  response,
});
