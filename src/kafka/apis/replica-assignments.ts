// Assignments of partitions to brokers that a client makes itself. All data is in the object store, so that there is
// one broker for each partition and no copy of it; an assignment may only say just that.
import { KafkaRefusal } from '../kafka-error.ts';

/** Refuses brokers for a partition that are not exactly this one. */
export function checkAssignedBrokers(brokerIds: readonly number[], nodeId: number): void {
  if (brokerIds.length === 0) refuse('The manual partition assignment includes an empty replica list.');
  for (const id of brokerIds)
    if (id !== nodeId)
      refuse(`The manual partition assignment includes broker ${id}, but no such broker is registered.`);
  if (brokerIds.length > 1) refuse(`The manual partition assignment includes the broker ${nodeId} more than once.`);
}

/** Refuses partitions that are not numbered from 0 on, each once. */
export function checkAssignedPartitions(indexes: readonly number[]): void {
  const distinct = new Set(indexes);
  if (distinct.size < indexes.length) refuse('Found multiple manual partition assignments for one partition.');
  for (let index = 0; index < indexes.length; index++)
    if (!distinct.has(index)) refuse('partitions should be a consecutive 0-based integer sequence');
}

function refuse(message: string): never {
  throw new KafkaRefusal('INVALID_REPLICA_ASSIGNMENT', message);
}
