// What the answers to Produce and Fetch say of a partition's leader, so that a client need not ask for metadata.
import { int32, nullableString, string, struct, type Struct } from '../wire/schema.ts';

export interface LeaderIdAndEpoch {
  /** −1 says nothing. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export const leaderIdAndEpoch: Struct<LeaderIdAndEpoch> = struct<LeaderIdAndEpoch>({
  leaderId: int32({ initial: -1 }),
  leaderEpoch: int32({ initial: -1 }),
});

export const noLeader: LeaderIdAndEpoch = { leaderId: -1, leaderEpoch: -1 };

export const nodeEndpoint: Struct<NodeEndpoint> = struct<NodeEndpoint>({
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: nullableString(),
});
