import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { crc32 } from '../../src/base/checksum.ts';
import { BlockIndex } from '../../src/format/block-index.ts';
import { Block } from '../../src/format/block.ts';
import {
  batchFrameSizeBytes,
  blockIndexEntrySizeBytes,
  checkOrigin,
  decodeFooter,
  encodeDataObject,
  encodedSizeMax,
  footerSizeBytes,
} from '../../src/format/data-object.ts';
import type { DataObjectHead, Footer } from '../../src/format/data-object.ts';
import { decodeWhole } from '../../src/format/object-directory.ts';
import { streamId } from '../../src/model/ids.ts';
import { batchSizeMaxBytes, segmentSizeMaxBytes } from '../../src/model/limits.ts';
import type { ObjectPart, StreamBatch } from '../../src/model/record-batch.ts';
import { batchOf, head, someBatches } from './batches.ts';
import {
  clusterId,
  expectAllDamageFound,
  expectDamage,
  expectNoOtherError,
  key,
  resealObject,
  thrownBy,
} from './damaging.ts';

const place = { key };

function open(bytes: Uint8Array): { footer: Footer; index: BlockIndex } {
  const footer = decodeFooter(bytes, { key, size: bytes.byteLength });
  const indexBytes = bytes.subarray(footer.indexPosition, footer.indexPosition + footer.indexSizeBytes);
  return { footer, index: BlockIndex.decode(indexBytes, footer, place) };
}

function blockOf(bytes: Uint8Array, index: BlockIndex, i: number): Block {
  const entry = index.entry(i);
  return Block.decode(bytes.subarray(entry.position, entry.position + entry.sizeBytes), entry, place);
}

function sorted(batches: readonly StreamBatch[]): StreamBatch[] {
  return batches.toSorted((a, b) => a.stream - b.stream || a.startOffset - b.startOffset);
}

/** Contiguous runs under one epoch, the slow and obvious way. */
function runsOf(batches: readonly StreamBatch[]): Omit<ObjectPart, 'sizeBytes'>[] {
  const runs: Omit<ObjectPart, 'sizeBytes'>[] = [];
  for (const { stream, streamEpoch, startOffset, count, timestamp } of sorted(batches)) {
    const last = runs.at(-1);
    const endOffset = startOffset + count;
    if (last?.stream === stream && last.streamEpoch === streamEpoch && last.endOffset === startOffset) {
      const known = [last.maxTimestamp, timestamp].filter((t) => t !== undefined);
      const maxTimestamp = known.length === 0 ? undefined : Math.max(...known);
      runs[runs.length - 1] = { ...last, endOffset, maxTimestamp };
    } else runs.push({ stream, streamEpoch, startOffset, endOffset, maxTimestamp: timestamp });
  }
  return runs;
}

const sample = [
  batchOf(3, 10, { count: 2, timestamp: 1_700_000_000_000 }),
  batchOf(1, 0, { size: 3 }),
  batchOf(3, 12, { timestamp: -5 }),
  batchOf(1, 1, { epoch: 2, size: 0 }),
];

