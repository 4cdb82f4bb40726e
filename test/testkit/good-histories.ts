// Histories of logs that keep their promises, each close to breaking one.
import type { HistoryVerdict } from '../../src/testkit/history-verdict.ts';
import type { History } from '../../src/testkit/history.ts';
import { append, giveUp, lookUp, peek, read, remove, trim } from './written-history.ts';

/** A title and a history. */
export type GoodHistory = readonly [title: string, history: History];

/** Histories of logs that keep their promises, by what they nearly break. */
export const goodHistories: Readonly<Record<HistoryVerdict, readonly GoodHistory[]>> = {
  lost: [
    ['the read was called before the answer', [append('w', [0, 3], 'a', 0), read('r', [2, 9], 0, [0, 0], '')]],
    ['unknown, and not there', [append('w', [0, 1], 'a', 'unknown'), read('r', [2, 3], 0, [0, 0], '')]],
    [
      'unknown, and there later',
      [append('w', [0, 1], 'a', 'unknown'), read('r', [2, 3], 0, [0, 0], ''), read('r', [4, 5], 0, [0, 1], 'a@0')],
    ],
    [
      'unknown, there, and behind a later one',
      [append('w', [0, 1], 'a', 'unknown'), append('w', [2, 3], 'b', 0), read('r', [4, 5], 0, [0, 2], 'b@0 a@1')],
    ],
    ['refused, and not there', [append('w', [0, 1], 'a', 'none'), read('r', [2, 3], 0, [0, 0], '')]],
    ['given up', [append('w', [0, 1], 'a', 0), giveUp([2, 3], 0), read('r', [4, 5], 0, [0, 0], '')]],
    ['given up while it was read', [append('w', [0, 1], 'a', 0), read('r', [2, 6], 0, [0, 0], ''), giveUp([4, 5], 0)]],
    ['given up within it', [append('w', [0, 1], 'a:3', 0), giveUp([2, 3], 1), read('r', [4, 5], 0, [0, 0], '')]],
    [
      'seen while somebody gave it up, then gone',
      [
        append('w', [0, 1], 'a', 0),
        giveUp([2, 9], 0),
        read('r', [3, 4], 0, [0, 1], 'a@0'),
        read('r', [5, 6], 0, [0, 0], ''),
      ],
    ],
    ['trimmed', [append('w', [0, 1], 'a b', 0), trim([2, 3], 1), read('r', [4, 5], 1, [1, 2], 'b@1')]],
    [
      'trimmed while it was read',
      [append('w', [0, 1], 'a b', 0), read('r', [2, 5], 1, [1, 2], 'b@1'), trim([3, 9], 1)],
    ],
    ['trimmed within it', [append('w', [0, 1], 'a:4', 0), trim([2, 3], 2), read('r', [4, 5], 2, [2, 4], 'a:4@0')]],
    ['all trimmed', [append('w', [0, 1], 'a b', 0), trim([2, 3], 2), read('r', [4, 5], 2, [2, 2], '')]],
    ['the stream is being deleted', [append('w', [0, 1], 'a', 0), read('r', [2, 5], 0, [0, 0], ''), remove([3, 9])]],
    ['a read that ends before it, of more', [append('w', [0, 1], 'a b', 0), read('r', [2, 3], 0, [0, 2], 'a@0')]],
  ],
  stale: [
    [
      'the reader may lag',
      [append('w', [0, 1], 'a', 0), peek('r', [2, 3], 0, [0, 0], ''), peek('r', [4, 5], 0, [0, 1], 'a@0')],
    ],
    [
      'a follower was ahead of the writer',
      [append('w', [0, 9], 'a', 0), peek('q', [1, 2], 0, [0, 1], 'a@0'), read('r', [3, 4], 0, [0, 0], '')],
    ],
    [
      'called before the answer',
      [append('w', [0, 4], 'a', 0), read('r', [3, 9], 0, [0, 0], ''), read('q', [4, 5], 0, [0, 1], 'a@0')],
    ],
  ],
  duplicated: [
    [
      'a retry is told the same place',
      [
        append('w', [0, 1], 'a', 'unknown'),
        append('w', [2, 3], 'a', 0),
        append('w', [4, 5], 'a', 0),
        read('r', [6, 7], 0, [0, 1], 'a@0'),
      ],
    ],
    [
      'a retry after giving up is elsewhere',
      [
        append('w', [0, 1], 'a', 0),
        giveUp([2, 3], 0),
        append('w', [4, 5], 'b', 0),
        append('w', [6, 7], 'a', 1),
        read('r', [8, 9], 0, [0, 2], 'b@0 a@1'),
      ],
    ],
  ],
  overwritten: [
    [
      'given again after giving up',
      [
        append('w', [0, 1], 'a b', 0),
        giveUp([2, 3], 1),
        append('w', [4, 5], 'c', 1),
        read('r', [6, 7], 0, [0, 2], 'a@0 c@1'),
      ],
    ],
    [
      'an old one comes late, after giving up',
      [
        append('w', [0, 1], 'a', 0),
        append('v', [0, 9], 'b', 'unknown'),
        giveUp([2, 3], 0),
        read('r', [4, 5], 0, [0, 1], 'b@0'),
      ],
    ],
    ['side by side', [append('w', [0, 9], 'a:2', 1), append('v', [1, 8], 'b', 0), append('u', [1, 8], 'c', 3)]],
    [
      'given up twice',
      [
        append('w', [0, 1], 'a', 0),
        giveUp([2, 3], 0),
        append('w', [4, 5], 'b', 0),
        giveUp([6, 7], 0),
        append('w', [8, 9], 'c', 0),
        read('r', [10, 11], 0, [0, 1], 'c@0'),
      ],
    ],
  ],
  reordered: [
    ['of two clients at once', [append('w', [0, 5], 'a', 1), append('v', [4, 6], 'b', 0)]],
    [
      'the first one was unknown, and came late',
      [append('w', [0, 1], 'a', 'unknown'), append('w', [2, 3], 'b', 0), peek('r', [4, 5], 0, [0, 2], 'b@0 a@1')],
    ],
    [
      'the first one was tried again',
      [append('w', [0, 1], 'a', 'unknown'), append('w', [2, 3], 'b', 0), append('w', [4, 5], 'a', 1)],
    ],
    ['of one client, called at once', [append('w', [0, 5], 'a', 1), append('w', [0, 5], 'b', 0)]],
    ['of one client in two streams', [append('w', [0, 5], 'a', 0, 'o'), append('w', [1, 5], 'b', 0)]],
    ['the first one was given up', [append('w', [0, 1], 'a b', 0), giveUp([2, 3], 0), append('w', [4, 5], 'c', 0)]],
  ],
  resurrected: [
    ['read while it was deleted', [append('w', [0, 1], 'a', 0), remove([2, 5]), read('r', [4, 6], 0, [0, 1], 'a@0')]],
    [
      'the deletion was refused',
      [append('w', [0, 1], 'a', 0), remove([2, 3], 'none'), read('r', [4, 6], 0, [0, 1], 'a@0')],
    ],
    [
      'nobody knows of the deletion',
      [append('w', [0, 1], 'a', 0), remove([2, 3], 'unknown'), read('r', [4, 6], 0, [0, 1], 'a@0')],
    ],
    [
      'the reader may lag behind the deletion',
      [append('w', [0, 1], 'a', 0), remove([2, 3]), peek('r', [4, 6], 0, [0, 1], 'a@0')],
    ],
    [
      'the reader may lag behind the trim',
      [append('w', [0, 1], 'a b', 0), trim([2, 3], 1), peek('r', [4, 6], 0, [0, 2], 'a@0 b@1')],
    ],
    [
      'read while it was trimmed',
      [append('w', [0, 1], 'a b', 0), trim([2, 5], 1), read('r', [4, 6], 0, [1, 2], 'a@0 b@1')],
    ],
    [
      'nobody knows of the trim',
      [append('w', [0, 1], 'a b', 0), trim([2, 3], 1, 'unknown'), read('r', [4, 6], 0, [0, 2], 'a@0 b@1')],
    ],
    [
      'the name has another stream',
      [
        append('w', [0, 1], 'a', 0, 's/1'),
        remove([2, 3], 'ok', 's/1'),
        append('w', [4, 5], 'b', 0, 's/2'),
        read('r', [6, 7], 0, [0, 1], 'b@0', 's/2'),
      ],
    ],
  ],
  torn: [
    ['read from its middle', [append('w', [0, 1], 'a:5', 0), read('r', [2, 3], 3, [0, 5], 'a:5@0')]],
    ['several in one call', [append('w', [0, 1], 'a:5 b', 0), read('r', [2, 3], 5, [0, 6], 'b@5')]],
    ['none at all', [append('w', [0, 1], '', 0), read('r', [2, 3], 0, [0, 0], '')]],
  ],
  'aborted-read': [
    ['unknown and seen', [append('w', [0, 1], 'a', 'unknown'), read('r', [2, 3], 0, [0, 1], 'a@0')]],
    [
      'refused first, then tried again',
      [append('w', [0, 1], 'a', 'none'), append('w', [2, 3], 'a', 'unknown'), read('r', [4, 5], 0, [0, 1], 'a@0')],
    ],
  ],
  phantom: [
    ['seen before its append was answered', [append('w', [0, 9], 'a', 0), read('r', [1, 2], 0, [0, 1], 'a@0')]],
    ['called after the read, before its answer', [read('r', [0, 3], 0, [0, 1], 'a@0'), append('w', [1, 2], 'a', 0)]],
  ],
  gap: [
    ['a read at the end', [append('w', [0, 1], 'a', 0), read('r', [2, 3], 1, [0, 1], '')]],
    ['a read beyond the end', [append('w', [0, 1], 'a', 0), read('r', [2, 3], 7, [0, 1], '')]],
    ['a read below the start', [append('w', [0, 1], 'a b', 0), trim([2, 3], 1), read('r', [4, 5], 0, [1, 2], '')]],
    [
      'a read from below the start on',
      [append('w', [0, 1], 'a b', 0), trim([2, 3], 1), read('r', [4, 5], 0, [1, 2], 'b@1')],
    ],
  ],
  'non-monotonic': [
    [
      'of two clients',
      [append('w', [0, 9], 'a', 'unknown'), peek('q', [1, 2], 0, [0, 1], 'a@0'), peek('r', [3, 4], 0, [0, 0], '')],
    ],
    [
      'of two reads at once',
      [append('w', [0, 9], 'a', 0), peek('r', [1, 4], 0, [0, 1], 'a@0'), peek('r', [3, 5], 0, [0, 0], '')],
    ],
    [
      'given up',
      [
        append('w', [0, 1], 'a', 0),
        peek('r', [2, 3], 0, [0, 1], 'a@0'),
        giveUp([4, 5], 0),
        peek('r', [6, 7], 0, [0, 0], ''),
        append('w', [8, 9], 'b', 0),
        peek('r', [10, 11], 0, [0, 1], 'b@0'),
      ],
    ],
    [
      'given up before, to whoever lags',
      [
        append('w', [0, 1], 'a', 0),
        giveUp([2, 3], 0),
        peek('r', [4, 5], 0, [0, 1], 'a@0'),
        peek('r', [6, 7], 0, [0, 0], ''),
      ],
    ],
  ],
  misplaced: [
    [
      'given up, and tried again',
      [
        append('w', [0, 1], 'a', 0),
        giveUp([2, 3], 0),
        append('w', [4, 5], 'b', 0),
        append('w', [6, 7], 'a', 'unknown'),
        read('r', [8, 9], 0, [0, 2], 'b@0 a@1'),
      ],
    ],
    ['in another stream at the same place', [append('w', [0, 1], 'a', 0), append('w', [2, 3], 'b', 0, 'o')]],
  ],
  misdated: [
    ['equal times', [append('w', [0, 1], 'a~5 b~5', 0), lookUp([2, 3], 5, 0)]],
    [
      'times that go back',
      [append('w', [0, 1], 'a~5 b~9 c~7', 0), lookUp([2, 3], 6, 1), lookUp([4, 5], 8, 1), lookUp([6, 7], 10)],
    ],
    ['appended at the same time', [append('w', [0, 4], 'a~5', 0), lookUp([2, 5], 5)]],
    ['trimmed', [append('w', [0, 1], 'a~5 b~7', 0), trim([2, 9], 1), lookUp([3, 4], 5, 1)]],
    ['all trimmed', [append('w', [0, 1], 'a~5', 0), trim([2, 9], 1), lookUp([3, 4], 5)]],
    ['trimmed within', [append('w', [0, 1], 'a:3~5', 0), trim([2, 3], 1), lookUp([4, 5], 5, 1), lookUp([4, 5], 5, 0)]],
    ['given up', [append('w', [0, 1], 'a~5', 0), giveUp([2, 3], 0), lookUp([4, 5], 5)]],
    [
      'found before it was given up',
      [
        append('w', [0, 1], 'a~3', 0),
        append('w', [2, 3], 'b~9', 1),
        lookUp([4, 5], 8, 1),
        giveUp([6, 7], 0),
        append('w', [8, 9], 'c~9', 0),
      ],
    ],
    ['by whoever may lag', [append('w', [0, 1], 'a~5', 0), { ...lookUp([2, 3], 5), mayLag: true }]],
    ['without times', [append('w', [0, 1], 'a b~7', 0), lookUp([2, 3], 5, 1), lookUp([4, 5], 5, 0)]],
  ],
  'trimmed-early': [
    ['a trim under way', [append('w', [0, 1], 'a b', 0), trim([2, 9], 1), read('r', [3, 4], 1, [1, 2], 'b@1')]],
    [
      'a trim of which nobody knows',
      [append('w', [0, 1], 'a b', 0), trim([2, 3], 1, 'unknown'), read('r', [4, 5], 1, [1, 2], 'b@1')],
    ],
    [
      'the highest of many trims',
      [append('w', [0, 1], 'a b c', 0), trim([2, 9], 2), trim([3, 4], 1), read('r', [5, 6], 2, [2, 3], 'c@2')],
    ],
  ],
  unanswered: [
    ['refused', [append('w', [0, 1], 'a', 'none')]],
    ['nothing was asked', []],
  ],
};
