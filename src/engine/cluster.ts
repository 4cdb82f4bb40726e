// The cluster in a store: `qanat.json` names it. Whoever creates that file first has created the cluster; a store that
// holds other keys but not that file is not ours to begin in.
import { sleep } from '../base/abort.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import { drawId, type Runtime } from '../base/runtime.ts';
import { decodeClusterFile, encodeClusterFile } from '../format/cluster-file.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { clusterFileKey } from '../model/object-key.ts';
import type { ObjectStore } from '../store/object-store.ts';

const retryDelay = { delayMinMs: 20, delayMaxMs: 3_000 };

/** Finds the cluster in a store, or creates it where there is nothing yet. Its id. */
export async function openCluster(
  store: ObjectStore,
  runtime: Runtime,
  options: { readonly create: boolean; readonly deadlineMs: number; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  const startedAt = runtime.clock.monotonic();
  const found = await readCluster(store, options.signal);
  if (found !== undefined) return found;
  if (!options.create) throw unsuitable('the store holds no cluster; open a stream set on it first');
  const clusterId = drawId(runtime.random);
  const body = encodeClusterFile({ clusterId });
  for (let attempts = 1; ; attempts++) {
    await attempt(store.put(clusterFileKey, body, { if: 'absent', purpose: 'cluster', signal: options.signal }));
    const created = await readCluster(store, options.signal); // Ours or somebody's: what stands there counts.
    if (created !== undefined) return created;
    if (runtime.clock.monotonic() - startedAt >= options.deadlineMs) break;
    await sleep(runtime, backoffDelayMs(attempts, retryDelay, runtime.random), options.signal);
  }
  throw qanatError('STORE_UNAVAILABLE', `${clusterFileKey} could not be written`, {
    operation: 'put',
    key: clusterFileKey,
  });
}

/** A put that fails may be tried again; what stands there afterwards is read in any case. */
async function attempt(put: Promise<unknown>): Promise<void> {
  try {
    await put;
  } catch (cause) {
    if (!isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
  }
}

async function readCluster(store: ObjectStore, signal: AbortSignal | undefined): Promise<string | undefined> {
  const get = (): ReturnType<ObjectStore['get']> => store.get(clusterFileKey, { purpose: 'cluster', signal });
  let value = await get();
  if (value === 'missing') {
    const { keys } = await store.list({ prefix: '', limit: 1, purpose: 'cluster', signal });
    if (keys.length === 0) return undefined;
    value = await get(); // Somebody may have begun between the two.
    if (value === 'missing') {
      const found = `the store holds other keys, such as ${keys[0]?.key}`;
      const message = `${clusterFileKey} is missing, but ${found}; restore it, or use an empty store`;
      throw qanatError('OBJECT_CORRUPT', message, { key: clusterFileKey, position: undefined });
    }
  }
  if (value === 'not-modified') throw unsuitable('it answers not-modified to an unconditional read');
  return decodeClusterFile(value.bytes).clusterId;
}

function unsuitable(problem: string): Error {
  return qanatError('STORE_UNSUITABLE', `this store cannot be used: ${problem}`, { problem });
}