describe('a data object', () => {
  test('gives back every batch, grouped by stream, whatever the size of its blocks', () => {
    fc.assert(
      fc.property(someBatches, fc.constantFrom(1, 64, 200, 512 * 1024), (batches, blockSizeTargetBytes) => {
        const { bytes, parts } = encodeDataObject(head, batches, { blockSizeTargetBytes });
        const { footer, batches: decoded } = decodeWhole(key, bytes);
        expect(decoded).toEqual(sorted(batches));
        expect(footer).toMatchObject(head);
        const runs = runsOf(batches);
        expect(parts).toEqual(runs.map((run, i) => ({ ...run, sizeBytes: parts[i]?.sizeBytes })));
        expect(open(bytes).index.parts()).toEqual(parts);
        expect(parts.reduce((sum, part) => sum + part.sizeBytes, 0)).toBe(footer.indexPosition);
        const payloadBytes = batches.reduce((sum, batch) => sum + batch.bytes.byteLength, 0);
        expect(bytes.byteLength).toBeLessThanOrEqual(
          encodedSizeMax(batches.length, payloadBytes, runs.length, blockSizeTargetBytes),
        );
      }),
    );
  });

  test('finds for every offset the one block and batch that hold it, and nothing outside them', () => {
    fc.assert(
      fc.property(someBatches, fc.constantFrom(64, 512 * 1024), (batches, blockSizeTargetBytes) => {
        const { bytes } = encodeDataObject(head, batches, { blockSizeTargetBytes });
        const { index } = open(bytes);
        for (const run of runsOf(batches)) {
          const neighbours = batches.filter(({ stream }) => stream === run.stream);
          for (const offset of [run.startOffset - 1, run.endOffset])
            if (offset >= 0 && !neighbours.some((b) => b.startOffset <= offset && offset < b.startOffset + b.count))
              expect(index.find(run.stream, offset)).toBe(-1);
        }
        for (const { stream, startOffset, count } of batches) {
          const endOffset = startOffset + count;
          for (const offset of [startOffset, endOffset - 1]) {
            const i = index.find(stream, offset);
            const block = blockOf(bytes, index, i);
            expect(block.batch(block.find(offset))).toMatchObject({ startOffset, endOffset });
          }
          expect(index.entry(index.firstOf(stream)).startOffset).toBe(
            Math.min(...batches.filter((b) => b.stream === stream).map((b) => b.startOffset)),
          );
        }
        for (const absent of [5, 2 ** 39]) {
          expect(index.find(streamId(absent), 0)).toBe(-1);
          expect(index.firstOf(streamId(absent))).toBe(-1);
        }
      }),
    );
  });

  test('is the same bytes for the same batches', () => {
    const again = sample.map((batch) => ({ ...batch, bytes: Buffer.from(batch.bytes) }));
    expect(encodeDataObject(head, again).bytes).toEqual(encodeDataObject(head, sample).bytes);
  });

  test('gives plain views of the bytes it was decoded from', () => {
    const bytes = Buffer.from(encodeDataObject(head, sample).bytes);
    const { batches } = decodeWhole(key, bytes);
    expect(batches.every((batch) => batch.bytes.constructor === Uint8Array)).toBe(true);
    expect(batches.every((batch) => batch.bytes.buffer === bytes.buffer)).toBe(true);
  });

  test('starts a block at its target size, and gives a larger batch a block of its own', () => {
    const sizes = [84, 84, 10, 500, 10];
    const batches = sizes.map((size, i) => batchOf(1, i, { size }));
    const { index } = open(encodeDataObject(head, batches, { blockSizeTargetBytes: 200 }).bytes);
    const blocks = Array.from({ length: index.blockCount }, (_, i) => index.entry(i));
    expect(blocks.map(({ batchCount, sizeBytes }) => [batchCount, sizeBytes])).toEqual([
      [2, 200],
      [1, 26],
      [1, 516],
      [1, 26],
    ]);
    expect(index.parts()).toHaveLength(1);
  });

  test('that is a seal is a footer and nothing else', () => {
    const { bytes, parts } = encodeDataObject({ ...head, kind: 'seal', durableBelow: 0 }, []);
    expect(bytes.byteLength).toBe(footerSizeBytes);
    expect(parts).toEqual([]);
    expect(decodeWhole(key, bytes)).toMatchObject({ footer: { kind: 'seal', sequence: 42 }, batches: [] });
  });

  test('with the largest batch fits a WAL segment', () => {
    expect(encodedSizeMax(1, batchSizeMaxBytes, 1)).toBeLessThanOrEqual(segmentSizeMaxBytes);
    expect(encodedSizeMax(1, 100, 1)).toBe(100 + batchFrameSizeBytes + blockIndexEntrySizeBytes + footerSizeBytes);
  });

  test('is refused as a bug when its batches or head contradict themselves', () => {
    const refused = (headChange: Partial<DataObjectHead>, batches: StreamBatch[]): void =>
      expect(thrownBy(() => encodeDataObject({ ...head, ...headChange }, batches))).toBeInstanceOf(InvariantError);
    refused({}, [batchOf(1, 5), batchOf(1, 4)]);
    refused({}, [batchOf(1, 5, { epoch: 2 }), batchOf(1, 6, { epoch: 1 })]);
    refused({}, [batchOf(1, 5, { count: 0 })]);
    refused({}, [batchOf(1, 5, { count: 2 ** 31 })]);
    refused({}, [batchOf(1, 5, { timestamp: 0.5 })]);
    refused({}, [batchOf(1, Number.MAX_SAFE_INTEGER)]);
    refused({}, [batchOf(1, -1)]);
    refused({ kind: 'seal', durableBelow: 0 }, [batchOf(1, 0)]);
    refused({ kind: 'stream', durableBelow: 0 }, [batchOf(1, 0), batchOf(2, 0)]);
    refused({ kind: 'stream-set' }, []);
    refused({ durableBelow: 43 }, []);
    refused({ sequence: 2 ** 53 }, []);
    refused({ node: 'n'.repeat(64) }, []);
    refused({ node: '' }, []);
    refused({ clusterId: clusterId.toUpperCase() }, []);
  });
});

