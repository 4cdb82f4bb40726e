// The first keys of a store, as far as they tell whom it belongs to: what a probe that died has left behind tells
// nothing, and does not count.
import { probePrefix } from '../model/object-key.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Keys asked for at once where the first ones were those of probes. */
const pageOfRest = 1_000;

/** The first `limit` keys of a store, but for those of probes. */
export async function firstKeys(
  store: ObjectStore,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ;) {
    const pageLimit = after === undefined ? limit : pageOfRest;
    const page = await store.list({ prefix: '', after, limit: pageLimit, purpose: 'cluster', signal });
    found.push(...page.keys.map(({ key }) => key).filter((key) => !key.startsWith(probePrefix)));
    after = page.keys.at(-1)?.key;
    if (found.length >= limit || !page.more || after === undefined) return found.slice(0, limit);
  }
}
