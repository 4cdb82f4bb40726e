// Scripts for logs: plain data, so that one can be printed, pasted into a test and run again. What an operation means
// where it cannot be done as written (an append to a stream that is not there) is for the run to say, so that every
// script is a legal one and stays one while it is shrunk.
import type { LogDisturbance } from './log-driver.ts';

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
  /** Appends under an id of its own; or tries the last one again, if nobody knows what became of it. */
  | ({ readonly do: 'append-once'; readonly stream: string; readonly wait: boolean } & LogBatchShape)
  /** Tries the last append under an id again, whatever became of it. */
  | { readonly do: 'retry'; readonly stream: string }
  | {
      readonly do: 'read';
      readonly stream: string;
      readonly at: number;
      readonly maxBytes?: number | undefined;
      /** Reads up to so many offsets beyond the first. */
      readonly span?: number | undefined;
      readonly wait: boolean;
    }
  /** Reads the same twice, and looks at what the log says of it. */
  | { readonly do: 'read-twice'; readonly stream: string; readonly at: number }
  | { readonly do: 'look-up'; readonly stream: string; readonly timestamp: number; readonly wait: boolean }
  | { readonly do: 'trim'; readonly stream: string; readonly at: number; readonly wait: boolean }
  | { readonly do: 'follow'; readonly stream: string; readonly at: number }
  | { readonly do: 'leave'; readonly stream: string }
  /**
   * Makes a call and aborts it: before it is made if both are 0; else `afterMs` later, and `afterTurns` turns of the
   * queue of promises.
   */
  | {
      readonly do: 'abort';
      readonly call: LogAbortableCall;
      readonly stream: string;
      readonly afterTurns: number;
      readonly afterMs: number;
    }
  /** Waits for all calls under way, and until those who follow have caught up. */
  | { readonly do: 'wait' }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'maintain' | 'settle' | 'reopen' }
  | { readonly do: 'crash'; readonly meanwhile?: LogDisturbance | undefined }
  | { readonly do: 'disturb'; readonly by: LogDisturbance }
  /** Another process takes the log over; the old one goes on. */
  | { readonly do: 'usurp' }
  /** The process that lost the log last makes a call; `create` makes a stream of a name that nobody else uses. */
  | { readonly do: 'usurped'; readonly call: 'append' | 'trim' | 'create' | 'delete'; readonly stream: string }
  /** Looks for everything that the log refers to. */
  | { readonly do: 'audit' }
  /** Appends more than the memory of the log holds, without waiting. */
  | { readonly do: 'flood'; readonly stream: string }
  /** Leaves the log alone until it has nothing to do, and then some more. */
  | { readonly do: 'idle' };

/** Calls that take a signal. */
export type LogAbortableCall = 'append' | 'read' | 'trim' | 'create' | 'open' | 'delete' | 'look-up';

/** A batch to append. */
export interface LogBatchShape {
  readonly count: number;
  readonly sizeBytes: number;
  readonly timestamp?: number | undefined;
}

/** What is to be done, one after the other, in a world with this seed. */
export interface LogScript {
  readonly seed: number;
  readonly operations: readonly LogOperation[];
}

/** An operation in one line, for people. */
export function describeOperation(operation: LogOperation): string {
  switch (operation.do) {
    case 'append':
    case 'append-once':
      return `${operation.do} ${operation.stream} ${describeShape(operation)}${later(operation)}`;
    case 'append-all':
      return `append-all ${operation.stream} ${operation.batches.map(describeShape).join(', ')}${later(operation)}`;
    case 'append-at':
      return `append-at ${operation.stream}, expecting the next offset ${signed(operation.off)}`;
    case 'read': {
      const { stream, at, maxBytes, span } = operation;
      const most = maxBytes === undefined ? '' : ` max ${maxBytes} bytes`;
      const width = span === undefined ? '' : ` span ${span}`;
      return `read ${stream} at ${at} %${most}${width}${later(operation)}`;
    }
    case 'trim':
      return `trim ${operation.stream} at ${operation.at} %${later(operation)}`;
    case 'follow':
    case 'read-twice':
      return `${operation.do} ${operation.stream} at ${operation.at} %`;
    case 'look-up':
      return `look-up ${operation.stream} by time ${operation.timestamp}${later(operation)}`;
    case 'abort':
      return `abort ${operation.call} ${operation.stream} ${describeMoment(operation)}`;
    case 'usurped':
      return `usurped ${operation.call} ${operation.stream}`;
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

function describeShape({ count, sizeBytes, timestamp }: LogBatchShape): string {
  const time = timestamp === undefined ? '' : ` of time ${timestamp}`;
  return `${count} ${count === 1 ? 'record' : 'records'} in ${sizeBytes} bytes${time}`;
}

function describeMoment({ afterTurns, afterMs }: { readonly afterTurns: number; readonly afterMs: number }): string {
  if (afterTurns === 0 && afterMs === 0) return 'before the call';
  return `after ${[...(afterMs > 0 ? [`${afterMs} ms`] : []), `${afterTurns} turns`].join(' and ')}`;
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
