// What the engine tells those who watch: plain facts, by name. The core never logs. docs/events.md lists them.
import type { StreamId } from './ids.ts';

/** Every event, with the facts it carries. */
export interface QanatEvents {
  /** A call to the object store has been answered, or has failed. It may have made several requests, or none. */
  storeRequest: {
    readonly operation: 'put' | 'get' | 'list' | 'delete';
    readonly purpose: string;
    readonly key: string | undefined;
    readonly bytes: number;
    readonly durationMs: number;
    readonly outcome: string;
  };
  /** A WAL segment is durable. */
  walSegmentStored: {
    readonly sequence: number;
    readonly sizeBytes: number;
    readonly batchCount: number;
    readonly attempts: number;
  };
  /** A WAL PUT has to be tried again. */
  walSegmentRetried: { readonly sequence: number; readonly attempt: number; readonly cause: unknown };
  /** A record of changes was applied to the local replica. */
  journalRecordApplied: { readonly index: number; readonly changeCount: number; readonly own: boolean };
  /** Another node's record was faster at an index. */
  journalContended: { readonly index: number; readonly losses: number };
  /** A snapshot was saved and named. */
  snapshotSaved: { readonly index: number; readonly sizeBytes: number };
  /** Unreleased WAL segments became data objects. */
  uploaded: { readonly from: number; readonly to: number; readonly sizeBytes: number };
  /** A past epoch was recovered, by this set or, while it tried, by another. */
  recovered: {
    readonly node: string;
    readonly nodeEpoch: number;
    readonly segmentCount: number;
    readonly sizeBytes: number;
    readonly alreadyDone: boolean;
  };
  /** A WAL that cannot be found was given up, as asked for: what was only in it is lost. */
  walAbandoned: { readonly node: string; readonly nodeEpoch: number; readonly walKind: string; readonly walId: string };
  /** A stream was opened or closed by this set. */
  streamOpened: { readonly stream: StreamId; readonly streamEpoch: number };
  streamClosed: { readonly stream: StreamId };
  /** The set's status changed. */
  statusChanged: { readonly status: 'open' | 'fenced' | 'failed' | 'closed'; readonly cause: unknown };
  /** Work in the background failed and will be tried again. */
  backgroundFailed: { readonly work: string; readonly cause: unknown };
}

const eventNames: Readonly<Record<keyof QanatEvents, true>> = {
  storeRequest: true,
  walSegmentStored: true,
  walSegmentRetried: true,
  journalRecordApplied: true,
  journalContended: true,
  snapshotSaved: true,
  uploaded: true,
  recovered: true,
  walAbandoned: true,
  streamOpened: true,
  streamClosed: true,
  statusChanged: true,
  backgroundFailed: true,
};

/** The names of all events. */
export const qanatEventNames: readonly (keyof QanatEvents)[] = Object.keys(eventNames) as (keyof QanatEvents)[];

/** Watches the engine: any of the events, as methods. An observer must not throw; what it throws is dropped. */
export type Observer = {
  readonly [E in keyof QanatEvents]?: ((facts: QanatEvents[E]) => void) | undefined;
};

/** The observer that looks away. */
export const silentObserver: Observer = {};

/** Tells the observer, if it listens; its own failures are its own. */
export function emit<E extends keyof QanatEvents>(observer: Observer, name: E, facts: QanatEvents[E]): void {
  const listener = observer[name] as ((facts: QanatEvents[E]) => void) | undefined;
  if (listener === undefined) return;
  try {
    listener.call(observer, facts);
  } catch {
    // An observer cannot harm what it watches.
  }
}