describe('a damaged data object', () => {
  test('is found by any flipped bit, any cut and any surplus byte', () => {
    expectAllDamageFound(encodeDataObject(head, sample).bytes, (bytes) => decodeWhole(key, bytes));
    expectAllDamageFound(encodeDataObject({ ...head, kind: 'seal', durableBelow: 0 }, []).bytes, (bytes) =>
      decodeWhole(key, bytes),
    );
  });

  test('is found when any bytes at all stand in its place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectDamage(() => decodeWhole(key, bytes), 'foreign')),
    );
  });

  test('gives no other error when wrong bytes have right checksums', () => {
    const { bytes } = encodeDataObject(head, sample);
    for (let i = 0; i < bytes.byteLength - 16; i += 1)
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const changed = resealObject(bytes, (copy, view, indexPosition) => {
          copy[i] = value;
          for (let at = indexPosition; at < copy.byteLength - 144; at += blockIndexEntrySizeBytes)
            view.setUint32(
              at + 56,
              crc32(copy.subarray(view.getUint32(at + 36), view.getUint32(at + 36) + view.getUint32(at + 48))),
            );
        });
        expectNoOtherError(() => decodeWhole(key, changed), `byte ${i} made ${value}`);
      }
  });

  test('is found when its index contradicts itself under right checksums', () => {
    const { bytes } = encodeDataObject(head, sample);
    const wrong = (change: (view: DataView, index: number, copy: Uint8Array) => void, problem: RegExp): void => {
      const changed = resealObject(bytes, (copy, view, indexPosition) => change(view, indexPosition, copy));
      expectDamage(() => decodeWhole(key, changed), String(problem));
      expect(String(thrownBy(() => decodeWhole(key, changed)))).toMatch(problem);
    };
    wrong((view, index) => view.setUint32(index, 0x200000), /no sensible range/); // a stream of 2^53
    wrong((view, index) => view.setUint32(index + 4, 0), /no sensible range/); // stream 0
    wrong((view, index) => view.setUint32(index + 16, 1), /no sensible range/); // start beyond end
    wrong((view, index) => view.setUint32(index + 32, 1), /not where it should be/);
    wrong((view, index) => view.setUint32(index + 52, 0), /number of batches/);
    wrong((view, index) => view.setUint32(index + 52, 0xffffffff), /number of batches/);
    wrong((view, index) => view.setFloat64(index + 40, 0.5), /timestamp/);
    wrong((view, index) => view.setFloat64(index + 40, 5), /disagree/);
    wrong((view, index) => view.setUint32(index + 60 + 4, 0xff), /not sorted/); // the second block's stream
    wrong((view, index) => view.setUint32(index + 60 + 12, 0), /not sorted/); // its epoch falls
    wrong((view, index) => view.setUint32(index + 28, 9), /number of batches|disagree|not sorted/); // end offset
    wrong((view, index) => view.setUint32(index + 144, 0x200000), /no sensible range/); // an end offset of 2^53
    wrong((_, index, copy) => copy.copyWithin(index, index + 60, index + 120), /not where it should be/);
  });

  test('is found when a block disagrees with its entry though the checksum is right', () => {
    const { bytes } = encodeDataObject(head, [batchOf(1, 0, { size: 40 }), batchOf(1, 1, { size: 40, timestamp: 9 })]);
    const { index } = open(bytes);
    const entry = index.entry(0);
    const wrong = (change: (view: DataView) => void): void => {
      const block = bytes.slice(0, entry.sizeBytes);
      change(new DataView(block.buffer));
      expectDamage(() => Block.decode(block, { ...entry, crc: crc32(block) }, place), 'block');
    };
    wrong((view) => view.setUint32(0, 0xffffffff));
    wrong((view) => view.setUint32(0, 39));
    wrong((view) => view.setUint32(0, 95));
    wrong((view) => view.setUint32(56, 39));
    wrong((view) => view.setUint32(56, 41));
    wrong((view) => view.setUint32(4, 0));
    wrong((view) => view.setUint32(4, 2));
    wrong((view) => view.setUint32(4, 0x80000000));
    wrong((view) => view.setFloat64(64, 8));
    wrong((view) => view.setFloat64(64, Number.POSITIVE_INFINITY));
    expectDamage(() => Block.decode(bytes.subarray(0, entry.sizeBytes - 1), entry, place), 'a short block');
  });

  test('is found when its footer contradicts itself under a right checksum', () => {
    const { bytes } = encodeDataObject({ ...head, durableBelow: 0 }, sample);
    const footer = bytes.byteLength - footerSizeBytes;
    const wrong = (change: (view: DataView) => void, problem: RegExp): void => {
      const changed = resealObject(bytes, (_, view) => change(view));
      expect(String(thrownBy(() => decodeWhole(key, changed)))).toMatch(problem);
    };
    wrong((view) => view.setUint8(footer + 56, 0), /no kind of object/);
    wrong((view) => view.setUint8(footer + 56, 5), /no kind of object/);
    wrong((view) => view.setUint8(footer + 56, 2), /a seal holds nothing/);
    wrong((view) => view.setUint8(footer + 56, 4), /holds two/);
    wrong((view) => view.setUint8(footer + 39, 43), /cannot have been durable/);
    wrong((view) => view.setUint16(footer + 38, 0x0101), /cannot have been durable/);
    wrong((view) => view.setUint32(footer + 24, 0x200000), /out of range/);
    wrong((view) => view.setUint8(footer + 57, 0), /node name/);
    wrong((view) => view.setUint8(footer + 57, 64), /node name/);
    wrong((view) => view.setUint8(footer + 127, 1), /node name/);
    const set = encodeDataObject({ ...head, kind: 'stream-set', durableBelow: 0 }, sample).bytes;
    const claims = resealObject(set, (_, view) => view.setUint8(set.byteLength - footerSizeBytes + 39, 1));
    expect(String(thrownBy(() => decodeWhole(key, claims)))).toMatch(/cannot have been durable/);
  });

  test('is found when its index leaves out the last block', () => {
    const { bytes } = encodeDataObject(head, sample);
    const { footer } = open(bytes);
    const indexSizeBytes = footer.indexSizeBytes - blockIndexEntrySizeBytes;
    const short = bytes.subarray(footer.indexPosition, footer.indexPosition + indexSizeBytes);
    const shorter = { ...footer, indexSizeBytes, indexCrc: crc32(short) };
    expect(String(thrownBy(() => BlockIndex.decode(short, shorter, place)))).toMatch(/do not fill it/);
  });

  test('is found by its footer alone when the object is not as large as it should be', () => {
    const { bytes } = encodeDataObject(head, sample);
    const tail = bytes.subarray(-footerSizeBytes);
    const size = bytes.byteLength;
    expect(decodeFooter(tail, { key, size })).toMatchObject(head);
    for (const wrong of [size - 1, size + 1, footerSizeBytes, footerSizeBytes - 1, 0])
      expectDamage(() => decodeFooter(tail, { key, size: wrong }), `a size of ${wrong}`);
  });

  test('tells the position of what is damaged', () => {
    const { bytes } = encodeDataObject(head, sample);
    const { footer, index } = open(bytes);
    const flippedAt = (i: number): unknown => {
      const copy = bytes.slice();
      copy[i] = (copy[i] as number) ^ 1;
      return (thrownBy(() => decodeWhole(key, copy)) as { position: unknown }).position;
    };
    expect(flippedAt(index.entry(1).position + 3)).toBe(index.entry(1).position);
    expect(flippedAt(footer.indexPosition + 70)).toBe(footer.indexPosition);
    expect(flippedAt(bytes.byteLength - 100)).toBe(bytes.byteLength - footerSizeBytes);
  });
});

