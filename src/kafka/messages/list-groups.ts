// ListGroups: the groups that this broker coordinates.
import { Api } from '../wire/api.ts';
import { array, int16, int32, string, struct } from '../wire/schema.ts';

export interface ListGroupsRequest {
  /** Empty for all. */
  readonly statesFilter: readonly string[];
  readonly typesFilter: readonly string[];
}

export interface ListGroupsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly groups: readonly ListedGroup[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
}

const request = struct<ListGroupsRequest>({
  statesFilter: array(string(), { since: 4 }),
  typesFilter: array(string(), { since: 5 }),
});

const group = struct<ListedGroup>({
  groupId: string(),
  protocolType: string(),
  groupState: string({ since: 4 }),
  groupType: string({ since: 5 }),
});

const response = struct<ListGroupsResponse>({
  throttleTimeMs: int32({ since: 1 }),
  errorCode: int16(),
  groups: array(group),
});

export const listGroupsApi: Api<ListGroupsRequest, ListGroupsResponse> = new Api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexibleFrom: 3,
  request,
  response,
});
