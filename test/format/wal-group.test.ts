import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/base/checksum.ts';
import { viewOf } from '../../src/base/bytes.ts';
import {
  alignedSizeBytes,
  decodeWalSeal,
  encodeWalSeal,
  groupFrameSizeBytes,
  groupHeadSizeBytes,
  readGroupBatches,
  readGroupHead,
} from '../../src/format/wal-group.ts';
import { GroupBuffer } from '../../src/format/wal-group-buffer.ts';
import { decodeWalPlate, encodeWalPlate } from '../../src/format/wal-plate.ts';
import { streamId } from '../../src/model/ids.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';
import { seededRandom } from '../../src/testkit/seeded-random.ts';
import { clusterId, expectAllDamageFound, key, thrownBy } from './damaging.ts';

const origin = { walId: 'ab'.repeat(16), nodeEpoch: 2 ** 40 + 5 };
const place = { number: 2 ** 33 + 1, segment: 2 ** 32 + 2, segmentStart: 2 ** 33 };

function someBatch(i: number, sizeBytes: number): StreamBatch {
  const bytes = new Uint8Array(sizeBytes).fill(i + 1);
  const timestamp = i % 3 === 0 ? undefined : i * 1_000 - 5;
  return { stream: streamId(2 ** 34 + i), streamEpoch: i, startOffset: 2 ** 35 + i, count: i + 1, timestamp, bytes };
}

function groupOf(batches: readonly StreamBatch[], bufferSizeBytes = 1 << 20): Uint8Array {
  const buffer = new GroupBuffer(bufferSizeBytes, origin);
  for (const batch of batches) {
    expect(buffer.fits(batch)).toBe(true);
    buffer.add(batch);
  }
  const { sizeBytes } = buffer;
  const bytes = new Uint8Array(Buffer.concat(buffer.finish(place.number, place.segment, place.segmentStart)));
  expect(bytes.byteLength).toBe(sizeBytes);
  return bytes;
}

function decode(bytes: Uint8Array, position = 0): StreamBatch[] | undefined {
  const head = readGroupHead(bytes, position, origin, { key });
  if (head === undefined) return undefined;
  expect(head).toMatchObject({ ...origin, ...place, kind: 'group' });
  const batches: StreamBatch[] = [];
  readGroupBatches(bytes, position, head, { key }, (batch) => batches.push(batch));
  return batches;
}

/** Long bytes are compared faster as text. */
function shown(batches: readonly StreamBatch[] | undefined): unknown {
  return batches?.map((batch) => ({ ...batch, bytes: Buffer.from(batch.bytes).toString('latin1') }));
}

