// What the engine tells, as lines of a broker's log. Most of it is for debugging; what somebody has to look at is not.
import type { Observer } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';

/** An observer of a stream set that writes to a broker's log. */
export function engineObserver(log: BrokerLog): Observer {
  return {
    statusChanged: ({ status, cause }) =>
      log.log(status === 'closed' ? 'info' : 'error', 'The stream set has ended.', { status, cause: textOf(cause) }),
    backgroundFailed: ({ work, cause }) =>
      log.log('error', 'Work in the background failed and will be tried again.', { work, cause: textOf(cause) }),
    walSegmentRetried: ({ sequence, attempt, cause }) =>
      log.log('error', 'The store did not confirm a segment of the log.', { sequence, attempt, cause: textOf(cause) }),
    walAbandoned: (facts) => log.log('error', 'A log that cannot be found was given up.', { ...facts }),
    recovered: (facts) => log.log('info', 'An earlier incarnation of a node was recovered.', { ...facts }),
    journalContended: (facts) => log.log('debug', 'Another node was faster in the journal.', { ...facts }),
    uploaded: (facts) => log.log('debug', 'Segments of the log became objects.', { ...facts }),
    snapshotSaved: (facts) => log.log('debug', 'A snapshot of the catalog was saved.', { ...facts }),
  };
}

function textOf(cause: unknown): string | undefined {
  if (cause === undefined) return undefined;
  return cause instanceof Error ? cause.message : String(cause);
}
