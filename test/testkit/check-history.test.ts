// Histories written by hand: bad ones, of which each breaks one promise, and good ones that nearly do.
import { describe, expect, it } from 'vitest';
import { checkHistory, describeFinding } from '../../src/testkit/check-history.ts';
import { historyVerdicts, type HistoryVerdict } from '../../src/testkit/history-verdict.ts';
import type { History } from '../../src/testkit/history.ts';
import { badHistories } from './bad-histories.ts';
import { goodHistories } from './good-histories.ts';
import { append, giveUp, lookUp, read, remove, trim } from './written-history.ts';

describe.each(Object.keys(historyVerdicts) as HistoryVerdict[])('%s', (verdict) => {
  for (const [title, history, indexes, also = []] of badHistories[verdict]) {
    it(`is found: ${title}`, () => {
      const findings = checkHistory(history);
      expect(new Set(findings.map((finding) => finding.verdict))).toEqual(new Set([verdict, ...also]));
      const own = findings.filter((finding) => finding.verdict === verdict);
      expect(own[0]?.operations.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(indexes);
      expect(own[0]?.operations.every(({ index, operation }) => history[index] === operation)).toBe(true);
    });
  }

  it.each(goodHistories[verdict])('is not found: %s', (_, history) => {
    expect(checkHistory(history).map(describeFinding)).toEqual([]);
  });
});

describe('checkHistory', () => {
  it('excuses clients that died', () => {
    const history = [append('w', [0], 'a', 'unknown'), read('r', [1], 0, [0, 0], '')];
    expect(checkHistory(history, { died: ['w', 'r'] })).toEqual([]);
    expect(checkHistory(history, { died: ['w'] })).toMatchObject([
      { verdict: 'unanswered', operations: [{ index: 1 }] },
    ]);
  });

  it('judges an append that was never answered by what is seen', () => {
    const history = [
      append('w', [0], 'a', 'unknown'),
      read('r', [1, 2], 0, [0, 1], 'a@0'),
      read('r', [3, 4], 0, [0, 0], ''),
    ];
    expect(checkHistory(history, { died: ['w'] }).map(({ verdict }) => verdict)).toEqual(['lost', 'non-monotonic']);
  });

  it('takes operations in any order, and finds the same', () => {
    for (const [, history] of Object.values(badHistories).flat()) {
      const found = new Set(checkHistory(history).map(({ verdict }) => verdict));
      expect(new Set(checkHistory(history.toReversed()).map(({ verdict }) => verdict))).toEqual(found);
    }
  });

  it('tells at most twenty of a kind', () => {
    const reads = Array.from({ length: 50 }, (_, i) => read(`r${i}`, [2 * i, 2 * i + 1], 0, [0, 0], `z${i}@0`));
    const findings = checkHistory(reads);
    expect(findings.map(({ verdict }) => verdict)).toEqual(Array(20).fill('phantom'));
  });

  it('names each lost batch once, and all that one read misses', () => {
    const appends = Array.from({ length: 6 }, (_, i) => append('w', [2 * i, 2 * i + 1], `b${i}`, i));
    const reads = Array.from({ length: 6 }, (_, i) =>
      read(`r${i}`, [20 + 2 * i, 21 + 2 * i], 0, [0, 3], 'b0@0 b1@1 b2@2'),
    );
    const findings = checkHistory([...appends, ...reads]);
    expect(findings.map(({ verdict, operations }) => [verdict, ...operations.map(({ index }) => index)])).toEqual([
      ['lost', 3, 6],
      ['lost', 4, 6],
      ['lost', 5, 6],
    ]);
  });

  it.each([
    ['no array', {}, /a history is an array of operations; got \{\}/],
    ['nothing', undefined, /a history is an array/],
    ['a hole', [append('w', [0, 1], 'a', 0), null], /operation 1 of the history is an object/],
    [
      'an unknown operation',
      [{ ...remove([0, 1]), do: 'erase' }],
      /operation 0 .*'do' is one of append, read.*"erase"/,
    ],
    ['a time that is none', [{ ...remove([0, 1]), calledAt: '0' }], /operation 0 .*calledAt is a number; got "0"/],
    [
      'a time that is no number',
      [{ ...remove([0, 1]), answeredAt: Number.NaN }],
      /answeredAt is a number, or absent; got NaN/,
    ],
    ['an answer before the call', [remove([1, 0])], /an answer does not come before its call at 1; got 0/],
    ['no client', [{ ...remove([0, 1]), client: 7 }], /client is a string; got 7/],
    ['no stream', [{ ...remove([0, 1]), stream: undefined }], /stream is a string; got undefined/],
    ['no outcome', [{ ...remove([0, 1]), outcome: 'maybe' }], /outcome is 'ok', 'none' or 'unknown'; got "maybe"/],
    ['success without an answer', [remove([0])], /what is 'ok' has an answeredAt/],
    ['no batches', [{ ...append('w', [0, 1], 'a', 0), batches: 'a' }], /batches is an array; got "a"/],
    ['a batch without a name', [{ ...append('w', [0, 1], 'a', 0), batches: [{ count: 1 }] }], /a batch has an id/],
    ['a batch of nothing', [append('w', [0, 1], 'a:0', 0)], /a has a count, an integer from 1 on; got 0/],
    [
      'a timestamp that is none',
      [{ ...append('w', [0, 1], 'a', 0), batches: [{ id: 'a', count: 1, timestamp: 'x' }] }],
      /timestamp of a/,
    ],
    ['success without offsets', [{ ...append('w', [0, 1], 'a', 0), endOffset: undefined }], /'ok' has an endOffset/],
    [
      'one id twice',
      [append('w', [0, 1], 'a a', 0)],
      /operation 0 .*the id a is that of another batch, of operation 0/,
    ],
    [
      'one id for two batches',
      [append('w', [0, 1], 'a', 0), append('w', [2, 3], 'a:2', 1)],
      /operation 1 .*of operation 0; only a retry/,
    ],
    [
      'one id in two streams',
      [append('w', [0, 1], 'a', 0), append('w', [2, 3], 'a', 0, 'o')],
      /operation 1 .*the id a/,
    ],
    ['a read from nowhere', [{ ...read('r', [0, 1], 0, [0, 0], ''), from: '0' }], /from is an offset; got "0"/],
    ['a read that saw nothing at all', [{ ...read('r', [0, 1], 0, [0, 0], ''), seen: undefined }], /seen is an array/],
    [
      'something seen without a name',
      [{ ...read('r', [0, 1], 0, [0, 0], ''), seen: [{ startOffset: 0 }] }],
      /what was seen has an id/,
    ],
    [
      'something seen nowhere',
      [{ ...read('r', [0, 1], 0, [0, 0], ''), seen: [{ id: 'a', isWhole: true, startOffset: 0 }] }],
      /what was seen has a startOffset/,
    ],
    ['a trim to nowhere', [{ ...trim([0, 1], 0), startOffset: null }], /startOffset is an offset; got null/],
    ['a look-up of no time', [{ ...lookUp([0, 1], 0), timestamp: undefined }], /timestamp is a number/],
    [
      'a look-up that found no offset',
      [{ ...lookUp([0, 1], 0), offset: 'x' }],
      /offset is an offset, or absent; got "x"/,
    ],
    ['giving up nothing', [{ ...giveUp([0, 1], 0), from: undefined }], /from is an offset; got undefined/],
  ])('refuses what is no history: %s', (_, history, message) => {
    const check = (): unknown => checkHistory(history as History);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('refuses clients that are no list', () => {
    expect(() => checkHistory([], { died: 'w' as never })).toThrow(/died is an array of names of clients; got "w"/);
  });
});

describe('describeFinding', () => {
  it('tells the promise, what is wrong, and a line for each operation', () => {
    const [finding] = checkHistory([append('w', [0, 1], 'a b:2', 0), read('r', [2, 3], 0, [0, 1], 'a@0')]);
    expect(finding && describeFinding(finding).split('\n')).toEqual([
      'lost: b at [1, 3) of s had been acknowledged when a read was called that was told that s ends at 1',
      `  (${historyVerdicts.lost})`,
      '  [0] 0..1 w: append s a, b (2 records): at [0, 3)',
      '  [1] 2..3 r: read s from 0: of [0, 1) a at [0, 1)',
    ]);
  });

  it('has words for every operation, and cuts long lists', () => {
    const ids = Array.from({ length: 12 }, (_, i) => `b${i}`).join(' ');
    const operations = [
      append('w', [0], ids, 'unknown'),
      { ...read('r', [1], 0, [0, 0], ''), mayLag: true },
      trim([2, 3], 4),
      remove([4, 5], 'none'),
      lookUp([6, 7], 8),
      giveUp([8, 9], 1),
      read('r', [10, 11], 0, [0, 1], 'b0@0!'),
    ].map((operation, index) => ({ index, operation }));
    expect(describeFinding({ verdict: 'gap', message: 'm', operations }).split('\n').slice(2)).toEqual([
      '  [0] 0..never w: append s b0, b1, b2, b3, b4, b5, b6, b7 and 4 more: unknown',
      '  [1] 1..never r: read s from 0, may lag',
      '  [2] 2..3 t: trim s to 4: ok',
      '  [3] 4..5 d: delete s none',
      '  [4] 6..7 l: look-up s time 8: none',
      '  [5] 8..9 g: give-up s from 1',
      '  [6] 10..11 r: read s from 0: of [0, 1) b0 at [0, 1), not whole',
    ]);
  });
});
