// Heartbeat: a member of a group is alive, and hears whether the group forms anew.
import { Api } from '../wire/api.ts';
import { int16, int32, nullableString, string, struct } from '../wire/schema.ts';

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface HeartbeatResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
}

const request = struct<HeartbeatRequest>({
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: nullableString({ since: 3 }),
});

const response = struct<HeartbeatResponse>({
  throttleTimeMs: int32({ since: 1 }),
  errorCode: int16(),
});

export const heartbeatApi: Api<HeartbeatRequest, HeartbeatResponse> = new Api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleFrom: 4,
  request,
  response,
});
