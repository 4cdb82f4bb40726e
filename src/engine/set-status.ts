// The life of a stream set: open → fenced | failed | closed. Told to the host, once; a library never ends its host.
import { qanatError } from '../model/errors.ts';
import { emit, type Observer } from '../model/events.ts';

/** How a set ended. */
export type CloseReason =
  | { readonly status: 'closed' }
  /** Another incarnation of the node, or a recovery, took over; `byEpoch` is its epoch where it is known. */
  | { readonly status: 'fenced'; readonly byEpoch: number | undefined }
  | { readonly status: 'failed'; readonly error: Error };

/** Where a set stands. */
export type SetStatusName = 'open' | 'fenced' | 'failed' | 'closed';

export class SetStatus {
  readonly closed: Promise<CloseReason>;
  #resolve: (reason: CloseReason) => void = () => {};
  #name: SetStatusName = 'open';
  #ending: Error | undefined;
  readonly #observer: Observer;

  constructor(observer: Observer) {
    this.#observer = observer;
    this.closed = new Promise((resolve) => (this.#resolve = resolve));
  }

  get name(): SetStatusName {
    return this.#name;
  }

  /** The error of every call that needs an open set; undefined while it is open. */
  get ending(): Error | undefined {
    return this.#ending;
  }

  /** The set has begun to close: no new calls, no reason yet. */
  closing(): void {
    this.#ending ??= closedError();
  }

  /** Ends the life, once. What comes later changes nothing. Whether it was this call. */
  end(reason: CloseReason, ending: Error): boolean {
    if (this.#name !== 'open') return false;
    this.#name = reason.status;
    this.#ending = ending;
    this.#resolve(reason);
    emit(this.#observer, 'statusChanged', {
      status: reason.status,
      cause: reason.status === 'failed' ? reason.error : undefined,
    });
    return true;
  }
}

/** What is told to whoever asks a set that is closed. */
export function closedError(): Error {
  return qanatError('CLOSED', 'the stream set is closed', { what: 'stream set' });
}
