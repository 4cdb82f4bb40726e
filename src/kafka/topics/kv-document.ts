// Documents in the key-value store of the engine: JSON with a version of its form. A document that cannot be understood
// stops what needs it: to take it for absent would be to forget what it says.
import { isQanatError, type Kv, type KvEntry } from '../../index.ts';
import { KafkaRefusal, refusalOf } from '../kafka-error.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const sizeMaxBytes = 65_536;
const formVersion = 1;

/** The bytes of a document; INVALID_CONFIG if it is larger than the store takes. */
export function encodeDocument(key: string, value: object): Uint8Array {
  const bytes = encoder.encode(JSON.stringify({ form: formVersion, ...value }));
  if (bytes.byteLength <= sizeMaxBytes) return bytes;
  throw new KafkaRefusal(
    'INVALID_CONFIG',
    `All configurations together have at most ${sizeMaxBytes} bytes; ${key} would have ${bytes.byteLength}.`,
  );
}

/** What a document says; KAFKA_STORAGE_ERROR if it is none of this form. */
export function decodeDocument(key: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw notUnderstood(key, 'it is no JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw notUnderstood(key, 'it is no object');
  const document = value as Record<string, unknown>;
  if (document['form'] !== formVersion)
    throw notUnderstood(key, `its form is ${String(document['form'])}, and this broker knows ${formVersion}`);
  return document;
}

/** The error of a document that says something else than it should. */
export function notUnderstood(key: string, problem: string, cause?: unknown): KafkaRefusal {
  return new KafkaRefusal('KAFKA_STORAGE_ERROR', `The value of ${key} cannot be understood: ${problem}.`, { cause });
}

/** Texts by name, as they stand in a document. */
export function textsOf(key: string, value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw notUnderstood(key, 'configs are missing');
  const entries = Object.entries(value as Record<string, unknown>);
  for (const [name, text] of entries) if (typeof text !== 'string') throw notUnderstood(key, `${name} is no text`);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** What a change of a document came to. */
export type Written = { readonly done: true; readonly version: number } | { readonly done: false };

/**
 * Writes over a version of a document; 0 means that it must be absent. Not done: somebody else has written since.
 * Where nobody knows what became of the write, the store is asked.
 */
export async function putDocument(kv: Kv, key: string, bytes: Uint8Array, ifVersion: number): Promise<Written> {
  try {
    return { done: true, version: await kv.put(key, bytes, { ifVersion }) };
  } catch (cause) {
    if (isQanatError(cause, 'CONFLICT')) return { done: false };
    const entry = await asked(kv, key, cause);
    if (entry !== undefined && entry.version !== ifVersion && Buffer.compare(entry.value, bytes) === 0)
      return { done: true, version: entry.version };
    throw refusalOf(cause);
  }
}

/** Removes a version of a document, in the same way. */
export async function deleteDocument(kv: Kv, key: string, ifVersion: number): Promise<boolean> {
  try {
    await kv.delete(key, { ifVersion });
    return true;
  } catch (cause) {
    if (isQanatError(cause, 'CONFLICT')) return false;
    if ((await asked(kv, key, cause)) === undefined) return true;
    throw refusalOf(cause);
  }
}

/** What is there now, where the outcome of a write is unknown; what it failed with, where that cannot be found out. */
async function asked(kv: Kv, key: string, cause: unknown): Promise<KvEntry | undefined> {
  if (!isQanatError(cause) || cause.outcome !== 'unknown') throw refusalOf(cause);
  try {
    return await kv.get(key, { fresh: true });
  } catch {
    throw refusalOf(cause);
  }
}
