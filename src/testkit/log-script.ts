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
      const most = maxBytes === undefined ? '' : ` max ${maxBytes} bytes`;
      const width = span === undefined ? '' : ` span ${span}`;
      return `read ${stream} at ${at} %${most}${width}${later(operation)}`;
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
