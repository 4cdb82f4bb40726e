// Scripts for logs: plain data, so that one can be printed, pasted into a test and run again. What an operation means
// where it cannot be done as written (an append to a stream that is not there) is for the run to say, so that every
// script is a legal one and stays one while it is shrunk.
import type { Arbitrary } from 'fast-check';
import type { LogDisturbance } from './log-driver.ts';

type FastCheck = typeof import('fast-check');

/** One step. `at` is a place in the range of the stream, in percent; below 0 and above 100 it lies outside. */
export type LogOperation =
  | { readonly do: 'create' | 'open' | 'close' | 'delete' | 'append-closed'; readonly stream: string }
  | ({ readonly do: 'append'; readonly stream: string; readonly wait: boolean } & LogBatchShape)
  | {
      readonly do: 'append-all';
      readonly stream: string;
      readonly batches: readonly LogBatchShape[];
      readonly wait: boolean;
    }
  /** Expects the offset that is next, and so many more. */
  | { readonly do: 'append-at'; readonly stream: string; readonly off: number }
  | {
      readonly do: 'read';
      readonly stream: string;
      readonly at: number;
      readonly maxBytes?: number | undefined;
      /** Reads up to so many offsets beyond the first. */
      readonly span?: number | undefined;
      readonly wait: boolean;
    }
  | { readonly do: 'trim'; readonly stream: string; readonly at: number; readonly wait: boolean }
  | { readonly do: 'follow'; readonly stream: string; readonly at: number }
  | { readonly do: 'leave'; readonly stream: string }
  /** Waits for all calls under way, and until those who follow have caught up. */
  | { readonly do: 'wait' }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'maintain' | 'settle' | 'reopen' }
  | { readonly do: 'crash'; readonly meanwhile?: LogDisturbance | undefined }
  | { readonly do: 'disturb'; readonly by: LogDisturbance };

/** A batch to append. */
export interface LogBatchShape {
  readonly count: number;
  readonly sizeBytes: number;
}

/** What is to be done, one after the other, in a world with this seed. */
export interface LogScript {
  readonly seed: number;
  readonly operations: readonly LogOperation[];
}

/** Arbitrary scripts of at most so many operations, over three streams. */
export function arbitraryLogScript(fc: FastCheck, operationsMax: number): Arbitrary<LogScript> {
  const operations = fc.array(arbitraryOperation(fc), { minLength: 1, maxLength: operationsMax, size: 'max' });
  return fc.record({ seed: fc.nat(), operations });
}

