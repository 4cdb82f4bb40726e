// Histories of logs that break a promise, by which one, as short as they can be.
import type { HistoryVerdict } from '../../src/testkit/history-verdict.ts';
import type { History } from '../../src/testkit/history.ts';
import { append, giveUp, lookUp, peek, read, remove, trim } from './written-history.ts';

/** A title, a history, the operations that the first finding names, and what else is wrong by that. */
export type BadHistory = readonly [
  title: string,
  history: History,
  indexes: readonly number[],
  also?: readonly HistoryVerdict[],
];

export const badHistories: Readonly<Record<HistoryVerdict, readonly BadHistory[]>> = {
  lost: [
    ['the end is before it', [append('w', [0, 1], 'a', 0), read('r', [2, 3], 0, [0, 0], '')], [0, 1]],
    [
      'seen, then gone',
      [append('w', [0, 9], 'a', 'unknown'), read('q', [1, 2], 0, [0, 1], 'a@0'), read('r', [3, 4], 0, [0, 0], '')],
      [1, 2],
    ],
    ['the end is within it', [append('w', [0, 1], 'a:3', 0), read('r', [2, 3], 2, [0, 2], '')], [0, 1]],
    ['passed over', [append('w', [0, 1], 'a b c', 0), read('r', [2, 3], 0, [0, 3], 'a@0 c@2')], [0, 1], ['gap']],
    [
      'another stands there',
      [append('w', [0, 1], 'a', 0), append('v', [2, 3], 'b', 0), read('r', [4, 5], 0, [0, 1], 'b@0')],
      [0, 2],
      ['overwritten'],
    ],
    [
      'appended again after giving up',
      [append('w', [0, 1], 'a', 0), giveUp([2, 3], 0), append('w', [4, 5], 'b', 0), read('r', [6, 7], 0, [0, 0], '')],
      [2, 3],
    ],
    [
      'below what was given up',
      [append('w', [0, 1], 'a b', 0), giveUp([2, 3], 1), read('r', [6, 7], 0, [0, 0], '')],
      [0, 2],
    ],
    [
      'read before it was given up',
      [append('w', [0, 1], 'a', 0), read('r', [2, 3], 0, [0, 0], ''), giveUp([4, 5], 0)],
      [0, 1],
    ],
  ],
  stale: [
    [
      'a later read shows it',
      [append('w', [0, 1], 'a', 0), read('r', [2, 3], 0, [0, 0], ''), read('q', [4, 5], 0, [0, 1], 'a@0')],
      [0, 1],
    ],
  ],
  duplicated: [
    [
      'in one read',
      [
        append('w', [0, 1], 'a', 0),
        append('w', [2, 3], 'b', 1),
        append('w', [4, 5], 'c', 'unknown'),
        read('r', [6, 7], 0, [0, 3], 'a@0 b@1 a@2'),
      ],
      [0, 3],
    ],
    [
      'by a retry',
      [
        append('w', [0, 1], 'a', 'unknown'),
        append('w', [2, 3], 'b', 'unknown'),
        append('w', [4, 5], 'a', 0),
        append('w', [6, 7], 'a', 1),
      ],
      [2, 3],
    ],
    [
      'in two reads',
      [append('w', [0, 1], 'a b', 'unknown'), peek('q', [2, 3], 0, [0, 1], 'a@0'), peek('r', [4, 5], 1, [0, 2], 'a@1')],
      [1, 2],
    ],
  ],
  overwritten: [
    ['two acknowledged', [append('w', [0, 5], 'a:2', 0), append('v', [1, 6], 'b:2', 1)], [0, 1]],
    [
      'two readers differ',
      [
        append('w', [0, 5], 'a', 'unknown'),
        append('v', [1, 6], 'b', 'unknown'),
        peek('q', [7, 8], 0, [0, 1], 'a@0'),
        peek('r', [7, 8], 0, [0, 1], 'b@0'),
      ],
      [2, 3],
    ],
    ['given up only later', [append('w', [0, 5], 'a:2', 0), append('v', [1, 6], 'b:2', 1), giveUp([7, 8], 0)], [0, 1]],
    [
      'another one after a give-up elsewhere',
      [append('w', [0, 5], 'a b', 0), giveUp([6, 7], 1), append('v', [8, 9], 'c', 0)],
      [0, 2],
    ],
    [
      'two after the give-up',
      [append('w', [0, 5], 'a', 0), giveUp([6, 7], 0), append('v', [8, 10], 'c', 0), append('w', [9, 11], 'd', 0)],
      [2, 3],
    ],
  ],
  reordered: [
    ['answered before the other was called', [append('w', [0, 1], 'a', 1), append('v', [1, 2], 'b', 0)], [0, 1]],
    [
      'the other is seen only',
      [append('w', [0, 1], 'a', 1), append('v', [2, 3], 'b', 'unknown'), peek('r', [4, 5], 0, [0, 2], 'b@0 a@1')],
      [0, 1, 2],
      ['gap'],
    ],
    ['calls of one client at once', [append('w', [0, 5], 'a', 1), append('w', [1, 6], 'b', 0)], [0, 1]],
    ['in one call', [append('w', [0, 5], 'a b', 'unknown'), peek('r', [6, 7], 0, [0, 2], 'b@0 a@1')], [0, 1]],
  ],
  resurrected: [
    ['a deleted stream', [append('w', [0, 1], 'a', 0), remove([2, 3]), read('r', [4, 5], 0, [0, 1], 'a@0')], [1, 2]],
    [
      'bytes below a trim',
      [append('w', [0, 1], 'a b', 0), trim([2, 3], 1), read('r', [4, 5], 0, [0, 2], 'a@0 b@1')],
      [1, 2],
    ],
    [
      'the start below a trim',
      [append('w', [0, 1], 'a b', 0), trim([2, 3], 1), read('r', [4, 5], 1, [0, 2], 'b@1')],
      [1, 2],
    ],
    [
      'bytes of the stream that had the name before',
      [
        append('w', [0, 1], 'a', 0, 's/1'),
        remove([2, 3], 'ok', 's/1'),
        append('w', [4, 5], 'b', 'unknown', 's/2'),
        peek('r', [6, 7], 0, [0, 1], 'a@0', 's/2'),
      ],
      [0, 1, 3],
    ],
    [
      'an append to a deleted stream',
      [append('w', [0, 1], 'a', 'none'), remove([2, 3]), append('w', [4, 5], 'b', 0)],
      [1, 2],
    ],
  ],
  torn: [
    ['not whole', [append('w', [0, 1], 'a', 'unknown'), read('r', [2, 3], 0, [0, 1], 'a@0!')], [0, 1]],
    ['fewer records', [append('w', [0, 1], 'a:2', 'unknown'), read('r', [2, 3], 0, [0, 1], 'a@0')], [0, 1]],
    ['the range that was told is wrong', [{ ...append('w', [0, 1], 'a:2', 0), endOffset: 1 }], [0]],
  ],
  'aborted-read': [
    [
      'refused and seen',
      [append('w', [0, 1], 'a', 'none'), append('w', [2, 3], 'b', 'unknown'), peek('r', [4, 5], 0, [0, 1], 'a@0')],
      [0, 2],
    ],
  ],
  phantom: [
    ['from nobody', [append('w', [0, 1], 'a', 'unknown'), read('r', [2, 3], 0, [0, 1], 'z@0')], [1]],
    [
      'of another stream',
      [append('w', [0, 1], 'a', 0, 'o'), append('w', [0, 1], 'b', 'unknown'), read('r', [2, 3], 0, [0, 1], 'a@0')],
      [0, 2],
    ],
    [
      'before it was appended',
      [append('w', [0, 9], 'b', 'unknown'), read('r', [2, 3], 0, [0, 1], 'a@0'), append('w', [4, 5], 'a', 'unknown')],
      [1, 2],
    ],
  ],
  gap: [
    ['between batches', [append('w', [0, 1], 'a b c', 'unknown'), peek('r', [2, 3], 0, [0, 3], 'a@0 c@2')], [1]],
    ['nothing where something is', [append('w', [0, 9], 'a b', 'unknown'), peek('r', [2, 3], 1, [0, 2], '')], [1]],
    ['begins behind', [append('w', [0, 9], 'a b', 'unknown'), peek('r', [2, 3], 0, [0, 2], 'b@1')], [1]],
    ['begins before', [append('w', [0, 9], 'a b', 'unknown'), peek('r', [2, 3], 1, [0, 2], 'a@0 b@1')], [1]],
    ['more offsets than records', [append('w', [0, 9], 'a', 'unknown'), peek('r', [2, 3], 0, [0, 2], 'a@0')], [1]],
    ['an offset above all records', [append('w', [0, 9], 'a', 1)], [0]],
    [
      'a range that is none',
      [append('w', [0, 9], 'a b', 'unknown'), trim([0, 9], 2), peek('r', [2, 3], 0, [2, 1], '')],
      [2],
    ],
  ],
  'non-monotonic': [
    [
      'the end',
      [append('w', [0, 9], 'a', 'unknown'), peek('r', [1, 2], 0, [0, 1], 'a@0'), peek('r', [3, 4], 0, [0, 0], '')],
      [1, 2],
    ],
    [
      'the start',
      [
        append('w', [0, 9], 'a', 'unknown'),
        trim([0, 9], 1),
        peek('r', [1, 2], 1, [1, 1], ''),
        peek('r', [3, 4], 0, [0, 1], 'a@0'),
      ],
      [2, 3],
    ],
    [
      'below what was given up',
      [
        append('w', [0, 1], 'a b', 0),
        peek('r', [2, 3], 2, [0, 2], ''),
        giveUp([4, 5], 1),
        peek('r', [6, 7], 0, [0, 0], ''),
      ],
      [1, 3],
    ],
    [
      'before it was given up',
      [
        append('w', [0, 1], 'a b', 0),
        peek('r', [2, 3], 2, [0, 2], ''),
        peek('r', [4, 5], 1, [0, 1], ''),
        giveUp([6, 7], 1),
      ],
      [1, 2],
    ],
  ],
  misplaced: [
    [
      'seen elsewhere',
      [append('w', [0, 1], 'a', 0), append('v', [0, 1], 'b', 'unknown'), peek('r', [2, 3], 1, [0, 2], 'a@1')],
      [0, 2],
    ],
  ],
  misdated: [
    ['an older one', [append('w', [0, 1], 'a~5 b~7', 0), lookUp([2, 3], 6, 0)], [0, 1]],
    ['one passed over', [append('w', [0, 1], 'a~5 b~7', 0), lookUp([2, 3], 4, 1)], [0, 1]],
    ['nothing', [append('w', [0, 1], 'a~5', 0), lookUp([2, 3], 5)], [0, 1]],
    ['within a batch', [append('w', [0, 1], 'a:2~5', 0), lookUp([2, 3], 5, 1)], [0, 1]],
    ['beyond everything', [append('w', [0, 9], 'a~5', 'unknown'), lookUp([2, 3], 5, 1)], [1]],
    [
      'one passed over by whoever may lag',
      [append('w', [0, 9], 'a~5 b~7', 0), { ...lookUp([2, 3], 4, 1), mayLag: true }],
      [0, 1],
    ],
  ],
  'trimmed-early': [
    ['no trim', [append('w', [0, 1], 'a b', 0), peek('r', [2, 3], 1, [1, 2], 'b@1')], [1]],
    ['above the trim', [append('w', [0, 1], 'a b', 0), trim([0, 9], 1), peek('r', [2, 3], 2, [2, 2], '')], [1, 2]],
    [
      'the trim failed',
      [append('w', [0, 1], 'a b', 0), trim([0, 1], 1, 'none'), peek('r', [2, 3], 1, [1, 2], 'b@1')],
      [2],
    ],
    ['the trim came later', [append('w', [0, 1], 'a b', 0), peek('r', [2, 3], 1, [1, 2], 'b@1'), trim([4, 5], 1)], [1]],
  ],
  unanswered: [
    ['an append', [append('w', [0], 'a', 'unknown')], [0]],
    ['a read', [read('r', [0], 0, [0, 0], '')], [0]],
  ],
};
