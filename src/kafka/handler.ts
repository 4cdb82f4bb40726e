// The form of what the broker does with one API. Every file of apis/ exports one function that takes the parts it needs
// of the broker and gives a handler.
import type { Api } from './wire/api.ts';

/** What a handler knows of a request besides its message. */
export interface Call {
  readonly version: number;
  /** What the client calls itself. */
  readonly clientId: string | null;
  /** The client's address, as Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string;
  /** Aborted when the connection is gone or the broker stops: whoever waits gives up. */
  readonly signal: AbortSignal;
  /** Takes room for bytes of the answer, shared by all connections; it is given back when the answer has left. */
  readonly hold: (sizeBytes: number) => boolean;
}

/** One API, served. */
export interface Handler<Q, S> {
  readonly api: Api<Q, S>;
  /**
   * The answer; undefined if there is none (a produce that wants no acknowledgement). Refusals of parts of a request
   * are in the answer; what is thrown closes the connection.
   */
  handle(request: Q, call: Call): S | undefined | Promise<S | undefined>;
  /** The answer, in version 0, to a version that is not served. Default: the connection is closed. */
  unsupported?(): S;
}
