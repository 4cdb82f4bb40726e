// One stream is created, opened, appended to, closed and deleted by several callers of one set at once, nobody waiting
// for anybody. However the calls meet in the journal, a stream has one handle at a time, what was acknowledged is there,
// and the set closes.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, type Stream } from '../../src/index.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { drawInteger } from '../../src/testkit/seeded-random.ts';
import { within } from '../engine/world.ts';

const bytes = new TextEncoder().encode('tea');

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await Promise.resolve();
}

test('an open that proposes between a create and its close gets a handle that works', async () => {
  for (let closeAfter = 0; closeAfter < 60; closeAfter += 1) {
    let set: StreamSet | undefined;
    let opening: Promise<Stream> | undefined;
    const observer = {
      journalRecordApplied: () => queueMicrotask(() => void (opening ??= set?.open('s'))),
    };
    const store = new MemoryObjectStore();
    set = await StreamSet.open({ node: 'a', store, observer });
    const first = await set.create({ name: 's' });
    await turns(closeAfter);
    const closing = first.close();
    const opened = await opening;
    if (opened !== first) expect(await opened?.append(bytes)).toEqual({ startOffset: 0, endOffset: 1 });
    await closing;
    expect(await within(5_000, set.close())).toBeUndefined();
    const view = await StreamSet.openReadOnly({ store });
    expect((await view.reader('s')).endOffset).toBe(opened === first ? 0 : 1);
    await view.close();
  }
});

test.each([1, 2, 3])('four callers at once, in any order (seed %i)', async (seed) => {
  const runtime = new SeededRuntime({ seed });
  await runtime.run(async () => {
    const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore(), runtime });
    const codes = new Set<string>();
    const caller = async (): Promise<void> => {
      for (let i = 0; i < 400; i += 1) {
        await turns(drawInteger(runtime.random, 60));
        try {
          const stream = await set.openOrCreate('s');
          await stream.append(bytes);
          if (drawInteger(runtime.random, 2) === 0) await stream.close();
          if (drawInteger(runtime.random, 3) === 0) await set.delete('s');
        } catch (cause) {
          codes.add((cause as { readonly code: string }).code);
        }
      }
    };
    await Promise.all([caller(), caller(), caller(), caller()]);
    expect(['STREAM_CLOSED', 'STREAM_NOT_FOUND']).toEqual(expect.arrayContaining([...codes]));
    const records = set.stats().journalIndex;
    expect(records).toBeLessThan(400 * 4 * 4);
    await set.close();
  });
});
