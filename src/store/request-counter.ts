// Counts requests and bytes by operation and purpose: what a metering store keeps, apart from how calls are measured.
//
// Requests are counted as they go over the wire, because those are paid for. A store whose calls may make other than
// one request tells of each (see RequestTally): it is counted when it is sent, also for a call that fails later, hangs
// or is given up. From its first word on such a store is known, and a call that tells of none made none: it ended
// before anything was sent. A store that has never said anything makes one request a call.
import type { RequestTally, StoreOperation, StorePurpose } from './object-store.ts';

/** What has been asked of a store with one operation, for one purpose. */
export interface RequestCounts {
  readonly operation: StoreOperation;
  readonly purpose: StorePurpose;
  /** Requests over the wire, answered or not; of a store that does not tell its requests, calls that have ended. */
  readonly requests: number;
  /** Bytes of values sent to the store, as often as they were sent. */
  readonly bytesIn: number;
  /** Bytes of values got from the store. */
  readonly bytesOut: number;
}

type Counts = { -readonly [K in keyof RequestCounts]: RequestCounts[K] };

export class RequestCounter {
  readonly #counts = new Map<string, Counts>();
  #storeTells = false;

  /** All counts so far, in the order of first use. */
  counts(): readonly RequestCounts[] {
    return [...this.#counts.values()].map((counts) => ({ ...counts }));
  }

  /** What a call hands to the store. Whoever called may count the same requests with a tally of its own. */
  tally(operation: StoreOperation, purpose: StorePurpose, outer: RequestTally | undefined): RequestTally {
    let last = operation;
    return {
      sent: (sentOperation, valueBytes) => {
        this.#storeTells = true;
        last = sentOperation;
        const counts = this.#countsOf(sentOperation, purpose);
        counts.requests += 1;
        counts.bytesIn += valueBytes;
        outer?.sent(sentOperation, valueBytes);
      },
      received: (valueBytes) => {
        this.#countsOf(last, purpose).bytesOut += valueBytes;
        outer?.received(valueBytes);
      },
    };
  }

  /** A call has ended. It counts as one request, unless the store tells of its requests itself. */
  ended(operation: StoreOperation, purpose: StorePurpose, bytesIn: number, bytesOut: number): void {
    if (this.#storeTells) return;
    const counts = this.#countsOf(operation, purpose);
    counts.requests += 1;
    counts.bytesIn += bytesIn;
    counts.bytesOut += bytesOut;
  }

  #countsOf(operation: StoreOperation, purpose: StorePurpose): Counts {
    const name = `${operation} ${purpose}`;
    const known = this.#counts.get(name);
    if (known !== undefined) return known;
    const counts: Counts = { operation, purpose, requests: 0, bytesIn: 0, bytesOut: 0 };
    this.#counts.set(name, counts);
    return counts;
  }
}
