// Work on very many parts of one request, so many at a time that others have their turn in between.
import type { Runtime } from '../../index.ts';

/** Parts that are worked on at a time. */
const sliceMax = 64;

/** What `each` makes of the items, in their order. */
export async function inSlices<T, R>(
  items: readonly T[],
  { timers }: Runtime,
  each: (item: T) => R | Promise<R>,
): Promise<R[]> {
  if (items.length <= sliceMax) return Promise.all(items.map(each));
  const results: R[] = [];
  for (let at = 0; at < items.length; at += sliceMax) {
    if (at > 0) await timers.turn();
    results.push(...(await Promise.all(items.slice(at, at + sliceMax).map(each))));
  }
  return results;
}

/** What `each` makes of the partitions, for every topic. */
export async function ofPartitions<T extends { readonly partitions: readonly unknown[] }, R>(
  topics: readonly T[],
  runtime: Runtime,
  each: (topic: T, partition: T['partitions'][number]) => Promise<R>,
): Promise<R[][]> {
  const all = topics.flatMap((topic) => topic.partitions.map((partition) => ({ topic, partition })));
  const results = await inSlices(all, runtime, ({ topic, partition }) => each(topic, partition));
  let at = 0;
  return topics.map(({ partitions }) => results.slice(at, (at += partitions.length)));
}
