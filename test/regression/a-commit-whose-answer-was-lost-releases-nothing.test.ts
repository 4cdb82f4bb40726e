import { expect, test } from 'vitest';
import { MemoryJournal, MemoryObjectStore, qanatError, StreamSet, type Journal } from '../../src/index.ts';

// The commit was applied, and its answer lost. The next upload found everything released already and let go of nothing:
// the memory stayed in use, and an upload in the background that was due went on finding nothing to do, for ever.
test('what a commit released is let go of, also if its answer was lost', async () => {
  const inner = new MemoryJournal();
  let isLost = false;
  const journal = new Proxy<Journal>(inner, {
    get: (target, name) =>
      name === 'append'
        ? async (...args: Parameters<Journal['append']>) => {
            const verdict = await target.append(...args);
            if (!isLost) return verdict;
            isLost = false;
            throw qanatError('STORE_UNAVAILABLE', 'lost', { operation: 'put', key: undefined }, { outcome: 'unknown' });
          }
        : (Reflect.get(target, name) as () => unknown).bind(target),
  });
  const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore(), journal });
  const stream = await set.create();
  await stream.append(Buffer.from('one'));
  await stream.append(Buffer.from('two'));
  isLost = true;
  await expect(set.upload()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
  expect(set.stats().writing?.unreleasedSegments).toBeGreaterThan(0);
  await set.upload();
  expect(set.stats().writing).toMatchObject({ unreleasedSegments: 0, unuploadedBytes: 0 });
  const { batches } = await stream.read(0);
  expect(batches.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['one', 'two']);
  await set.close();
});
