// DeleteGroups: groups without members, with all that they committed.
import { Api } from '../wire/api.ts';
import { array, int16, int32, string, struct } from '../wire/schema.ts';

export interface DeleteGroupsRequest {
  readonly groupsNames: readonly string[];
}

export interface DeleteGroupsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly DeletableGroupResult[];
}

export interface DeletableGroupResult {
  readonly groupId: string;
  readonly errorCode: number;
}

const request = struct<DeleteGroupsRequest>({ groupsNames: array(string()) });

const result = struct<DeletableGroupResult>({ groupId: string(), errorCode: int16() });

const response = struct<DeleteGroupsResponse>({
  throttleTimeMs: int32(),
  results: array(result),
});

export const deleteGroupsApi: Api<DeleteGroupsRequest, DeleteGroupsResponse> = new Api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleFrom: 2,
  request,
  response,
});
