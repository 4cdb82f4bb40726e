// What lies in a store: the cluster, its nodes, and objects that are not of it. Reads only.
import { decodeClusterFile, probeVerdictOf, type ProbeVerdict } from '../format/cluster-file.ts';
import { StreamSet } from '../engine/stream-set.ts';
import { isQanatError } from '../model/errors.ts';
import { clusterFileKey, isKeyOfCluster, probePrefix } from '../model/object-key.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** The cluster of a store, as its file names it. */
export interface SeenCluster {
  readonly clusterId: string;
  readonly formatVersion: number;
  readonly verdict: ProbeVerdict | undefined;
}

/** Objects that are not of the cluster. */
export interface SeenOthers {
  readonly looked: number;
  /** Whether there are more keys than were looked at. */
  readonly more: boolean;
  /** Foreign keys, and the first of them. */
  readonly foreign: number;
  readonly example: string | undefined;
  /** Keys that probes have left behind. */
  readonly probes: number;
}

/** Keys that are looked at, at most. */
export const lookMax = 10_000;

/** Finds the cluster; undefined where there is none. Rejects if its file is damaged or of a newer version. */
export async function seeCluster(store: ObjectStore, signal: AbortSignal): Promise<SeenCluster | undefined> {
  const value = await store.get(clusterFileKey, { purpose: 'cluster', signal });
  if (typeof value === 'string') return undefined;
  const file = decodeClusterFile(value.bytes);
  return { clusterId: file.clusterId, formatVersion: file.formatVersion, verdict: probeVerdictOf(file) };
}

/** The nodes of the cluster, as one line; or why they cannot be told. */
export async function seeNodes(store: ObjectStore, signal: AbortSignal): Promise<string> {
  try {
    const view = await StreamSet.openReadOnly({ store, signal, settings: { storeDeadlineMs: 5_000 } });
    try {
      const nodes = await view.nodes();
      const groups = [...new Set(nodes.map(({ status }) => status))].map((status) => {
        const those = nodes.filter((node) => node.status === status);
        return `${those.length} ${status} (${namesOf(those)})`;
      });
      return groups.join(', ') || 'none';
    } finally {
      await view.close();
    }
  } catch (cause) {
    if (!isQanatError(cause)) throw cause;
    return `cannot be told: ${cause.message}`;
  }
}

/** Looks at the first keys of the store for what is not of the cluster. */
export async function seeOthers(
  store: ObjectStore,
  clusterId: string | undefined,
  signal: AbortSignal,
): Promise<SeenOthers> {
  let [looked, foreign, probes] = [0, 0, 0];
  let example: string | undefined;
  let more = true;
  for (let after: string | undefined; more && looked < lookMax;) {
    const page = await store.list({ prefix: '', after, purpose: 'cluster', signal });
    for (const { key } of page.keys) {
      looked += 1;
      if (key.startsWith(probePrefix)) probes += 1;
      else if (clusterId === undefined || !isKeyOfCluster(key, clusterId)) {
        foreign += 1;
        example ??= key;
      }
    }
    after = page.keys.at(-1)?.key;
    more = page.more && after !== undefined;
  }
  return { looked, more, foreign, example, probes };
}

function namesOf(nodes: readonly { readonly node: string }[]): string {
  const names = nodes.map(({ node }) => node);
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')}, …`;
}
