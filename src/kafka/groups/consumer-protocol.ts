// What the members of a consumer group say of themselves: of the subscription in a member's metadata only the topics
// are of interest to the broker. The rest is between the members.
//
//   version int16 · topics [string] · user data bytes · more, in later versions
import type { MemberProtocol } from './group-calls.ts';

/** The protocol type of consumers. */
export const consumerProtocolType = 'consumer';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The topics of a subscription; undefined if the bytes are none. Reads no further than the bytes go. */
export function subscribedTopicsOf(metadata: Uint8Array): readonly string[] | undefined {
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (view.byteLength < 6 || view.getInt16(0) < 0) return undefined;
  const count = view.getInt32(2);
  if (count < 0 || count > (view.byteLength - 6) / 2) return undefined; // Each takes the two bytes of its length.
  const topics: string[] = [];
  let at = 6;
  for (let i = 0; i < count; i++) {
    if (at + 2 > view.byteLength) return undefined;
    const end = at + 2 + view.getInt16(at);
    if (end < at + 2 || end > view.byteLength) return undefined;
    try {
      topics.push(decoder.decode(metadata.subarray(at + 2, end)));
    } catch {
      return undefined;
    }
    at = end;
  }
  return topics;
}

/** The topics of all these subscriptions; undefined if one of them is not readable. */
export function topicsOfAll(subscriptions: Iterable<Uint8Array>): ReadonlySet<string> | undefined {
  const all = new Set<string>();
  for (const subscription of subscriptions) {
    const topics = subscribedTopicsOf(subscription);
    if (topics === undefined) return undefined;
    for (const topic of topics) all.add(topic);
  }
  return all;
}

/** Whether two offers name the same protocols in the same order with the same metadata. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, metadata }, i) => {
      const other = b[i];
      return other !== undefined && name === other.name && Buffer.compare(metadata, other.metadata) === 0;
    })
  );
}

/** Whether two subscriptions name the same topics. What cannot be read counts as the same only if its bytes are. */
export function sameTopics(a: Uint8Array, b: Uint8Array): boolean {
  const topics = subscribedTopicsOf(a);
  const others = subscribedTopicsOf(b);
  if (topics === undefined || others === undefined) return Buffer.compare(a, b) === 0;
  const set = new Set(topics);
  return set.size === new Set(others).size && others.every((topic) => set.has(topic));
}
