// Ids of idempotent producers. They are taken from the key-value store in blocks, so that no two brokers ever give the
// same, and few changes are needed; what is left of a block when the broker stops is not used.
import type { StreamSet } from '../../index.ts';
import { KafkaRefusal } from '../kafka-error.ts';
import { decodeDocument, encodeDocument, notUnderstood, putDocument } from './kv-document.ts';

const key = 'kafka/producer-ids';
const blockLength = 1_000;
const attemptsMax = 10;

/** What an idempotent producer goes by. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly epoch: number;
}

export class ProducerIds {
  readonly #streams: StreamSet;
  #next = 0;
  #end = 0;
  #taking: Promise<void> | undefined;

  constructor(streams: StreamSet) {
    this.#streams = streams;
  }

  /** An identity that nobody had before. */
  async next(): Promise<ProducerIdentity> {
    while (this.#next >= this.#end) {
      this.#taking ??= this.#take().finally(() => {
        this.#taking = undefined;
      });
      await this.#taking;
    }
    const producerId = this.#next;
    this.#next += 1;
    return { producerId, epoch: 0 };
  }

  async #take(): Promise<void> {
    const { kv } = this.#streams;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const entry = await kv.get(key, { fresh: attempt > 0 });
      const first = entry === undefined ? 0 : firstOf(entry.value);
      const bytes = encodeDocument(key, { next: first + blockLength });
      const written = await putDocument(kv, key, bytes, entry?.version ?? 0);
      if (!written.done) continue;
      this.#next = first;
      this.#end = first + blockLength;
      return;
    }
    throw new KafkaRefusal('COORDINATOR_LOAD_IN_PROGRESS', 'Others take ids for producers all the time; try again.');
  }
}

function firstOf(bytes: Uint8Array): number {
  const { next } = decodeDocument(key, bytes);
  if (!Number.isSafeInteger(next) || (next as number) < 0) throw notUnderstood(key, 'next is no id');
  return next as number;
}
