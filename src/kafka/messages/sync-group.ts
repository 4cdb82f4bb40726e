// SyncGroup: the leader of a generation brings the assignments, and every member gets its own.
import { Api } from '../wire/api.ts';
import { array, bytes, int16, int32, nullableString, string, struct } from '../wire/schema.ts';

export interface SyncGroupRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly SyncGroupRequestAssignment[];
}

export interface SyncGroupRequestAssignment {
  readonly memberId: string;
  readonly assignment: Uint8Array;
}

export interface SyncGroupResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

const assignment = struct<SyncGroupRequestAssignment>({ memberId: string(), assignment: bytes() });

const request = struct<SyncGroupRequest>({
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: nullableString({ since: 3 }),
  protocolType: nullableString({ since: 5 }),
  protocolName: nullableString({ since: 5 }),
  assignments: array(assignment),
});

const response = struct<SyncGroupResponse>({
  throttleTimeMs: int32({ since: 1 }),
  errorCode: int16(),
  protocolType: nullableString({ since: 5 }),
  protocolName: nullableString({ since: 5 }),
  assignment: bytes(),
});

export const syncGroupApi: Api<SyncGroupRequest, SyncGroupResponse> = new Api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request,
  response,
});
