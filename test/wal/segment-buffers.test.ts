import { expect, test } from 'vitest';
import { SegmentBuffers } from '../../src/wal/segment-buffers.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

test('a buffer that was taken back is lent again, to what it suits', () => {
  const buffers = new SegmentBuffers(64 * MiB);
  const first = buffers.lend(3 * MiB);
  buffers.takeBack(first.subarray(0, 100)); // A view of it is enough.
  const larger = buffers.lend(3 * MiB + 1);
  expect(larger.buffer).not.toBe(first.buffer);
  const muchSmaller = buffers.lend(1 * MiB);
  expect(muchSmaller.buffer).not.toBe(first.buffer);
  expect(buffers.lend(2 * MiB).buffer).toBe(first.buffer);
});

test('of several that suit, the smallest is lent', () => {
  const buffers = new SegmentBuffers(64 * MiB);
  const lent = [7 * MiB, 6 * MiB, 5 * MiB, 8 * MiB].map((sizeBytes) => buffers.lend(sizeBytes));
  const another = buffers.lend(1);
  for (const buffer of lent) buffers.takeBack(buffer);
  expect(buffers.lend(5.5 * MiB).buffer).toBe(lent[1]!.buffer);
  expect(buffers.lend(5.5 * MiB).buffer).toBe(lent[0]!.buffer);
  expect(buffers.keptBytes).toBe(13 * MiB);
  buffers.letGo(another);
});

test('a buffer that was let go of, or was transferred, is never lent again', () => {
  const buffers = new SegmentBuffers(64 * MiB);
  const first = buffers.lend(MiB);
  buffers.letGo(first);
  const second = buffers.lend(MiB);
  expect(second.buffer).not.toBe(first.buffer);
  const moved = structuredClone(second, { transfer: [second.buffer as ArrayBuffer] });
  expect(moved.byteLength).toBe(MiB);
  buffers.takeBack(second);
  expect(buffers.keptBytes).toBe(0);
  expect(buffers.lentBytes).toBe(0);
});

test('a buffer is given back once', () => {
  const buffers = new SegmentBuffers(64 * MiB);
  const first = buffers.lend(MiB);
  buffers.takeBack(first);
  expect(() => buffers.takeBack(first)).toThrow('ended once');
  expect(() => buffers.letGo(first)).toThrow('ended once');
});

test('a new buffer is at most a quarter larger than what was asked for, and small ones are not kept', () => {
  const buffers = new SegmentBuffers(64 * MiB);
  for (let sizeBytes = 1; sizeBytes <= 8 * MiB; sizeBytes = Math.ceil(sizeBytes * 1.37)) {
    const buffer = buffers.lend(sizeBytes);
    expect(buffer.byteLength).toBeGreaterThanOrEqual(sizeBytes);
    expect(buffer.byteLength).toBeLessThanOrEqual(sizeBytes * 1.25);
    expect(buffers.lentBytes).toBe(buffer.byteLength);
    buffers.takeBack(buffer);
    buffers.clear();
  }
  expect(buffers.lend(8 * MiB).byteLength).toBe(8 * MiB);
  const small = new SegmentBuffers(64 * MiB);
  small.takeBack(small.lend(64 * KiB - 1));
  expect(small.keptBytes).toBe(0);
});

test('what is lent and what is kept are never more than the most together, unless so much is lent', () => {
  const sizeMaxBytes = 20 * MiB;
  const buffers = new SegmentBuffers(sizeMaxBytes);
  const lent: Uint8Array[] = [];
  let dice = 7;
  const roll = (sides: number): number => (dice = (dice * 48_271) % 2_147_483_647) % sides;
  for (let i = 0; i < 1_000; i += 1) {
    if (lent.length === 0 || (buffers.lentBytes < sizeMaxBytes && roll(2) === 0))
      lent.push(buffers.lend(roll(8 * MiB)));
    else {
      const [one] = lent.splice(roll(lent.length), 1);
      if (roll(5) === 0) buffers.letGo(one!);
      else buffers.takeBack(one!);
    }
    const { lentBytes, keptBytes } = buffers;
    expect(lentBytes).toBe(lent.reduce((sum, { byteLength }) => sum + byteLength, 0));
    if (keptBytes > 0) expect(lentBytes + keptBytes).toBeLessThanOrEqual(sizeMaxBytes);
    if (lentBytes === 0) expect(keptBytes).toBeLessThanOrEqual(8 * MiB);
  }
});
