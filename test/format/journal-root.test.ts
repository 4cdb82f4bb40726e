import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { decodeJournalRoot, encodeJournalRoot } from '../../src/format/journal-root.ts';
import type { JournalRoot } from '../../src/format/journal-root.ts';
import {
  clusterId,
  expectAllDamageFound,
  expectDamage,
  expectNoOtherError,
  key,
  resealEnvelope,
  thrownBy,
} from './damaging.ts';

const digest = new Uint8Array(32).fill(3);
const newer = { index: 1_024, digest, sizeBytes: 500 };
const older = { index: 512, digest: new Uint8Array(32).fill(4), sizeBytes: 400 };
const sample: JournalRoot = { clusterId, floor: 512, snapshots: [newer, older], nonce: 'a nonce' };
const decode = (bytes: Uint8Array): JournalRoot => decodeJournalRoot(bytes, { key, clusterId });

describe('a journal root', () => {
  test('comes back exactly as it was, with no snapshot, one or two', () => {
    const root = fc
      .record({
        indexes: fc.uniqueArray(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 2 }),
        digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        sizeBytes: fc.maxSafeNat(),
        nonce: fc.string({ maxLength: 60, unit: 'grapheme' }),
      })
      .map(({ indexes, nonce, ...rest }) => {
        const snapshots = indexes.toSorted((a, b) => b - a).map((index) => ({ index, ...rest }));
        return { clusterId, floor: snapshots[1]?.index ?? 0, snapshots, nonce };
      });
    fc.assert(
      fc.property(root, (value) => {
        expect(decode(encodeJournalRoot(value))).toStrictEqual(value);
      }),
    );
  });

  test('never has a floor above the older snapshot, nor snapshots that are not newest first', () => {
    const refused = (change: Partial<JournalRoot>): void =>
      expect(thrownBy(() => encodeJournalRoot({ ...sample, ...change }))).toBeInstanceOf(InvariantError);
    refused({ floor: 513 });
    refused({ floor: 1, snapshots: [newer] });
    refused({ floor: 1, snapshots: [] });
    refused({ snapshots: [older, newer] });
    refused({ floor: 0, snapshots: [newer, newer] });
    refused({ floor: 0, snapshots: [{ ...newer, index: 3_000 }, newer, older] });
    refused({ snapshots: [{ ...newer, digest: new Uint8Array(16) }, older] });
    refused({ nonce: 'n'.repeat(256) });
    expectDamage(() => decode(resealEnvelope(encodeJournalRoot(sample), (_, view) => view.setUint8(43, 1))), 'floor');
    expectDamage(() => decode(resealEnvelope(encodeJournalRoot(sample), (_, view) => view.setUint8(44, 3))), 'count');
  });
});

describe('a damaged journal root', () => {
  test('is found by any flipped bit, any cut and any surplus byte', () => {
    expectAllDamageFound(encodeJournalRoot(sample), decode);
    expectAllDamageFound(encodeJournalRoot({ clusterId, floor: 0, snapshots: [], nonce: '' }), decode);
  });

  test('is found where it belongs to another cluster, if the cluster is known', () => {
    const foreign = encodeJournalRoot({ ...sample, clusterId: clusterId.replace('0', '1') });
    expectDamage(() => decode(foreign), 'cluster');
    expect(decodeJournalRoot(foreign, { key }).floor).toBe(512);
  });

  test('gives no other error when wrong bytes have a right checksum', () => {
    const bytes = encodeJournalRoot(sample);
    for (let i = 20; i < bytes.byteLength; i += 1)
      for (let value = 0; value < 256; value += 5)
        expectNoOtherError(
          () =>
            decode(
              resealEnvelope(bytes, (copy) => {
                copy[i] = value;
              }),
            ),
          `byte ${i} made ${value}`,
        );
  });
});

describe('a journal root of a newer format', () => {
  test('is told apart from damage', () => {
    const later = resealEnvelope(encodeJournalRoot(sample), (_, view) => view.setUint16(8, 7));
    expect(thrownBy(() => decode(later))).toMatchObject({ code: 'FORMAT_UNSUPPORTED', found: 7 });
  });
});
