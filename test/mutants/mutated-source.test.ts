// Copies of the source with lines changed: they are what they should be, and a line that is gone is said to be.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type * as Door from '../../src/index.ts';
import type * as NextRoot from '../../src/journal/next-root.ts';
import { mutateSource, type SourceEdit } from './mutated-source.ts';

const edit: SourceEdit = {
  file: 'journal/next-root.ts',
  from: `Math.min(upTo, olderIndex(root))`,
  to: `Math.min(upTo, newestIndex(root))`,
};

test('a copy has the change, and everything that imports the changed file in it has it too', async () => {
  const mutant = mutateSource([edit], ['test/journal']);
  try {
    const { rootWithFloor } = await mutant.load<typeof NextRoot>('src/journal/next-root.ts');
    const snapshots = [3, 2].map((index) => ({ index, digest: new Uint8Array(32), sizeBytes: 1 }));
    const root = { clusterId: 'c', floor: 0, snapshots, nonce: 'n' };
    expect(() => rootWithFloor(root, 9, 'm')).toThrow('the floor of a journal never passes the older snapshot');
    const { MemoryObjectStore, StreamSet } = await mutant.load<typeof Door>('src/index.ts');
    const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore() });
    await set.close();
    expect(existsSync(join(mutant.folder, 'test/journal/explore.js'))).toBe(true);
  } finally {
    mutant.remove();
  }
  expect(existsSync(mutant.folder)).toBe(false);
});

test('a module of a copy runs in a process of its own, and is killed when its time is over', async () => {
  const mutant = mutateSource([edit]);
  try {
    writeFileSync(join(mutant.folder, 'ends.js'), `await import('./src/testkit.js'); console.log(process.argv[2])`);
    expect(await mutant.run('ends.ts', ['said'], 30_000)).toEqual({ status: 0, stdout: 'said\n', stderr: '' });
    writeFileSync(join(mutant.folder, 'stays.js'), `setInterval(() => {}, 1_000)`);
    expect((await mutant.run('stays.ts', [], 300)).status).toBeNull();
  } finally {
    mutant.remove();
  }
});

test('a line that is not there, or is there more than once, is an error', () => {
  expect(() => mutateSource([{ ...edit, from: 'no such line' }])).toThrow(/next-root\.ts has this 0 times/);
  expect(() => mutateSource([{ ...edit, from: 'root' }])).toThrow(/next-root\.ts has this \d+ times, not once/);
  expect(() => mutateSource([{ ...edit, file: 'journal/no-such-file.ts' }])).toThrow(/no-such-file/);
});