describe('a data object of a newer format', () => {
  test('is told apart from damage if its footer is whole, whatever that has come to hold', () => {
    const { bytes } = encodeDataObject(head, sample);
    const newer = resealObject(bytes, (_, view) => view.setUint16(bytes.byteLength - 14, 2));
    expect(thrownBy(() => decodeWhole(key, newer))).toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      key,
      found: 2,
      supported: 1,
    });
    const larger = new Uint8Array(300).fill(0xab);
    larger.set(bytes.subarray(-16), 284);
    const view = new DataView(larger.buffer);
    view.setUint16(284, 200);
    view.setUint16(286, 3);
    view.setUint32(296, crc32(larger.subarray(100, 296)));
    expect(thrownBy(() => decodeWhole(key, larger))).toMatchObject({ code: 'FORMAT_UNSUPPORTED', found: 3 });
    larger[150] = 0;
    expectDamage(() => decodeWhole(key, larger), 'a damaged newer footer');
  });

  test('is damage if there is no such version', () => {
    const { bytes } = encodeDataObject(head, sample);
    const none = resealObject(bytes, (_, view) => view.setUint16(bytes.byteLength - 14, 0));
    expectDamage(() => decodeWhole(key, none), 'version 0');
  });
});

describe('the origin of a data object', () => {
  const footer = decodeFooter(encodeDataObject(head, sample).bytes, {
    key,
    size: encodeDataObject(head, sample).bytes.byteLength,
  });

  test('is accepted where it is what the key says, or nothing is said', () => {
    checkOrigin(footer, head, place);
    checkOrigin(footer, {}, place);
    checkOrigin(footer, { node: 'node-a', sequence: 42 }, place);
  });

  test('is damage where any of it differs', () => {
    const others: Partial<DataObjectHead>[] = [
      { clusterId: clusterId.replace('0', '1') },
      { kind: 'seal' },
      { node: 'node-b' },
      { nodeEpoch: 8 },
      { sequence: 41 },
      { durableBelow: 0 },
    ];
    for (const other of others) expectDamage(() => checkOrigin(footer, { ...head, ...other }, place), 'foreign');
  });
});
