// The cluster in a store: `qanat.json` names it. Whoever creates that file first has created the cluster; a store that
// holds other keys but not that file is not ours to begin in. A store that can be probed is probed before anything is
// written to it, and again when a later version of this package asks more of it; the verdict is kept in that file.
import { sleep } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import { drawId, type Runtime } from '../base/runtime.ts';
import {
  decodeClusterFile,
  encodeClusterFile,
  encodeWithVerdict,
  probeVerdictOf,
  type ClusterFile,
  type ProbeVerdict,
} from '../format/cluster-file.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { clusterFileKey } from '../model/object-key.ts';
import type { ObjectStore, PutCondition } from '../store/object-store.ts';
import { probeVersion } from '../store/probe-store.ts';
import { firstKeys } from './other-keys.ts';
import { probeForVerdict } from './probe-verdict.ts';

const retryDelay = { delayMinMs: 20, delayMaxMs: 3_000 };

/** What a cluster is opened with. */
export interface OpenClusterOptions {
  /** False for a view: it writes nothing, and so it probes nothing. */
  readonly create: boolean;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Probes the store, if it can be. Without the retries of `store`: who has a wrong key is told at once. */
  readonly probe?: ObjectStore['probe'];
}

interface StoredClusterFile {
  readonly file: ClusterFile;
  readonly etag: string;
}

/** Finds the cluster in a store, or creates it where there is nothing yet. Its id. */
export async function openCluster(store: ObjectStore, runtime: Runtime, options: OpenClusterOptions): Promise<string> {
  const { create, deadlineMs, signal } = options;
  const startedAt = runtime.clock.monotonic();
  let found = await readOrProbe(store, runtime, options);
  if (!create) {
    if (found === undefined) throw unsuitable('the store holds no cluster; open a stream set on it first');
    return found.file.clusterId;
  }
  const complete = completeId(found, options);
  if (complete !== undefined) return complete;
  const verdict = await probeForVerdict(runtime, options);
  let fresh: Uint8Array | undefined;
  for (let attempts = 1; ; attempts++) {
    let put: { readonly body: Uint8Array; readonly if: PutCondition };
    if (found === undefined) {
      fresh ??= freshFile(drawId(runtime.random), verdict); // The same in all attempts: an earlier one may land late.
      put = { body: fresh, if: 'absent' };
    } else {
      assert(verdict !== undefined, 'a cluster file is replaced only to keep a verdict');
      put = { body: encodeWithVerdict(found.file, verdict), if: { etag: found.etag } };
    }
    await attempt(store.put(clusterFileKey, put.body, { if: put.if, purpose: 'cluster', signal }));
    found = await readCluster(store, signal); // Ours or somebody's: what stands there counts.
    const clusterId = completeId(found, options);
    if (clusterId !== undefined) return clusterId;
    if (runtime.clock.monotonic() - startedAt >= deadlineMs) break;
    await sleep(runtime, backoffDelayMs(attempts, retryDelay, runtime.random), signal);
  }
  throw qanatError('STORE_UNAVAILABLE', `${clusterFileKey} could not be written`, {
    operation: 'put',
    key: clusterFileKey,
  });
}

/** The id of a cluster that is there, with a verdict if its store can be probed. */
function completeId(found: StoredClusterFile | undefined, { probe }: OpenClusterOptions): string | undefined {
  if (found === undefined) return undefined;
  const isProbed = probe === undefined || (probeVerdictOf(found.file)?.version ?? 0) >= probeVersion;
  return isProbed ? found.file.clusterId : undefined;
}

function freshFile(clusterId: string, probe: ProbeVerdict | undefined): Uint8Array {
  return encodeClusterFile(probe === undefined ? { clusterId } : { clusterId, probe });
}

/** Reads the file. If a permission is missing for that already, a probe names all that are missing. */
async function readOrProbe(
  store: ObjectStore,
  runtime: Runtime,
  options: OpenClusterOptions,
): Promise<StoredClusterFile | undefined> {
  try {
    return await readCluster(store, options.signal);
  } catch (cause) {
    const isDenied = isQanatError(cause, 'STORE_UNSUITABLE') && cause.permission !== undefined;
    if (isDenied && options.create) await probeForVerdict(runtime, options);
    throw cause;
  }
}

/** A put that fails may be tried again; what stands there afterwards is read in any case. */
async function attempt(put: Promise<unknown>): Promise<void> {
  try {
    await put;
  } catch (cause) {
    if (!isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
  }
}

async function readCluster(
  store: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<StoredClusterFile | undefined> {
  const get = (): ReturnType<ObjectStore['get']> => store.get(clusterFileKey, { purpose: 'cluster', signal });
  let value = await get();
  if (value === 'missing') {
    const [other] = await firstKeys(store, 1, signal);
    if (other === undefined) return undefined;
    value = await get(); // Somebody may have begun between the two.
    if (value === 'missing') {
      const found = `the store holds other keys, such as ${other}`;
      const message = `${clusterFileKey} is missing, but ${found}; restore it, or use an empty store`;
      throw qanatError('OBJECT_CORRUPT', message, { key: clusterFileKey, position: undefined });
    }
  }
  if (value === 'not-modified') throw unsuitable('it answers not-modified to an unconditional read');
  return { file: decodeClusterFile(value.bytes), etag: value.etag };
}

function unsuitable(problem: string): Error {
  return qanatError('STORE_UNSUITABLE', `this store cannot be used: ${problem}`, { problem });
}
