import { describe, expect, test } from 'vitest';
import { encodeDataObject } from '../../src/format/data-object.ts';
import { readDirectory } from '../../src/format/object-directory.ts';
import type { ObjectBytes, ObjectRange } from '../../src/format/object-directory.ts';
import { tailGuessBytes } from '../../src/model/limits.ts';
import { batchOf, head } from './batches.ts';
import { expectDamage, key } from './damaging.ts';

/** Serves ranges of `bytes` and keeps what was asked. */
function source(bytes: Uint8Array): { asked: ObjectRange[]; read: (range: ObjectRange) => Promise<ObjectBytes> } {
  const asked: ObjectRange[] = [];
  return {
    asked,
    read: async (range) => {
      asked.push(range);
      const [start, end] =
        'last' in range ? [Math.max(0, bytes.byteLength - range.last), bytes.byteLength] : [range.start, range.end];
      return { bytes: bytes.subarray(start, end), size: bytes.byteLength };
    },
  };
}

async function rejectionOf(promise: Promise<unknown>): Promise<() => never> {
  const error: unknown = await promise.then(
    () => expect.fail('it was accepted'),
    (cause: unknown) => cause,
  );
  return () => {
    throw error;
  };
}

const small = encodeDataObject(head, [batchOf(1, 0, { size: 200_000 }), batchOf(2, 0)]);
const large = encodeDataObject(
  head,
  Array.from({ length: 3_000 }, (_, i) => batchOf(i + 1, 0)),
);

describe('reading the directory of an object', () => {
  test('takes one request, of the tail alone, where the index is in it', async () => {
    const { asked, read } = source(small.bytes);
    const { footer, index, sizeBytes } = await readDirectory(key, read);
    expect(asked).toEqual([{ last: tailGuessBytes }]);
    expect(footer).toMatchObject(head);
    expect(index.parts()).toEqual(small.parts);
    expect(sizeBytes).toBe(small.bytes.byteLength);
  });

  test('takes a second request, for the index alone, where it is larger than the tail', async () => {
    const { asked, read } = source(large.bytes);
    const { footer, index } = await readDirectory(key, read);
    expect(asked).toEqual([
      { last: tailGuessBytes },
      { start: footer.indexPosition, end: footer.indexPosition + 3_000 * 60 },
    ]);
    expect(index.parts()).toEqual(large.parts);
  });

  test('keeps the index and not the bytes it came in', async () => {
    const bytes = small.bytes.slice();
    const { index } = await readDirectory(key, source(bytes).read);
    bytes.fill(0);
    expect(index.parts()).toEqual(small.parts);
  });

  test('finds damage of the index, of the footer, and an empty or cut object', async () => {
    for (const { bytes } of [small, large]) {
      for (const at of [bytes.byteLength - 1, bytes.byteLength - 144, bytes.byteLength - 145, bytes.byteLength - 184]) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] as number) ^ 4;
        expectDamage(await rejectionOf(readDirectory(key, source(flipped).read)), `byte ${at}`);
      }
      for (const size of [0, 1, 143, bytes.byteLength - 1])
        expectDamage(await rejectionOf(readDirectory(key, source(bytes.subarray(0, size)).read)), `cut to ${size}`);
    }
  });

  test('finds a store that gives too little, or an object that changed between two requests', async () => {
    const { read } = source(large.bytes);
    const shortTail = async (): Promise<ObjectBytes> => ({
      bytes: small.bytes.subarray(-1_000),
      size: small.bytes.byteLength,
    });
    expectDamage(await rejectionOf(readDirectory(key, shortTail)), 'too little of the tail');
    const short = async (range: ObjectRange): Promise<ObjectBytes> => {
      const { bytes, size } = await read(range);
      return { bytes: bytes.subarray(1), size };
    };
    expectDamage(await rejectionOf(readDirectory(key, short)), 'too little');
    const shortIndex = async (range: ObjectRange): Promise<ObjectBytes> =>
      'last' in range ? read(range) : short(range);
    expectDamage(await rejectionOf(readDirectory(key, shortIndex)), 'too little of the index');
    const changed = async (range: ObjectRange): Promise<ObjectBytes> => {
      const { bytes, size } = await read(range);
      return { bytes, size: 'last' in range ? size : size + 1 };
    };
    expectDamage(await rejectionOf(readDirectory(key, changed)), 'changed');
  });
});
