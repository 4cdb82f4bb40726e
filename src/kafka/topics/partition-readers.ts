// Reads of one partition by several consumers. The storage engine reads ahead for a reader that goes on where it
// stopped; consumers at different places would make one reader jump, and nothing would be fetched ahead for any of
// them. So whoever reads from the store gets a reader of its own, found again by where it stopped.
import type { ReadResult, Stream, StreamReader, StreamSet } from '../../index.ts';

/** Consumers at different places of one partition for which is read ahead. */
const readersMax = 8;

interface Place {
  readonly reader: StreamReader;
  /** Where it stopped. */
  nextOffset: number;
}

interface Limits {
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

export class PartitionReaders {
  readonly #streams: StreamSet;
  readonly #stream: Stream;
  /** Those that nobody uses now, the one used last at the end. */
  readonly #idle: Place[] = [];
  #count = 0;
  #isClosed = false;

  constructor(streams: StreamSet, stream: Stream) {
    this.#streams = streams;
    this.#stream = stream;
  }

  async read(offset: number, { maxBytes, signal }: Limits): Promise<ReadResult> {
    const known = this.#idle.findIndex(({ nextOffset }) => nextOffset === offset);
    if (known < 0) {
      // Most reads are of what was just written, which is in memory: for those it does not matter who reads.
      const found = await this.#stream.read(offset, { maxBytes, signal, onlyCached: true });
      if (found.batches.length > 0 || found.stopped !== 'not-cached') return found;
    }
    const place = known < 0 ? await this.#take() : this.#idle.splice(known, 1)[0];
    if (place === undefined) return this.#stream.read(offset, { maxBytes, signal }); // All are in use.
    try {
      const found = await place.reader.read(offset, { maxBytes, signal });
      place.nextOffset = found.nextOffset;
      return found;
    } finally {
      this.#idle.push(place);
      if (this.#isClosed) await this.close();
    }
  }

  /** Frees all readers; those in use when they are given back. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#idle.splice(0).map(({ reader }) => reader.close()));
  }

  /** A reader for a new place: another one, or the one that was not used for the longest time. */
  async #take(): Promise<Place | undefined> {
    if (this.#count === readersMax) return this.#idle.shift();
    this.#count += 1;
    try {
      return { reader: await this.#streams.reader(this.#stream.id), nextOffset: -1 };
    } catch (cause) {
      this.#count -= 1;
      throw cause;
    }
  }
}
