import { expect, test } from 'vitest';
import { epochPrefix, objectKey, padNumber, sequenceOfKey } from '../../src/model/object-key.ts';
import { isQanatError, qanatError, qanatErrorCodes } from '../../src/model/errors.ts';

const clusterId = '0123456789abcdef'.repeat(2);

test('keys of one epoch sort as their sequences do, and give them back', () => {
  const sequences = [0, 1, 9, 10, 99, 1_000, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const keys = sequences.map((sequence) => objectKey(clusterId, { family: 'wal', node: 'a', nodeEpoch: 7, sequence }));
  expect(keys.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(keys);
  expect(keys.map((key) => sequenceOfKey(key))).toEqual(sequences);
  expect(padNumber(7)).toBe('0000000000000007');
  for (const foreign of ['x/1', 'x/00000000000000001', 'x/000000000000000a', 'x/root'])
    expect(sequenceOfKey(foreign)).toBeUndefined();
});

test('no two writers share a prefix, whatever their names', () => {
  const writers = ['a', 'a-1', 'a-1-2', 'b', 'a.1', 'a_1'].flatMap((node) =>
    [1, 2, 12, 21].map((nodeEpoch) => ({ node, nodeEpoch })),
  );
  const prefixes = writers.flatMap((writer) =>
    (['wal', 'data'] as const).map((family) => epochPrefix(clusterId, { family, ...writer })),
  );
  expect(new Set(prefixes).size).toBe(prefixes.length);
  for (const one of prefixes) expect(prefixes.filter((other) => other.startsWith(one))).toEqual([one]);
});

test('an error is known by its code, also one of another copy of the package', () => {
  const error = qanatError('OVERLOADED', 'too much', { what: 'appends' });
  expect([isQanatError(error), isQanatError(error, 'OVERLOADED'), isQanatError(error, 'CLOSED')]).toEqual([
    true,
    true,
    false,
  ]);
  const foreign = Object.assign(new Error('x'), { [Symbol.for('qanat.error')]: true, code: 'CLOSED' });
  expect(isQanatError(foreign, 'CLOSED')).toBe(true);
  for (const other of [new Error('x'), { code: 'CLOSED' }, null, undefined, 'CLOSED'])
    expect(isQanatError(other)).toBe(false);
  expect(new Set(qanatErrorCodes).size).toBe(qanatErrorCodes.length);
});
