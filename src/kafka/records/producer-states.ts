// What one partition remembers of its idempotent producers: per producer its epoch and its last five batches, so that a
// batch sent again is answered instead of appended again, and one whose forerunner is missing is refused. Pure: time
// comes with each call.
//
// Invariants. A batch is judged by what was recorded, whether it is durable yet or not. Of a producer that nothing is
// known of (never seen, expired, or pushed out by others) any first sequence is accepted, as Kafka does: forgetting
// makes a duplicate possible and never stops a producer. Producers are kept in the order in which they wrote last.
import { KafkaRefusal } from '../kafka-error.ts';
import type { BatchHeader } from './batch-header.ts';
import { decodeProducers, encodeProducers } from './producer-snapshot.ts';
import type { ProducedBatch, ProducerState } from './producer-snapshot.ts';

/** What a partition does with a batch. */
export type ProducerVerdict =
  | { readonly kind: 'append' }
  /** It was appended before, there: the answer waits until that is durable up to `batch.endOffset`. */
  | { readonly kind: 'duplicate'; readonly batch: ProducedBatch }
  | { readonly kind: 'refused'; readonly refusal: KafkaRefusal };

/** How long and how much a partition remembers. */
export interface ProducerLimits {
  /** producer.id.expiration.ms: a producer that wrote nothing for that long is forgotten. */
  readonly expirationMs: number;
  /** How many producers; the one that wrote least recently makes room. */
  readonly producersMax: number;
}

/** Kafka remembers five batches because a producer has at most five requests under way. */
const rememberedBatches = 5;

const sequenceMax = 2 ** 31 - 1;
const append: ProducerVerdict = { kind: 'append' };

/** The producers of one partition. */
export class ProducerStates {
  readonly #limits: ProducerLimits;
  /** In the order in which they wrote last. */
  readonly #producers: Map<number, ProducerState> = new Map();

  constructor(limits: ProducerLimits) {
    this.#limits = limits;
  }

  /** What `encode` wrote. Throws CORRUPT_MESSAGE where it is something else. */
  static decode(bytes: Uint8Array, limits: ProducerLimits): ProducerStates {
    const states = new ProducerStates(limits);
    for (const producer of decodeProducers(bytes)) states.#keep(producer);
    return states;
  }

  /** How many producers are known. */
  get size(): number {
    return this.#producers.size;
  }

  /** What to do with a batch that passed all other checks. Changes nothing. */
  judge(header: BatchHeader): ProducerVerdict {
    if (header.producerId < 0) return append;
    const known = this.#producers.get(header.producerId);
    if (known === undefined) return append;
    if (header.producerEpoch < known.epoch) {
      const message = `Producer ${header.producerId} has epoch ${header.producerEpoch}; ${known.epoch} wrote already.`;
      return { kind: 'refused', refusal: new KafkaRefusal('INVALID_PRODUCER_EPOCH', message) };
    }
    const last = known.batches.at(-1);
    if (header.producerEpoch > known.epoch) {
      return header.baseSequence === 0 ? append : outOfOrder(header, last);
    }
    const lastSequence = sequenceAfter(header.baseSequence, header.lastOffsetDelta);
    for (const batch of known.batches) {
      if (batch.baseSequence === header.baseSequence && batch.lastSequence === lastSequence) {
        return { kind: 'duplicate', batch };
      }
    }
    if (last === undefined || header.baseSequence === sequenceAfter(last.lastSequence, 1)) return append;
    return outOfOrder(header, last);
  }

  /** Remembers a batch that was given its offset, also one read back from the log. */
  record(header: BatchHeader, baseOffset: number, nowMs: number): void {
    if (header.producerId < 0) return;
    const { producerId, producerEpoch: epoch, baseSequence, lastOffsetDelta } = header;
    const known = this.#producers.get(producerId);
    const producer = known ?? { producerId, epoch, lastMs: nowMs, batches: [] };
    if (producer.epoch !== epoch) producer.batches.length = 0;
    producer.epoch = epoch;
    producer.lastMs = Math.max(producer.lastMs, nowMs);
    if (producer.batches.length === rememberedBatches) producer.batches.shift();
    producer.batches.push({
      baseSequence,
      lastSequence: sequenceAfter(baseSequence, lastOffsetDelta),
      baseOffset,
      endOffset: baseOffset + lastOffsetDelta + 1,
      timestamp: header.maxTimestamp,
    });
    this.#keep(producer);
  }

  /** Forgets producers that wrote nothing for too long; says how many. */
  expire(nowMs: number): number {
    let forgotten = 0;
    for (const producer of this.#producers.values()) {
      if (nowMs - producer.lastMs < this.#limits.expirationMs) break;
      this.#producers.delete(producer.producerId);
      forgotten += 1;
    }
    return forgotten;
  }

  /** All of it, as bytes for a snapshot. */
  encode(): Uint8Array {
    return encodeProducers([...this.#producers.values()]);
  }

  /** Puts a producer last in the order, and makes room where there are too many. */
  #keep(producer: ProducerState): void {
    this.#producers.delete(producer.producerId);
    this.#producers.set(producer.producerId, producer);
    if (this.#producers.size <= this.#limits.producersMax) return;
    for (const oldest of this.#producers.keys()) {
      this.#producers.delete(oldest);
      break;
    }
  }
}

/** The sequence `count` after `sequence`: after 2^31 - 1 comes 0. */
function sequenceAfter(sequence: number, count: number): number {
  const after = sequence + count;
  return after > sequenceMax ? after - sequenceMax - 1 : after;
}

function outOfOrder(header: BatchHeader, last: ProducedBatch | undefined): ProducerVerdict {
  const message =
    `Producer ${header.producerId} of epoch ${header.producerEpoch} sent sequence ${header.baseSequence}; ` +
    `its last one here was ${last?.lastSequence ?? 'of another epoch'}.`;
  return { kind: 'refused', refusal: new KafkaRefusal('OUT_OF_ORDER_SEQUENCE_NUMBER', message) };
}
