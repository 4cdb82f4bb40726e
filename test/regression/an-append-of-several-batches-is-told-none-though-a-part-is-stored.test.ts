// `appendAll` is not atomic: a first part of it may be in the history when the rest is refused. Its one error must not
// say then that nothing has happened, or whoever believes it and appends again has the first part twice.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, objectWal } from '../../src/index.ts';
import type { ObjectStore, PutOptions, PutResult } from '../../src/index.ts';

/** A connection whose puts of WAL segments wait, from the second one on, until they are told to go on. */
class SlowSegmentsObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly get: ObjectStore['get'];
  readonly list: ObjectStore['list'];
  readonly delete: ObjectStore['delete'];
  readonly #goneOn: Promise<void>;
  goOn: () => void = () => {};

  constructor(store: ObjectStore) {
    this.#store = store;
    this.get = (key, options) => store.get(key, options);
    this.list = (options) => store.list(options);
    this.delete = (keys, options) => store.delete(keys, options);
    this.#goneOn = new Promise((resolve) => (this.goOn = resolve));
  }

  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (options.purpose === 'wal' && !key.endsWith('/0000000000000000')) await this.#goneOn;
    return this.#store.put(key, body, options);
  }
}

test('an append of several batches says that its outcome is unknown when a first part of it is stored', async () => {
  const store = new MemoryObjectStore();
  const slow = new SlowSegmentsObjectStore(store);
  const first = await StreamSet.open({ node: 'a', store: slow, wal: objectWal() });
  const stream = await first.create({ name: 's' });
  const large = { bytes: new Uint8Array(4 << 20) }; // Two of them do not fit one segment.
  const appended = stream.appendAll([large, large, large]).catch((cause: unknown) => cause);
  while (stream.endOffset === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const second = await StreamSet.open({ node: 'a', store, wal: objectWal() });
  slow.goOn();
  const error = await appended;
  expect((await second.open('s')).endOffset).toBe(1);
  expect(error).toMatchObject({ code: 'NODE_FENCED', outcome: 'unknown' });
  await Promise.all([first.close(), second.close()]);
});
