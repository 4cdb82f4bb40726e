// FindCoordinator: the broker that coordinates a group, or a transactional id. From version 4 for several at once.
import { Api } from '../wire/api.ts';
import { array, int16, int32, int8, nullableString, string, struct } from '../wire/schema.ts';

export interface FindCoordinatorRequest {
  /** Until version 3. */
  readonly key: string;
  /** 0: group, 1: transaction, 2: share. */
  readonly keyType: number;
  /** From version 4 on. */
  readonly coordinatorKeys: readonly string[];
}

export interface FindCoordinatorResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode?: number;
  readonly errorMessage?: string | null;
  readonly nodeId?: number;
  readonly host?: string;
  readonly port?: number;
  /** From version 4 on, instead of all others. */
  readonly coordinators?: readonly Coordinator[];
}

export interface Coordinator {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const request = struct<FindCoordinatorRequest>({
  key: string({ until: 3 }),
  keyType: int8({ since: 1 }),
  coordinatorKeys: array(string(), { since: 4 }),
});

const coordinator = struct<Coordinator>({
  key: string(),
  nodeId: int32(),
  host: string(),
  port: int32(),
  errorCode: int16(),
  errorMessage: nullableString(),
});

const response = struct<FindCoordinatorResponse>({
  throttleTimeMs: int32({ since: 1 }),
  errorCode: int16({ until: 3 }),
  errorMessage: nullableString({ since: 1, until: 3 }),
  nodeId: int32({ until: 3 }),
  host: string({ until: 3 }),
  port: int32({ until: 3 }),
  coordinators: array(coordinator, { since: 4 }),
});

export const findCoordinatorApi: Api<FindCoordinatorRequest, FindCoordinatorResponse> = new Api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexibleFrom: 3,
  request,
  response,
});
