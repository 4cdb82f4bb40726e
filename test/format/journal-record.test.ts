import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { decodeJournalRecord, encodeJournalRecord } from '../../src/format/journal-record.ts';
import type { RecordEnvelope } from '../../src/format/journal-record.ts';
import {
  clusterId,
  expectAllDamageFound,
  expectDamage,
  expectNoOtherError,
  key,
  resealEnvelope,
  thrownBy,
} from './damaging.ts';

const sample: RecordEnvelope = {
  clusterId,
  index: 9,
  writer: 5,
  number: 3,
  previousDigest: new Uint8Array(16).fill(0xa5),
  changes: [
    { kind: 'kv-put', key: 'k', value: Uint8Array.of(1, 2) },
    { kind: 'fence', node: 'n', epoch: 4 },
  ],
};
const place = { key, clusterId, index: 9 };
const decode = (bytes: Uint8Array): RecordEnvelope => decodeJournalRecord(bytes, place);

describe('a journal record', () => {
  test('comes back exactly as it was', () => {
    const names = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor'));
    const plain = { noNullPrototype: true };
    const change = fc.record(
      {
        kind: fc.constantFrom('create', 'register'),
        attributes: fc.array(fc.tuple(names, fc.string())).map((fields) => Object.fromEntries(fields)),
        value: fc.uint8Array(),
        from: fc.maxSafeInteger(),
      },
      plain,
    );
    const record = fc.record(
      {
        clusterId: fc.constant(clusterId),
        index: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        writer: fc.oneof(fc.maxSafeNat(), fc.string({ minLength: 1, maxLength: 80 })),
        number: fc.maxSafeNat(),
        previousDigest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        changes: fc.array(change),
      },
      plain,
    );
    fc.assert(
      fc.property(record, (envelope) => {
        const decoded = decodeJournalRecord(encodeJournalRecord(envelope), { key, clusterId, index: envelope.index });
        deepStrictEqual(decoded, envelope);
      }),
    );
  });

  test('shares nothing with the bytes it was decoded from', () => {
    const bytes = Buffer.from(encodeJournalRecord(sample));
    const decoded = decode(bytes);
    bytes.fill(0);
    expect(decoded).toStrictEqual(sample);
  });

  test('is refused as a bug where its head is impossible', () => {
    for (const wrong of [
      { index: 0 },
      { index: 2 ** 53 },
      { number: -1 },
      { writer: '' },
      { writer: 'w'.repeat(256) },
      { writer: 0.5 },
      { previousDigest: new Uint8Array(15) },
      { clusterId: 'short' },
    ])
      expect(thrownBy(() => encodeJournalRecord({ ...sample, ...wrong }))).toBeInstanceOf(InvariantError);
  });
});

describe('a damaged journal record', () => {
  test('is found by any flipped bit, any cut and any surplus byte', () => {
    expectAllDamageFound(encodeJournalRecord(sample), decode);
    expectAllDamageFound(encodeJournalRecord({ ...sample, writer: 'a nonce' }), decode);
  });

  test('is found when any bytes at all stand in its place', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectDamage(() => decode(bytes), 'foreign')));
  });

  test('is found where it belongs to another cluster or another index', () => {
    const bytes = encodeJournalRecord(sample);
    expectDamage(() => decodeJournalRecord(bytes, { ...place, index: 10 }), 'index');
    expectDamage(() => decodeJournalRecord(bytes, { ...place, clusterId: clusterId.replace('0', '1') }), 'cluster');
  });

  test('gives no other error when wrong bytes have a right checksum', () => {
    for (const record of [sample, { ...sample, writer: 'a nonce' }]) {
      const bytes = encodeJournalRecord(record);
      for (let i = 0; i < bytes.byteLength; i += 1)
        for (const value of [0x00, 0x01, 0x7f, 0x80, 0x9f, 0xdd, 0xff])
          expectNoOtherError(
            () =>
              decode(
                resealEnvelope(bytes, (copy, view) => {
                  copy[i] = value;
                  view.setUint32(12, bytes.byteLength - 20);
                }),
              ),
            `byte ${i} made ${value}`,
          );
    }
  });
});

describe('a journal record of a newer format', () => {
  test('is told apart from damage', () => {
    const newer = resealEnvelope(encodeJournalRecord(sample), (_, view) => view.setUint16(8, 2));
    expect(thrownBy(() => decode(newer))).toMatchObject({ code: 'FORMAT_UNSUPPORTED', key, found: 2, supported: 1 });
  });
});
