import { expect, test } from 'vitest';
import { afterRead, freshReader, windowMaxBytes, type ReadAheadState } from '../../src/cache/read-ahead.ts';

const MiB = 1024 * 1024;
const read = (
  state: ReadAheadState,
  from: number,
  facts: { waited?: boolean; evicted?: boolean } = {},
): ReadAheadState => afterRead(state, { from, nextOffset: from + 10, waited: false, evicted: false, ...facts });

test('a reader that goes on and waits is read ahead for, twice as far each time', () => {
  let state = freshReader;
  const windows: number[] = [];
  for (let from = 0; from < 60; from += 10) {
    state = read(state, from, { waited: true });
    windows.push(state.windowBytes / MiB);
  }
  expect(windows).toEqual([1, 2, 4, 8, 8, 8]);
  expect(windowMaxBytes).toBe(8 * MiB);
});

test('a reader that does not wait keeps its window', () => {
  const state = read(read(freshReader, 0, { waited: true }), 10);
  expect(state.windowBytes).toBe(MiB);
});

test('a window whose blocks were evicted unread is halved, and then given up', () => {
  let state: ReadAheadState = { nextOffset: 0, windowBytes: 4 * MiB };
  const windows: number[] = [];
  for (let from = 0; from < 40; from += 10) {
    state = read(state, from, { waited: true, evicted: true });
    windows.push(state.windowBytes / MiB);
  }
  expect(windows).toEqual([2, 1, 0, 0]);
});

test('a reader that jumps is not read ahead for', () => {
  expect(read({ nextOffset: 10, windowBytes: 8 * MiB }, 90, { waited: true }).windowBytes).toBe(0);
});
