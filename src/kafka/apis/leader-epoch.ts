// The epoch of a partition's leader, as a client believes it to be.
import { KafkaRefusal } from '../kafka-error.ts';

/** Refuses a client that knows another leader than there is; -1 says that it knows none. */
export function checkLeaderEpoch(believed: number, leaderEpoch: number): void {
  if (believed === -1 || believed === leaderEpoch) return;
  if (believed < leaderEpoch)
    throw new KafkaRefusal('FENCED_LEADER_EPOCH', `leader epoch ${believed} is over; it is ${leaderEpoch} now`);
  throw new KafkaRefusal('UNKNOWN_LEADER_EPOCH', `leader epoch ${believed} is not known yet; it is ${leaderEpoch}`);
}
