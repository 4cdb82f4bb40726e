// The name of the cluster, as clients are told: drawn by the first broker that starts on a store, and kept there.
import { isQanatError, type Kv, type Random } from '../index.ts';

const key = 'kafka/cluster-id';

/** Reads the name, or gives the cluster one. */
export async function openClusterId(kv: Kv, random: Random): Promise<string> {
  for (;;) {
    const known = await kv.get(key);
    if (known !== undefined) return Buffer.from(known.value).toString('utf8');
    const drawn = Buffer.from(random.bytes(16)).toString('base64url');
    try {
      await kv.put(key, Buffer.from(drawn), { ifVersion: 0 });
      return drawn;
    } catch (cause) {
      if (!isQanatError(cause, 'CONFLICT')) throw cause; // Another broker was first, and its name counts.
    }
  }
}
