// Whether there is a partition of this name and number.
import type { Topics } from '../topics/topics.ts';

export function hasPartition(topics: Topics, name: string, partitionIndex: number): boolean {
  const topic = topics.byName(name);
  return topic !== undefined && partitionIndex >= 0 && partitionIndex < topic.partitionCount;
}
