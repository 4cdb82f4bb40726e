// Short scripts about one promise each: what a log that is only begun should be tried with first, and what says plainly
// what is wrong when the random ones fail too.
import type { LogDriverOption } from './log-driver.ts';
import type { LogOperation } from './log-script.ts';

/** A script with what it is about. */
export interface DirectedLogScript {
  readonly title: string;
  /** What a log must have besides for this to say anything. */
  readonly needs?: readonly LogDriverOption[];
  readonly operations: readonly LogOperation[];
}

const append = (stream: string, count = 1, sizeBytes = 40, wait = true): LogOperation => {
  return { do: 'append', stream, count, sizeBytes, wait };
};
const all = (stream: string, ...counts: readonly number[]): LogOperation => {
  return { do: 'append-all', stream, batches: counts.map((count) => ({ count, sizeBytes: 30 })), wait: true };
};
const read = (stream: string, at: number, maxBytes?: number): LogOperation => {
  return { do: 'read', stream, at, maxBytes, wait: true };
};
const trim = (stream: string, at: number): LogOperation => ({ do: 'trim', stream, at, wait: true });
const on = (what: 'create' | 'open' | 'close' | 'delete' | 'append-closed', stream: string): LogOperation => {
  return { do: what, stream };
};
const wait: LogOperation = { do: 'wait' };
const crash: LogOperation = { do: 'crash' };
const reopen: LogOperation = { do: 'reopen' };

/** Those that every log can be tried with. */
export const directedLogScripts: readonly DirectedLogScript[] = [
  {
    title: 'gives what was appended, from every place in it, within the limits of the read',
    operations: [
      append('a'),
      append('a', 5),
      all('a', 2, 1, 3),
      read('a', 0),
      read('a', 30),
      read('a', 60, 1),
      read('a', 100),
    ],
  },
  {
    title: 'refuses to read before the start and beyond the end',
    operations: [all('a', 2, 2, 2), trim('a', 50), read('a', -1), read('a', 101), read('a', 0)],
  },
  {
    title: 'gives offsets in the order of the calls, also when nobody waits',
    operations: [
      append('a', 2, 40, false),
      append('b', 1, 40, false),
      append('a', 3, 9_000, false),
      append('a', 1, 40, false),
      wait,
    ],
  },
  {
    title: 'takes an append that expects the right offset, and refuses one that does not',
    operations: [append('a', 2), ...[0, 1, -1, 0].map((off): LogOperation => ({ do: 'append-at', stream: 'a', off }))],
  },
  {
    title: 'keeps what was acknowledged through clean restarts and crashes',
    operations: [
      append('a', 3),
      all('b', 1, 2),
      crash,
      append('a', 2),
      reopen,
      append('a'),
      append('b'),
      crash,
      crash,
      append('a'),
    ],
  },
  {
    title: 'keeps a prefix of what was under way in a crash, and never changes it again',
    operations: [
      append('a'),
      ...[1, 2, 3, 1, 2].map((count) => append('a', count, 40, false)),
      ...[crash, append('a'), reopen, append('a', 2), crash],
    ],
  },
  {
    title: 'lets nobody append to a closed stream, and opens it again where it ended',
    operations: [
      append('a', 2),
      append('a', 1, 40, false),
      on('close', 'a'),
      on('append-closed', 'a'),
      read('a', 0),
      append('a', 4),
    ],
  },
  {
    title: 'trims exactly, inside batches, through restarts',
    operations: [
      all('a', 4, 4, 4),
      trim('a', 50),
      read('a', 0),
      read('a', -1),
      crash,
      read('a', 0),
      trim('a', 100),
      reopen,
      append('a'),
    ],
  },
  {
    title: 'shows nothing old of a name that was deleted and created again',
    operations: [
      ...[append('a', 3), on('create', 'a'), on('delete', 'a'), on('delete', 'a'), on('create', 'a')],
      ...[read('a', 0), append('a', 2), read('a', 0), crash, read('a', 0), on('delete', 'a'), crash, on('open', 'a')],
    ],
  },
  {
    title: 'gives those who follow everything once, across the seam of old and new',
    operations: [
      ...[
        all('a', 2, 3, 1),
        reopen,
        append('a', 2),
        { do: 'follow', stream: 'a', at: 0 } as const,
        append('a', 3, 40, false),
      ],
      ...[
        { do: 'follow', stream: 'a', at: 50 } as const,
        append('a'),
        wait,
        { do: 'maintain' } as const,
        append('a', 2),
        wait,
      ],
      ...[{ do: 'leave', stream: 'a' } as const, append('a'), wait],
    ],
  },
  {
    title: 'answers everything in the end when requests are slow, lost, late or doubled',
    operations: [
      ...(['slow', 'lost-answers', 'common'] as const).flatMap((kind): LogOperation[] => [
        { do: 'disturb', by: { kind } },
        ...[
          append('a', 1, 40, false),
          append('b', 2, 40, false),
          append('a', 3),
          trim('a', 20),
          on('close', 'b'),
          append('b'),
        ],
        ...[{ do: 'maintain' } as const, wait],
      ]),
      ...[{ do: 'settle' } as const, crash],
    ],
  },
  {
    title: 'loses nothing when it dies in any of the first requests of a start',
    operations: [
      append('a', 2),
      ...Array.from({ length: 20 }, (_, i) => i + 1).flatMap((request): LogOperation[] => [
        append('a', 1, 40, false),
        { do: 'crash', meanwhile: { kind: 'crash', request, underWay: 'either' } },
      ]),
    ],
  },
  {
    title: 'ends or waits, but invents nothing, while nothing gets through',
    operations: [
      ...[append('a', 2), { do: 'disturb', by: { kind: 'outage' } } as const, append('a', 3, 40, false), trim('a', 50)],
      ...[{ do: 'settle' } as const, append('a'), crash, append('a')],
    ],
  },
];

/** A bit of everything: what is run with a death in each of its requests, one after the other. */
export const dyingLogOperations: readonly LogOperation[] = [
  ...[append('a', 2), append('b', 1, 40, false), append('a', 3, 40, false), append('a', 1, 9_000, false)],
  ...[trim('a', 30), { do: 'maintain' } as const, append('b', 2), on('close', 'b'), append('b'), on('delete', 'b')],
  ...[append('b', 4), append('a', 1, 40, false), append('b', 1, 40, false), on('close', 'a'), append('a')],
];
