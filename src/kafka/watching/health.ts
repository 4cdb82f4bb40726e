// Whether a broker is well, judged from the numbers of its stream set (pure). What is said is for the person who is
// woken, so each problem is a sentence. A broker that is not well is not always helped by a restart: while its store is
// away, for one, nothing is lost and everything goes on by itself. A set that has ended is: then the process ends, too.
import type { Stats } from '../../index.ts';

/** What is judged. */
export interface Vitals {
  /** Of the stream set; undefined while it is being opened, which takes as long as there is to recover. */
  readonly stats: Pick<Stats, 'status' | 'writing'> | undefined;
  /** Whether the broker takes connections, or has not begun to. */
  readonly isListening: boolean;
  readonly isStarting: boolean;
  /** Whether it has begun to stop. */
  readonly isClosing: boolean;
}

/** The judgement, as it is answered. */
export interface Health {
  readonly healthy: boolean;
  /** Whether clients may be sent here. */
  readonly ready: boolean;
  readonly status: Stats['status'] | 'opening';
  readonly problems: readonly string[];
  /** The numbers behind it. */
  readonly oldestPendingAppendMs: number;
  readonly unuploadedBytes: number;
  readonly unuploadedAgeMs: number;
  readonly unreleasedSegments: number;
}

/** An append that waits for so long has clients that have given up, at their usual settings. */
export const pendingMaxMs = 30_000;

/** Uploads are due within a minute. Ten times that means that they do not succeed. */
export const unuploadedAgeMaxMs = 600_000;

/** Judges. */
export function healthOf({ stats, isListening, isStarting, isClosing }: Vitals): Health {
  const { status, writing } = stats ?? { status: 'opening', writing: undefined };
  const oldestPendingAppendMs = writing?.oldestPendingMs ?? 0;
  const unuploadedAgeMs = writing?.unuploadedAgeMs ?? 0;
  const unuploadedBytes = writing?.unuploadedBytes ?? 0;
  const problems: string[] = [];
  if (status !== 'open' && status !== 'opening' && !isClosing)
    problems.push(`the stream set is ${status}; the broker has to be started again`);
  if (oldestPendingAppendMs > pendingMaxMs)
    problems.push(`an append has been waiting for ${seconds(oldestPendingAppendMs)}; look at the store and the disk`);
  if (unuploadedAgeMs > unuploadedAgeMaxMs)
    problems.push(
      `${unuploadedBytes} bytes wait for their upload, ${seconds(unuploadedAgeMs)} by now; look at the store`,
    );
  if (status === 'open' && !isListening && !isStarting && !isClosing) problems.push('the broker takes no connections');
  return {
    healthy: problems.length === 0,
    ready: status === 'open' && isListening && !isClosing,
    status,
    problems,
    oldestPendingAppendMs: Math.round(oldestPendingAppendMs),
    unuploadedBytes,
    unuploadedAgeMs: Math.round(unuploadedAgeMs),
    unreleasedSegments: writing?.unreleasedSegments ?? 0,
  };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
