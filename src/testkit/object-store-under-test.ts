// What the tests of the object store suite are given, and what they share.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { GetResult, ListedKey, ObjectStore, PutOptions, PutResult, StoredValue } from '../index.ts';

/** A put whose body is under way. */
export interface SlowPut {
  /** Resolves when the store has half of the body. */
  readonly halfway: Promise<void>;
  /** Sends the other half, and gives the answer to the whole put. */
  finish(): Promise<PutResult>;
}

/** One store, fresh and empty. */
export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  /** Another handle on the same data, as another process would have. */
  openPeer?(): Promise<ObjectStore>;
  /** If the suite is told that the store offers 'reopen': a handle on the same data, as after a restart. */
  reopen?(): Promise<ObjectStore>;
  /** If it offers 'slowPut', because its transport can be slowed: begins a put and stops in the middle of its body. */
  slowPut?(key: string, body: Uint8Array, options: PutOptions): SlowPut;
  /** Frees what the test used. */
  close?(): Promise<void>;
}

/** What only some stores can be tested for. */
export type ObjectStoreOffer = 'reopen' | 'slowPut';

/** How one test of the suite is declared. */
export type ObjectStoreTest = (title: string, body: (opened: ObjectStoreUnderTest) => Promise<void>) => void;

/** What every request of the suite carries. */
export const probe = { purpose: 'probe' } as const;

/** `length` bytes that differ from those of any other mark, and from themselves when shifted. */
export function bodyOf(mark: number, length: number): Uint8Array {
  const body = new Uint8Array(length);
  let state = (mark * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    body[i] = state >>> 24;
  }
  return body;
}

/** The bytes of a short text. */
export function textBody(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Puts, demands 'stored', and gives the etag. */
export async function putStored(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  condition?: PutOptions['if'],
): Promise<string> {
  const result = await store.put(key, body, { ...probe, if: condition });
  assert.equal(result.outcome, 'stored', `put of ${JSON.stringify(key)}`);
  assert.ok(result.outcome === 'stored' && typeof result.etag === 'string' && result.etag !== '', 'an etag is a text');
  return result.etag;
}

/** Gets, and demands that there is a value. */
export async function getFound(store: ObjectStore, key: string): Promise<StoredValue> {
  return found(await store.get(key, probe), key);
}

/** The value of an answer that must be one. */
export function found(answer: GetResult, key: string): StoredValue {
  assert.ok(typeof answer !== 'string', `${JSON.stringify(key)} is ${String(answer)}`);
  return answer;
}

/** Demands that a key holds exactly this body. */
export async function assertHolds(store: ObjectStore, key: string, body: Uint8Array): Promise<void> {
  const value = await getFound(store, key);
  assert.equal(value.size, body.byteLength, `size of ${JSON.stringify(key)}`);
  assertSameBytes(value.bytes, body, `bytes of ${JSON.stringify(key)}`);
}

/** Compares bytes without printing millions of them. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(actual instanceof Uint8Array, `${what}: a Uint8Array`);
  assert.equal(actual.byteLength, expected.byteLength, `${what}: length`);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  assert.fail(`${what}: byte ${at} is wrong`);
}

/** All keys of a prefix, page by page. */
export async function listAll(store: ObjectStore, prefix: string, limit?: number): Promise<string[]> {
  return (await listEntries(store, { prefix, limit })).map(({ key }) => key);
}

/** All keys that a list is about, with their sizes, page by page; demands of every page what pages must be. */
export async function listEntries(
  store: ObjectStore,
  asked: { readonly prefix: string; readonly after?: string; readonly limit?: number | undefined },
): Promise<ListedKey[]> {
  const listed: ListedKey[] = [];
  for (let more = true; more;) {
    const page = await store.list({ ...probe, ...asked, after: listed.at(-1)?.key ?? asked.after });
    if (asked.limit !== undefined) assert.ok(page.keys.length <= asked.limit, `a page has at most ${asked.limit} keys`);
    if (page.more) assert.ok(page.keys.length > 0, 'a page that is not the last one has a key to go on after');
    const from = Math.max(0, listed.length - 1);
    listed.push(...page.keys);
    assertInOrder(listed.slice(from).map(({ key }) => key)); // So a store that turns in circles is not asked for ever.
    ({ more } = page);
  }
  return listed;
}

/** Demands the order of UTF-8 bytes, and no key twice. */
export function assertInOrder(keys: readonly string[]): void {
  for (let i = 1; i < keys.length; i++) {
    const [before, after] = [keys[i - 1]!, keys[i]!];
    assert.ok(compareKeys(before, after) < 0, `${JSON.stringify(before)} is listed before ${JSON.stringify(after)}`);
  }
}

/** Compares keys by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [textBody(a), textBody(b)];
  const length = Math.min(left.byteLength, right.byteLength);
  for (let i = 0; i < length; i++) if (left[i] !== right[i]) return left[i]! - right[i]!;
  return left.byteLength - right.byteLength;
}

/** All handles that a test can have on its data. */
export async function handlesOf(opened: ObjectStoreUnderTest): Promise<ObjectStore[]> {
  const { store } = opened;
  return [store, (await opened.openPeer?.()) ?? store];
}

/** Runs a task for 0 … count − 1, so many at a time. */
export async function inParallel(count: number, width: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
}