function arbitraryOperation(fc: FastCheck): Arbitrary<LogOperation> {
  const stream = fc.constantFrom('a', 'a', 'b', 'c');
  const wait = fc.boolean();
  const at = fc.oneof(
    { arbitrary: fc.constantFrom(0, 100, 50), weight: 3 },
    { arbitrary: fc.integer({ min: 0, max: 100 }), weight: 3 },
    { arbitrary: fc.constantFrom(-1, 101), weight: 1 },
  );
  const count = fc.oneof(
    { arbitrary: fc.constant(1), weight: 2 },
    { arbitrary: fc.integer({ min: 1, max: 9 }), weight: 1 },
  );
  const sizeBytes = fc.oneof(
    { arbitrary: fc.integer({ min: 16, max: 200 }), weight: 8 },
    { arbitrary: fc.constant(9_000), weight: 1 },
  );
  const shape = fc.record({ count, sizeBytes });
  const disturbance = arbitraryDisturbance(fc);
  const optional = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
  const all: readonly (readonly [number, Arbitrary<LogOperation>])[] = [
    [14, fc.record({ do: fc.constant('append' as const), stream, count, sizeBytes, wait })],
    [
      4,
      fc.record({
        do: fc.constant('append-all' as const),
        stream,
        batches: fc.array(shape, { minLength: 1, maxLength: 4 }),
        wait,
      }),
    ],
    [2, fc.record({ do: fc.constant('append-at' as const), stream, off: fc.constantFrom(0, 0, 1, -1) })],
    [
      8,
      fc.record({
        do: fc.constant('read' as const),
        ...{ stream, at, wait },
        maxBytes: optional(fc.integer({ min: 1, max: 400 })),
        span: optional(fc.integer({ min: 0, max: 8 })),
      }),
    ],
    [3, fc.record({ do: fc.constant('trim' as const), stream, at, wait })],
    [3, fc.record({ do: fc.constant('follow' as const), stream, at })],
    [1, fc.record({ do: fc.constant('leave' as const), stream })],
    [4, fc.record({ do: fc.constant('wait' as const) })],
    [2, fc.record({ do: fc.constant('pause' as const), ms: fc.integer({ min: 1, max: 50 }) })],
    [1, fc.record({ do: fc.constantFrom('create' as const, 'open' as const, 'append-closed' as const), stream })],
    [3, fc.record({ do: fc.constant('close' as const), stream })],
    [2, fc.record({ do: fc.constant('delete' as const), stream })],
    [2, fc.record({ do: fc.constant('maintain' as const) })],
    [2, fc.record({ do: fc.constant('reopen' as const) })],
    [4, fc.record({ do: fc.constant('crash' as const), meanwhile: optional(disturbance) })],
    [4, fc.record({ do: fc.constant('disturb' as const), by: disturbance })],
    [1, fc.record({ do: fc.constant('settle' as const) })],
  ];
  return fc.oneof(...all.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

function arbitraryDisturbance(fc: FastCheck): Arbitrary<LogDisturbance> {
  const crash = fc.record({
    kind: fc.constant('crash' as const),
    request: fc.integer({ min: 1, max: 12 }),
    underWay: fc.constantFrom('lands' as const, 'vanishes' as const, 'either' as const),
  });
  const others = fc.record({ kind: fc.constantFrom('slow', 'lost-answers', 'common', 'outage') });
  return fc.oneof({ arbitrary: crash, weight: 2 }, { arbitrary: others as Arbitrary<LogDisturbance>, weight: 1 });
}

/** An operation in one line, for people. */
export function describeOperation(operation: LogOperation): string {
  switch (operation.do) {
    case 'append':
      return `append ${operation.stream} ${describeShape(operation)}${later(operation)}`;
    case 'append-all':
      return `append-all ${operation.stream} ${operation.batches.map(describeShape).join(', ')}${later(operation)}`;
    case 'append-at':
      return `append-at ${operation.stream}, expecting the next offset ${signed(operation.off)}`;
    case 'read': {
      const { stream, at, maxBytes, span } = operation;
      const limits = `${maxBytes === undefined ? '' : ` max ${maxBytes} bytes`}${span === undefined ? '' : ` span ${span}`}`;
      return `read ${stream} at ${at} %${limits}${later(operation)}`;
    }
    case 'trim':
      return `trim ${operation.stream} at ${operation.at} %${later(operation)}`;
    case 'follow':
      return `follow ${operation.stream} at ${operation.at} %`;
    case 'crash':
      return operation.meanwhile === undefined
        ? 'crash'
        : `crash, and meanwhile ${describeDisturbance(operation.meanwhile)}`;
    case 'disturb':
      return `disturb by ${describeDisturbance(operation.by)}`;
    case 'pause':
      return `pause ${operation.ms} ms`;
    default:
      return 'stream' in operation ? `${operation.do} ${operation.stream}` : operation.do;
  }
}

function describeShape({ count, sizeBytes }: LogBatchShape): string {
  return `${count} ${count === 1 ? 'record' : 'records'} in ${sizeBytes} bytes`;
}

function describeDisturbance(disturbance: LogDisturbance): string {
  if (disturbance.kind !== 'crash') return disturbance.kind;
  return `a crash in request ${disturbance.request} from now (what is under way: ${disturbance.underWay})`;
}

function later({ wait }: { readonly wait: boolean }): string {
  return wait ? '' : ', without waiting';
}

function signed(off: number): string {
  return off < 0 ? `- ${-off}` : `+ ${off}`;
}