describe('A group', () => {
  test('gives back its batches, whether they were copied or referred to', () => {
    const sizes = [0, 1, 100, 40_000, 31_999, 32_768, 5, 200_000, 70_000, 33_000, 3];
    const batches = sizes.map((sizeBytes, i) => someBatch(i, sizeBytes));
    const bytes = groupOf(batches);
    expect(bytes.byteLength % 512).toBe(0);
    expect(shown(decode(bytes))).toEqual(shown(batches));
    const shifted = new Uint8Array(bytes.byteLength + 1_024);
    shifted.set(bytes, 1_024);
    expect(shown(decode(shifted, 1_024))).toEqual(shown(batches));
  });

  test('fills its buffer to the last byte, and no further', () => {
    const room = 8_192 - groupHeadSizeBytes - groupFrameSizeBytes;
    const buffer = new GroupBuffer(8_192, origin);
    buffer.add(someBatch(0, room - groupFrameSizeBytes - 10));
    expect(buffer.fits(someBatch(1, 11))).toBe(false);
    expect(buffer.fits(someBatch(1, 10))).toBe(true);
    buffer.add(someBatch(1, 10));
    expect(buffer.sizeBytes).toBe(8_192);
    const bytes = new Uint8Array(Buffer.concat(buffer.finish(place.number, place.segment, place.segmentStart)));
    expect(bytes.byteLength).toBe(8_192);
    expect(decode(bytes)).toHaveLength(2);
  });

  test('may be one batch that is larger than its buffer', () => {
    for (const sizeBytes of [8_080, 8_081, 8_192, 8_193, 100_000])
      expect(shown(decode(groupOf([someBatch(3, sizeBytes)], 8_192)))).toEqual(shown([someBatch(3, sizeBytes)]));
  });

  test('leaves nothing of itself in the next group of its buffer', () => {
    const buffer = new GroupBuffer(1 << 20, origin);
    const random = seededRandom(1);
    for (let round = 0; round < 60; round += 1) {
      const batches: StreamBatch[] = [];
      for (let i = 0; i < 8; i += 1) {
        const batch = someBatch(i, Math.floor(random.fraction() ** 4 * 80_000));
        if (!buffer.fits(batch)) break;
        batches.push(batch);
        buffer.add(batch);
      }
      expect(buffer.payloadBytes).toBe(batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
      const bytes = new Uint8Array(Buffer.concat(buffer.finish(place.number, place.segment, place.segmentStart)));
      const end = groupHeadSizeBytes + batches.length * groupFrameSizeBytes + buffer.payloadBytes;
      expect(bytes.byteLength).toBe(alignedSizeBytes(end));
      expect(bytes.subarray(end).every((byte) => byte === 0)).toBe(true);
      expect(shown(decode(bytes))).toEqual(shown(batches));
      buffer.clear();
    }
  });

  test('is no group with any bit flipped, cut anywhere, or of another WAL or epoch', () => {
    const bytes = groupOf([someBatch(0, 30), someBatch(1, 3)]);
    const end = groupHeadSizeBytes + 2 * groupFrameSizeBytes + 33;
    for (let i = 0; i < end; i += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = bytes.slice();
        flipped[i] = (flipped[i] as number) ^ (1 << bit);
        expect(readGroupHead(flipped, 0, origin, { key }), `bit ${bit} of byte ${i}`).toBeUndefined();
      }
      expect(readGroupHead(bytes.subarray(0, i), 0, origin, { key })).toBeUndefined();
      if (i > 0) expect(readGroupHead(bytes, i, origin, { key })).toBeUndefined();
    }
    expect(readGroupHead(bytes, 0, { ...origin, nodeEpoch: 5 }, { key })).toBeUndefined();
    expect(readGroupHead(bytes, 0, { ...origin, walId: 'ba'.repeat(16) }, { key })).toBeUndefined();
  });

  test('of a newer format is told from damage', () => {
    const bytes = groupOf([someBatch(0, 30)]);
    bytes[9] = 2;
    correct(bytes);
    expect(thrownBy(() => readGroupHead(bytes, 0, origin, { key }))).toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      found: 2,
    });
  });

  test('with right checksums and wrong contents is damage', () => {
    const position = groupHeadSizeBytes;
    const wrongs: ((view: DataView) => void)[] = [
      (view) => view.setUint8(10, 3),
      (view) => view.setUint32(40, 0xffffffff),
      (view) => view.setUint32(56, 0xff),
      (view) => view.setUint32(64, 3),
      (view) => view.setUint32(64, 1),
      (view) => view.setUint32(position, 0x7fffffff),
      (view) => view.setUint32(position + 16, 0x7fffffff),
      (view) => view.setUint32(position + 32, 0),
      (view) => view.setUint32(position + 32, 0x80000000),
      (view) => view.setUint32(position + 24, 0x7ff00000),
      (view) => view.setUint32(position + 36, 31),
      (view) => view.setUint32(position + 36, 0xffffffff),
    ];
    for (const [i, wrong] of wrongs.entries()) {
      const bytes = groupOf([someBatch(0, 30), someBatch(1, 3)]);
      wrong(viewOf(bytes));
      correct(bytes);
      const thrown = thrownBy(() => {
        const head = readGroupHead(bytes, 0, origin, { key });
        if (head !== undefined) readGroupBatches(bytes, 0, head, { key }, () => {});
      });
      expect(thrown, `number ${i}`).toMatchObject({ code: 'OBJECT_CORRUPT', key });
    }
  });
});

/** Makes the checksum of a group right again. */
function correct(bytes: Uint8Array): void {
  const view = viewOf(bytes);
  const frames = bytes.subarray(groupHeadSizeBytes, groupHeadSizeBytes + view.getUint32(12));
  view.setUint32(68, crc32(bytes.subarray(0, 68), crc32(frames)));
}

test('A seal says where a WAL ends, and nothing else is taken for one', () => {
  const bytes = encodeWalSeal(origin, 17, 4);
  expect(decodeWalSeal(bytes, origin, { key })).toMatchObject({ kind: 'seal', number: 17, segment: 4 });
  for (let i = 0; i < groupHeadSizeBytes; i += 1) {
    const flipped = bytes.slice();
    flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
    expect(thrownBy(() => decodeWalSeal(flipped, origin, { key }))).toMatchObject({ code: 'OBJECT_CORRUPT' });
  }
  for (const wrong of [bytes.subarray(0, 511), groupOf([someBatch(0, 3)]), new Uint8Array(0)])
    expect(thrownBy(() => decodeWalSeal(wrong, origin, { key }))).toMatchObject({ code: 'OBJECT_CORRUPT' });
});

test('A name plate says whose WAL it is, and all damage to it is found', () => {
  const plate = { clusterId, walId: 'cd'.repeat(16), node: 'a-1' };
  const bytes = encodeWalPlate(plate);
  expect(decodeWalPlate(bytes, { key })).toEqual(plate);
  expectAllDamageFound(bytes, (damaged) => decodeWalPlate(damaged, { key }));
  const nameless = encodeWalPlate({ ...plate, node: '' });
  expect(thrownBy(() => decodeWalPlate(nameless, { key }))).toMatchObject({ code: 'OBJECT_CORRUPT' });
});
