// A recoverer that comes after a writer at full speed: a seal ahead of the writer stops it soon.
import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { ListOptions, ListResult, PutOptions, PutResult } from '../../src/store/object-store.ts';
import { batch, indexesOf, MemoryEpochState, openWal, sealWal, turn, upTo } from './wal-place.ts';

/** Lets a writer work each time a recoverer looks, and keeps the sequences that recoverers have put seals at. */
class ChasedStore extends MemoryObjectStore {
  readonly seals: number[] = [];
  onLook: () => Promise<void> = () => Promise.resolve();

  override async list(options: ListOptions): Promise<ListResult> {
    const listed = await super.list(options);
    if (options.purpose === 'recovery') await this.onLook();
    return listed;
  }

  override async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const answer = await super.put(key, body, options);
    if (options.purpose === 'recovery' && answer.outcome === 'stored') this.seals.push(Number(key.slice(-16)));
    return answer;
  }
}

for (const perLook of [1, 5, 40])
  test(`a writer that fills ${perLook} slots while a recoverer looks is stopped by one seal, not far ahead`, async () => {
    const store = new ChasedStore();
    const state = new MemoryEpochState();
    const { wal, sink } = await openWal(store, { state });
    let appended = 0;
    store.onLook = async () => {
      for (let i = 0; i < perLook && sink.end === undefined; i += 1) {
        wal.append(batch(appended));
        appended += 1;
        const { durableCount } = sink;
        while (sink.end === undefined && sink.durableCount === durableCount) await turn();
      }
    };
    const sealed = await sealWal(store, state);
    expect(await indexesOf(sealed)).toEqual(upTo(sink.durableCount));
    expect(store.seals).toEqual([sealed?.sealedAt]);
    // Two looks tell that the writer lives; from then on it gets about as far as it got in those, and no further.
    expect(sealed?.sealedAt).toBeLessThan(20 * 3 + perLook * 8);
    state.sealedAt = sealed?.sealedAt;
    expect((await sink.whenEnded()).reason).toBe('fenced');
  });
