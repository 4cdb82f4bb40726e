// What a root may become.
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { JournalRoot } from '../../src/format/journal-root.ts';
import { judgeFound } from '../../src/journal/record-append.ts';
import { firstRoot, isNotBehind, rootWithFloor, rootWithSnapshot } from '../../src/journal/next-root.ts';

const digest = new Uint8Array(32);

function rootOf(floor: number, ...indexes: number[]): JournalRoot {
  return { clusterId: 'c', floor, snapshots: indexes.map((index) => ({ index, digest, sizeBytes: 1 })), nonce: 'n' };
}

function withSnapshot(root: JournalRoot, index: number): JournalRoot | undefined {
  return rootWithSnapshot(root, { index, digest, sizeBytes: 1 }, 'n');
}

test('a journal begins with floor 0 and no snapshots', () => {
  assert.deepEqual(firstRoot('c', 'n'), rootOf(0));
});

test('a newer snapshot pushes out the older of two, and leaves the floor', () => {
  assert.deepEqual(withSnapshot(rootOf(0), 4), rootOf(0, 4));
  assert.deepEqual(withSnapshot(rootOf(0, 4), 9), rootOf(0, 9, 4));
  assert.deepEqual(withSnapshot(rootOf(4, 9, 4), 10), rootOf(4, 10, 9));
});

test('a snapshot that is not newer changes nothing', () => {
  for (const index of [1, 3, 4]) assert.equal(withSnapshot(rootOf(0, 4, 2), index), undefined);
});

test('the floor rises to what is asked, at most to the older of two snapshots', () => {
  assert.deepEqual(rootWithFloor(rootOf(0, 9, 4), 3, 'n'), rootOf(3, 9, 4));
  assert.deepEqual(rootWithFloor(rootOf(3, 9, 4), 9, 'n'), rootOf(4, 9, 4));
  for (const [root, upTo] of [
    [rootOf(0), 9],
    [rootOf(0, 9), 9],
    [rootOf(4, 9, 4), 9],
    [rootOf(3, 9, 4), 2],
  ] as const)
    assert.equal(rootWithFloor(root, upTo, 'n'), undefined);
});

test('a root is behind another if its floor or its newest snapshot is lower', () => {
  assert.ok(isNotBehind(rootOf(0), rootOf(0)));
  assert.ok(isNotBehind(rootOf(4, 9, 4), rootOf(2, 9, 4)));
  assert.ok(!isNotBehind(rootOf(2, 9, 4), rootOf(4, 9, 4)));
  assert.ok(!isNotBehind(rootOf(0, 4), rootOf(0, 9)));
  assert.ok(!isNotBehind(rootOf(4, 9, 4), rootOf(0, 10, 9)), 'a higher floor does not make up for an older snapshot');
});

test('below the floor every record is collected, above it what was found decides', () => {
  for (const found of ['own', 'other', 'nothing'] as const) {
    assert.equal(judgeFound(3, found, 3), 'collected');
    assert.equal(judgeFound(3, found, 4), 'collected');
  }
  assert.equal(judgeFound(3, 'own', 2), 'appended');
  assert.equal(judgeFound(3, 'other', 2), 'taken');
  assert.equal(judgeFound(3, 'nothing', 2), undefined, 'it is sent again');
});
