import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileWal, MemoryObjectStore, StreamSet } from '../../src/index.ts';

// The past epochs of a file WAL are removed in the background. A set that was closed at once went on removing them
// after `close` had resolved, beside whoever used the directory next.
test('when a set is closed, nobody works in the directory of its WAL any more', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'qanat-closed-'));
  const store = new MemoryObjectStore();
  for (let round = 0; round < 10; round++) {
    const set = await StreamSet.open({ node: 'a', store, wal: fileWal({ directory }) });
    await (await set.openOrCreate('s')).append(Buffer.from('x'));
    await set.close();
    const left = await readdir(directory, { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await readdir(directory, { recursive: true })).toEqual(left);
  }
  await rm(directory, { recursive: true });
});
