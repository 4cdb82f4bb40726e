import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { decodeSnapshot, decodeSnapshotHead, SnapshotEncoder } from '../../src/format/snapshot.ts';
import type { SnapshotChunk, SnapshotHead } from '../../src/format/snapshot.ts';
import { clusterId, expectAllDamageFound, expectDamage, key, resealEnvelope, thrownBy } from './damaging.ts';

const head: SnapshotHead = { clusterId, index: 512, rules: 1 };
const sample: SnapshotChunk[] = [
  { chunk: 'nodes', rows: [['a', 1, { zone: 'z' }]] },
  {
    chunk: 'streams',
    rows: { ids: Float64Array.of(1, 2 ** 40), epochs: Uint32Array.of(3, 4), bytes: Uint8Array.of(9) },
  },
  { chunk: 'streams', rows: [] },
];

function encode(chunks: readonly SnapshotChunk[], of: SnapshotHead = head): Uint8Array {
  const encoder = new SnapshotEncoder(of);
  for (const { chunk, rows } of chunks) encoder.add(chunk, rows);
  return encoder.finish();
}

const decode = (bytes: Uint8Array): SnapshotChunk[] => [...decodeSnapshot(bytes, { key })];

/** Where the parts of a snapshot begin: head, each chunk, end. */
function cuts(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const at = [0, 48];
  for (let position = 48; view.getUint8(position) === 1; at.push(position))
    position += 12 + view.getUint8(position + 1) + view.getUint32(position + 4);
  return [...at, bytes.byteLength];
}

describe('a snapshot', () => {
  test('comes back chunk by chunk, in order, exactly as it was', () => {
    const rows = fc.oneof(
      fc.json().map((json): unknown => JSON.parse(json)),
      fc.float64Array(),
      fc.uint32Array(),
      fc.uint8Array(),
    );
    const chunks = fc.array(
      fc.record({ chunk: fc.string({ minLength: 1, maxLength: 30 }), rows }, { noNullPrototype: true }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(chunks, (given) => {
        deepStrictEqual(decode(encode(given)), given);
      }),
    );
  });

  test('says of which state it is', () => {
    expect(decodeSnapshotHead(encode(sample), { key })).toStrictEqual(head);
    expect(decodeSnapshotHead(encode(sample), { key, clusterId, index: 512 })).toStrictEqual(head);
  });

  test('encodes rows when they are added, so that they may change afterwards', () => {
    const rows = [1];
    const encoder = new SnapshotEncoder(head);
    encoder.add('rows', rows);
    rows.push(2);
    expect(decode(encoder.finish())).toEqual([{ chunk: 'rows', rows: [1] }]);
  });

  test('is decoded as far as it is asked for, so that a caller can pause between chunks', () => {
    const bytes = encode(sample);
    bytes[bytes.byteLength - 1] = (bytes.at(-1) as number) ^ 1;
    const chunks = decodeSnapshot(bytes, { key });
    for (const given of sample) expect(chunks.next()).toEqual({ done: false, value: given });
    expectDamage(() => chunks.next(), 'its end');
  });

  test('refuses as a bug a chunk without a name and a state that cannot be', () => {
    expect(thrownBy(() => new SnapshotEncoder(head).add('', []))).toBeInstanceOf(InvariantError);
    expect(thrownBy(() => new SnapshotEncoder({ ...head, rules: -1 }))).toBeInstanceOf(InvariantError);
    expect(thrownBy(() => new SnapshotEncoder({ ...head, index: 0.5 }))).toBeInstanceOf(InvariantError);
  });
});

describe('a damaged snapshot', () => {
  test('is found by any flipped bit, any cut and any surplus byte', () => {
    expectAllDamageFound(encode(sample), decode);
    expectAllDamageFound(encode([]), decode);
  });

  test('is found where a chunk is missing, doubled, moved, or of another snapshot', () => {
    const bytes = encode(sample);
    const at = cuts(bytes);
    const other = encode(sample, { ...head, index: 513 });
    const piece = (i: number, of = bytes): Uint8Array => of.subarray(at[i], at[i + 1]);
    const joined = (...pieces: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(pieces));
    expect(decode(joined(piece(0), piece(1), piece(2), piece(3), piece(4)))).toEqual(sample);
    expectDamage(() => decode(joined(piece(0), piece(1), piece(3), piece(4))), 'missing');
    expectDamage(() => decode(joined(piece(0), piece(1), piece(2), piece(3), piece(3), piece(4))), 'doubled');
    expectDamage(() => decode(joined(piece(0), piece(2), piece(1), piece(3), piece(4))), 'moved');
    expectDamage(() => decode(joined(piece(0, other), piece(1), piece(2), piece(3), piece(4))), 'another head');
    expectDamage(() => decode(joined(piece(0), piece(1), piece(2), piece(3))), 'no end');
  });

  test('is found where it is of another cluster or index than was asked for', () => {
    expectDamage(() => decodeSnapshotHead(encode(sample), { key, index: 511 }), 'index');
    const place = { key, clusterId: clusterId.replace('0', '1') };
    expectDamage(() => [...decodeSnapshot(encode(sample), place)], 'cluster');
  });
});

describe('a snapshot of a newer format', () => {
  test('is told apart from damage', () => {
    const newer = resealEnvelope(encode(sample), (_, view) => view.setUint16(8, 2));
    expect(thrownBy(() => decode(newer))).toMatchObject({ code: 'FORMAT_UNSUPPORTED', found: 2 });
  });
});
