import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { crc32 } from '../../src/base/checksum.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { decodeClusterFile, encodeClusterFile } from '../../src/format/cluster-file.ts';
import { clusterId, expectAllDamageFound, expectDamage, key, thrownBy } from './damaging.ts';

const decode = (bytes: Uint8Array): unknown => decodeClusterFile(bytes, { key });

/** A file made by hand: any fields, with the checksum they ask for. */
function fileOf(content: Record<string, unknown>): Uint8Array {
  const text = (fields: object): string => `${JSON.stringify(fields, null, 2)}\n`;
  const checksum = crc32(utf8(text(content)))
    .toString(16)
    .padStart(8, '0');
  return utf8(text({ ...content, checksum }));
}

describe('the cluster file', () => {
  test('is JSON that people can read', () => {
    const text = Buffer.from(encodeClusterFile({ clusterId, createdBy: 'a test' })).toString();
    expect(JSON.parse(text)).toEqual({ format: 1, clusterId, createdBy: 'a test', checksum: expect.any(String) });
    expect(text.split('\n')).toHaveLength(7);
  });

  test('comes back with all its fields, those of later versions too', () => {
    const extra = fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((name) => !['format', 'clusterId', 'checksum'].includes(name)),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(extra, (fields) => {
        const expected = JSON.parse(JSON.stringify(fields)) as object;
        const bytes = encodeClusterFile({ ...fields, clusterId });
        expect(decode(bytes)).toEqual({ formatVersion: 1, clusterId, extra: expected });
        expect(encodeClusterFile({ clusterId, ...fields })).toEqual(bytes);
      }),
    );
  });

  test('is refused as a bug without a cluster, or with fields that are made', () => {
    for (const wrong of [{ clusterId: 'x' }, { clusterId, format: 2 }, { clusterId, checksum: '' }])
      expect(thrownBy(() => encodeClusterFile(wrong))).toBeInstanceOf(InvariantError);
  });
});

describe('a damaged cluster file', () => {
  test('is found by any flipped bit, any cut and any surplus byte', () => {
    expectAllDamageFound(
      encodeClusterFile({ clusterId, verdict: { conditions: true, at: 1.5, list: [1, 'ü'] } }),
      decode,
    );
  });

  test('is found when any bytes or any JSON stand in its place', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => expectDamage(() => decode(bytes), 'bytes')));
    fc.assert(fc.property(fc.json(), (json) => expectDamage(() => decode(utf8(json)), json)));
  });

  test('is found where it was made by hand and lacks what it must have', () => {
    expect(decode(fileOf({ format: 1, clusterId }))).toEqual({ formatVersion: 1, clusterId, extra: {} });
    for (const wrong of [{}, { format: 1 }, { clusterId }, { format: '1', clusterId }, { format: 0, clusterId }])
      expectDamage(() => decode(fileOf(wrong)), JSON.stringify(wrong));
    expectDamage(() => decode(fileOf({ format: 1, clusterId: clusterId.toUpperCase() })), 'upper case');
    expectDamage(() => decode(utf8(JSON.stringify({ format: 1, clusterId }))), 'no checksum');
  });
});

describe('a cluster file of a newer format', () => {
  test('is told apart from damage, whatever else it holds', () => {
    const newer = thrownBy(() => decode(fileOf({ format: 2, something: 'new' })));
    expect(newer).toMatchObject({ code: 'FORMAT_UNSUPPORTED', key, found: 2, supported: 1 });
  });
});
