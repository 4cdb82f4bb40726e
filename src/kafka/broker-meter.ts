// What a broker counts. It counts into this interface; what becomes of it (metrics for Prometheus, nothing) is not its
// business.

/** One request that was answered. */
export interface AnsweredRequest {
  /** The name of the API, such as 'Fetch'. */
  readonly api: string;
  readonly version: number;
  /** From the last byte of the request to the answer being handed to the socket. */
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly answerBytes: number;
}

/** Where a broker's counts go. No method throws, and each is cheap: they are called on the hot path. */
export interface BrokerMeter {
  /** A client has connected. */
  connectionOpened(): void;
  /** A connection is gone, whoever closed it. */
  connectionClosed(): void;
  /** A connection was closed by the broker because of what came over it; `reason` is one of a few words. */
  connectionRefused(reason: string): void;
  /** A request was answered. */
  answered(request: AnsweredRequest): void;
  /** Batches of one partition were appended. */
  produced(topic: string, bytes: number, records: number): void;
  /** Batches of one partition were handed out. */
  fetched(topic: string, bytes: number): void;
  /** A part of a request was refused; `error` is the name of an error of the protocol. */
  refused(api: string, error: string): void;
}

/** Counts nothing. */
export const silentMeter: BrokerMeter = {
  connectionOpened: () => {},
  connectionClosed: () => {},
  connectionRefused: () => {},
  answered: () => {},
  produced: () => {},
  fetched: () => {},
  refused: () => {},
};
