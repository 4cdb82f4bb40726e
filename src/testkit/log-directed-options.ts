// Short scripts about what a log may have besides: each names the methods that it is about.
import type { DirectedLogScript } from './log-directed-scripts.ts';
import type { LogDisturbance } from './log-driver.ts';
import type { LogAbortableCall, LogOperation } from './log-script.ts';

const append = (stream: string, timestamp?: number, wait = true): LogOperation => {
  return { do: 'append', stream, count: 2, sizeBytes: 40, timestamp, wait };
};
const once = (wait: boolean): LogOperation => ({ do: 'append-once', stream: 'a', count: 3, sizeBytes: 40, wait });
const retry: LogOperation = { do: 'retry', stream: 'a' };
const trim = (stream: string, at: number): LogOperation => ({ do: 'trim', stream, at, wait: true });
const read = (at: number): LogOperation => ({ do: 'read', stream: 'a', at, wait: true });
const twice = (at: number): LogOperation => ({ do: 'read-twice', stream: 'a', at });
const lookUp = (timestamp: number, stream = 'a'): LogOperation => {
  return { do: 'look-up', stream, timestamp, wait: true };
};
const disturb = (by: LogDisturbance): LogOperation => ({ do: 'disturb', by });
const dying = (request: number, underWay: 'lands' | 'vanishes'): LogOperation => {
  return disturb({ kind: 'crash', request, underWay });
};
const usurped = (call: 'append' | 'trim' | 'create' | 'delete'): LogOperation => ({ do: 'usurped', call, stream: 'a' });
const abort = (call: LogAbortableCall, afterTurns: number, afterMs = 0, stream = 'a'): LogOperation => {
  return { do: 'abort', call, stream, afterTurns, afterMs };
};
const wait: LogOperation = { do: 'wait' };
const crash: LogOperation = { do: 'crash' };
const reopen: LogOperation = { do: 'reopen' };
const usurp: LogOperation = { do: 'usurp' };
const audit: LogOperation = { do: 'audit' };
const idle: LogOperation = { do: 'idle' };
const maintain: LogOperation = { do: 'maintain' };
const settle: LogOperation = { do: 'settle' };
const following: LogOperation = { do: 'follow', stream: 'a', at: 0 };
const pause = (ms: number): LogOperation => ({ do: 'pause', ms });
const flood: LogOperation = { do: 'flood', stream: 'a' };

/** Every moment of a call: each turn of the queue of promises, and then each part of a millisecond. */
const turns = Array.from({ length: 24 }, (_, turn) => turn);
const moments = Array.from({ length: 16 }, (_, i) => 0.5 + i);

