// DescribeGroups: groups with their members.
import { Api } from '../wire/api.ts';
import { array, bool, bytes, int16, int32, nullableString, string, struct } from '../wire/schema.ts';

export interface DescribeGroupsRequest {
  readonly groups: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

export interface DescribeGroupsResponse {
  readonly throttleTimeMs?: number;
  readonly groups: readonly DescribedGroup[];
}

export interface DescribedGroup {
  readonly errorCode: number;
  readonly groupId: string;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly DescribedGroupMember[];
  readonly authorizedOperations?: number;
}

export interface DescribedGroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Uint8Array;
  readonly memberAssignment: Uint8Array;
}

const request = struct<DescribeGroupsRequest>({
  groups: array(string()),
  includeAuthorizedOperations: bool({ since: 3 }),
});

const member = struct<DescribedGroupMember>({
  memberId: string(),
  groupInstanceId: nullableString({ since: 4 }),
  clientId: string(),
  clientHost: string(),
  memberMetadata: bytes(),
  memberAssignment: bytes(),
});

const group = struct<DescribedGroup>({
  errorCode: int16(),
  groupId: string(),
  groupState: string(),
  protocolType: string(),
  protocolData: string(),
  members: array(member),
  authorizedOperations: int32({ since: 3, initial: -2_147_483_648 }),
});

const response = struct<DescribeGroupsResponse>({
  throttleTimeMs: int32({ since: 1 }),
  groups: array(group),
});

export const describeGroupsApi: Api<DescribeGroupsRequest, DescribeGroupsResponse> = new Api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 5],
  flexibleFrom: 5,
  request,
  response,
});
