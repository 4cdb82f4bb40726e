// What several nodes do to one stream at the same time, in every order: trimming it ahead of what is registered, giving
// it up, deleting it, uploading, recovering its owner. Whatever order it comes to, no upload is stuck with it: the other
// stream of the same WAL keeps everything that was acknowledged, and everybody is told something that makes sense.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, isQanatError, memoryWal } from '../../src/index.ts';
import type { QanatErrorCode, Stream, StreamSet } from '../../src/index.ts';
import { bytesOf, openSet, openView, readAll } from './world.ts';

const settings = { storeDeadlineMs: 5_000, segmentSizeMinBytes: 1, uploadAgeMaxMs: 86_400_000 };

interface Scene {
  readonly owner: StreamSet;
  readonly other: StreamSet;
  readonly stream: Stream;
  readonly beside: Stream;
  readonly acknowledged: string[];
}

const steps: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'trim ahead': ({ stream }) => stream.trim(stream.endOffset),
  close: ({ stream }) => stream.close(),
  upload: ({ owner }) => owner.upload(),
  'delete elsewhere': ({ other }) => other.delete('contested'),
  'open elsewhere': ({ other }) => other.open('contested'),
};

/** The other stream goes on all the time. */
async function appendBeside({ beside, acknowledged }: Scene, text: string): Promise<void> {
  await beside.append(bytesOf(text));
  acknowledged.push(text);
}

/** What a step may be told, where it came too early or too late. */
const refusals: readonly QanatErrorCode[] = [
  'STREAM_OWNED',
  'STREAM_NOT_FOUND',
  'STREAM_CLOSED',
  'NODE_FENCED',
  'OFFSET_OUT_OF_RANGE',
];

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

async function play(order: readonly string[], together: boolean, recovered: boolean): Promise<void> {
  const store = new MemoryObjectStore();
  const owner = await openSet(store, { node: 'owner', settings });
  const other = await openSet(store, { node: 'other', settings });
  const stream = await owner.create({ name: 'contested' });
  const beside = await owner.create({ name: 'beside' });
  const acknowledged: string[] = [];
  const scene = { owner, other, stream, beside, acknowledged };
  for (let i = 0; i < 3; i++) {
    await stream.append(bytesOf(`${i}`));
    await beside.append(bytesOf(`before ${i}`));
    acknowledged.push(`before ${i}`);
  }
  const take = async (name: string): Promise<void> => {
    const appending = appendBeside(scene, `while ${name}`);
    try {
      await steps[name]!(scene);
    } catch (cause) {
      if (!refusals.some((code) => isQanatError(cause, code))) throw cause;
    }
    await appending;
  };
  if (together) await Promise.all(order.map((name) => take(name)));
  else for (const name of order) await take(name);
  if (recovered) await other.recover('owner');
  else {
    await owner.upload(); // Nothing of it is stuck.
    await owner.close();
    expect(await owner.closed).toEqual({ status: 'closed' });
  }
  const view = await openView(store);
  const texts = await readAll(await view.reader('beside'));
  expect(texts.slice(0, 3)).toEqual(acknowledged.slice(0, 3));
  expect(texts).toEqual(expect.arrayContaining(acknowledged));
  expect(texts.length).toBe(acknowledged.length);
  await other.close();
  await view.close();
}

describe.each([
  ['one after the other', false],
  ['at once', true],
])('steps of several nodes, %s, in every order', (_, together) => {
  test.each([
    ['and the owner goes on', false],
    ['and the owner is recovered', true],
  ])('leave nothing stuck, %s', { timeout: 120_000 }, async (__, recovered) => {
    for (const order of permutations(Object.keys(steps))) {
      try {
        await play(order, together, recovered);
      } catch (cause) {
        throw new Error(`in the order ${order.join(', ')}`, { cause });
      }
    }
  });
});

test('an owner whose WAL is lost leaves a stream that was trimmed ahead, and others can go on with it', async () => {
  const store = new MemoryObjectStore();
  const owner = await openSet(store, { node: 'owner', settings, wal: memoryWal() });
  const stream = await owner.create({ name: 's' });
  for (let i = 0; i < 5; i++) await stream.append(bytesOf(`${i}`));
  await stream.trim(4);
  const other = await openSet(store, { node: 'other', settings });
  expect(await other.recover('owner')).toMatchObject({ segmentCount: 0, alreadyDone: false });
  const taken = await other.open('s');
  expect([taken.startOffset, taken.endOffset]).toEqual([4, 4]);
  expect(await taken.append(bytesOf('next'))).toEqual({ startOffset: 4, endOffset: 5 });
});