/** Those about what may be left out. */
export const optionalLogScripts: readonly DirectedLogScript[] = [
  {
    title: 'keeps an append that is tried again once, with one offset',
    needs: ['appendOnce'],
    operations: [
      ...[append('a'), once(true), retry, append('a'), retry, once(true), retry, read(0)],
      ...(['lands', 'vanishes'] as const).flatMap((underWay) => [
        ...[1, 2, 3].flatMap((request) => [dying(request, underWay), once(false), crash, retry, append('a')]),
        ...[dying(1, underWay), once(true), once(true), retry, append('a', undefined, false), retry],
      ]),
      ...[disturb({ kind: 'lost-answers' }), once(true), retry, settle, crash, retry, read(0)],
    ],
  },
  {
    title: 'lets a process that has lost the log change nothing',
    needs: ['usurp'],
    operations: [
      ...[append('a'), append('b'), append('a', undefined, false), usurp, usurped('append'), read(0), append('a')],
      ...[usurped('append'), usurped('trim'), usurped('create'), read(0), usurped('delete'), append('a'), crash],
      ...[append('a'), append('a', undefined, false), usurp, append('a'), usurped('append'), maintain, reopen],
      ...[append('a'), usurped('trim'), read(0), usurp, usurped('delete'), usurped('append'), append('a'), wait],
      ...[usurp, usurped('append'), append('a'), wait, usurp, usurped('trim'), append('a')],
    ],
  },
  {
    title: 'registers nothing that is not durable, and stays at what is registered',
    needs: ['registeredEnd'],
    operations: [
      ...[append('a'), append('b'), wait, maintain, wait, append('a', undefined, false), wait, append('a'), wait],
      ...[crash, wait, trim('a', 100), wait, append('a'), wait, maintain, wait, reopen, wait],
    ],
  },
  {
    title: 'has everything that it refers to',
    needs: ['audit'],
    operations: [
      ...[append('a'), append('b'), append('a'), audit, maintain, pause(100), audit],
      ...[append('a'), trim('a', 50), maintain, audit],
      ...[{ do: 'delete', stream: 'b' } as const, audit, append('a'), crash, audit, reopen, maintain, audit],
    ],
  },
  {
    title: 'stays within its memory while nothing gets through, and while it takes long',
    needs: ['memory'],
    operations: [
      ...[append('b'), disturb({ kind: 'outage' }), flood, pause(200), settle, crash],
      ...[append('b'), disturb({ kind: 'slow' }), flood, { do: 'delete', stream: 'a' } as const, settle, crash],
    ],
  },
  {
    title: 'makes as many requests as its calls may cost, and none when it has nothing to do',
    needs: ['requests'],
    operations: [
      ...Array.from({ length: 10 }, () => append('a')),
      ...[wait, idle, maintain, idle, read(0), read(50), trim('a', 50), wait, idle, reopen, read(0), wait, idle],
    ],
  },
  {
    title: 'finds by time the first batch, in offset order, that is late enough',
    needs: ['offsetAt'],
    operations: [
      ...[10, 50, 30, undefined, 70, 20].map((timestamp) => append('a', timestamp)),
      ...[[], [maintain], [trim('a', 50)], [crash], [append('a', 90), trim('a', 75)], [reopen]].flatMap((change) => [
        ...change,
        ...[0, 11, 30, 31, 51, 70, 71, 91].map((timestamp) => lookUp(timestamp)),
      ]),
      ...[append('b', 60, false), append('a', 95, false), lookUp(91), wait, lookUp(91)],
      // A start in the midst of a batch.
      ...[append('c', 5), trim('c', 50), lookUp(0, 'c'), maintain, lookUp(5, 'c'), lookUp(6, 'c')],
    ],
  },
  {
    title: 'leaves of a call that is aborted, at whatever moment, nothing or all',
    needs: ['takesSignals'],
    operations: [
      ...[append('a', 60), append('a', 40), abort('append', 0), pause(50), read(0)],
      ...(['append', 'read', 'look-up', 'trim'] as const).flatMap((call) => [
        ...turns.map((turn) => abort(call, turn)),
        ...moments.map((ms) => abort(call, 0, ms)),
        ...[append('a'), wait, reopen],
      ]),
      ...moments.slice(0, 4).flatMap((ms) => [abort('read', 0, ms), reopen, abort('look-up', 0, ms), reopen]),
    ],
  },
  {
    title: 'leaves of a stream whose creation, opening or end is aborted nothing or all',
    needs: ['takesSignals'],
    operations: (['create', 'delete'] as const).flatMap((call) => [
      ...[0, 1, 2, 4, 8, 16].flatMap((turn) => [
        ...[abort('open', turn), append('a'), abort(call, turn, 0, 'b'), crash, append('b')],
        ...(call === 'create' ? [{ do: 'delete', stream: 'b' } as const] : []),
      ]),
      ...[1.5, 4.5, 9.5].flatMap((ms) => [abort('open', 0, ms), append('a'), abort(call, 0, ms, 'b'), crash]),
    ]),
  },
  {
    title: 'settles everything that is under way when it is closed, dropped or taken over',
    operations: [
      ...[append('a'), following, append('a', undefined, false), append('b', undefined, false), reopen],
      ...[append('a'), following, append('a', undefined, false), append('b', undefined, false), crash],
      ...[append('a'), following, append('a', undefined, false), append('b', undefined, false), usurp],
      ...[append('a'), following, disturb({ kind: 'outage' }), append('a', undefined, false), append('b'), settle],
    ],
  },
  {
    title: 'tells the truth about its requests, and about what it had in memory',
    needs: ['stats', 'requests'],
    operations: [
      ...[append('a'), append('a'), wait, maintain, wait, twice(0), trim('a', 50), wait, reopen, wait, twice(0)],
      ...[append('a'), wait, twice(50), crash, wait, twice(0), twice(60), wait],
    ],
  },
];
