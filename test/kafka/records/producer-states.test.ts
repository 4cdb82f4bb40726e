import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import type { BatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { ProducerStates } from '../../../src/kafka/records/producer-states.ts';
import { platformaticBatch, usualTimestamp } from './make-batches.ts';

const sequenceMax = 2 ** 31 - 1;
const limits = { expirationMs: 86_400_000, producersMax: 100 };
const usualHeader = readBatchHeader(platformaticBatch([{ value: 'a' }]));

/** The header of a batch with sequences from `baseSequence`, `count` of them. */
function batchOf(producerId: number, producerEpoch: number, baseSequence: number, count = 1): BatchHeader {
  return { ...usualHeader, producerId, producerEpoch, baseSequence, recordCount: count, lastOffsetDelta: count - 1 };
}

/** A partition that appends whatever is judged to be appended. */
class SimPartition {
  states: ProducerStates;
  nextOffset = 100;

  constructor(states = new ProducerStates(limits)) {
    this.states = states;
  }

  /** 'append', 'duplicate at N', or the error. */
  offer(header: BatchHeader, nowMs = 0): string {
    const verdict = this.states.judge(header);
    if (verdict.kind === 'refused') return verdict.refusal.error;
    if (verdict.kind === 'duplicate') return `duplicate at ${verdict.batch.baseOffset}`;
    this.states.record(header, this.nextOffset, nowMs);
    this.nextOffset += header.lastOffsetDelta + 1;
    return 'append';
  }
}

describe('ProducerStates', () => {
  test('take every batch of a producer that is not idempotent', () => {
    const partition = new SimPartition();
    for (const sequence of [0, 0, -1, 5, 5]) expect(partition.offer(batchOf(-1, 0, sequence))).toBe('append');
    expect(partition.states.size).toBe(0);
  });

  test('take the batches of a producer in their order, and none before its forerunner', () => {
    const partition = new SimPartition();
    expect(partition.offer(batchOf(1, 0, 0, 3))).toBe('append');
    expect(partition.offer(batchOf(1, 0, 4))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(partition.offer(batchOf(1, 0, 2))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(partition.offer(batchOf(1, 0, 3, 2))).toBe('append');
    expect(partition.offer(batchOf(1, 0, 5))).toBe('append');
    expect(partition.offer(batchOf(2, 0, 0))).toBe('append');
  });

  test('answer the last five batches when they come again, and no older one', () => {
    const partition = new SimPartition();
    for (let sequence = 0; sequence < 12; sequence += 2) partition.offer(batchOf(1, 0, sequence, 2));
    expect(partition.offer(batchOf(1, 0, 0, 2))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    for (let nth = 1; nth < 6; nth += 1) {
      expect(partition.offer(batchOf(1, 0, nth * 2, 2))).toBe(`duplicate at ${100 + nth * 2}`);
    }
    expect(partition.offer(batchOf(1, 0, 10, 1))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(partition.offer(batchOf(1, 0, 9, 3))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(partition.offer(batchOf(1, 0, 12, 2))).toBe('append');
  });

  test('say of a duplicate where it lies and until when to wait', () => {
    const partition = new SimPartition();
    partition.offer(batchOf(1, 0, 0, 7));
    const batch = { baseSequence: 0, lastSequence: 6, baseOffset: 100, endOffset: 107, timestamp: usualTimestamp };
    expect(partition.states.judge(batchOf(1, 0, 0, 7))).toEqual({ kind: 'duplicate', batch });
  });

  test('take any first sequence of a producer that is unknown', () => {
    const partition = new SimPartition();
    expect(partition.offer(batchOf(1, 0, 12_345))).toBe('append');
    expect(partition.offer(batchOf(1, 0, 12_346))).toBe('append');
    expect(partition.offer(batchOf(1, 0, 0))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  test('begin at 0 again in a new epoch, and then refuse the old one', () => {
    const partition = new SimPartition();
    partition.offer(batchOf(1, 4, 0, 3));
    expect(partition.offer(batchOf(1, 5, 3))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(partition.offer(batchOf(1, 4, 3))).toBe('append');
    expect(partition.offer(batchOf(1, 5, 0, 3))).toBe('append');
    expect(partition.offer(batchOf(1, 5, 0, 3))).toBe('duplicate at 104');
    expect(partition.offer(batchOf(1, 4, 4))).toBe('INVALID_PRODUCER_EPOCH');
    expect(partition.offer(batchOf(1, 4, 0, 3))).toBe('INVALID_PRODUCER_EPOCH');
    expect(partition.offer(batchOf(1, 5, 3))).toBe('append');
  });

  test('go on with sequence 0 after the last there is', () => {
    const ends = new SimPartition();
    expect(ends.offer(batchOf(1, 0, sequenceMax - 1, 2))).toBe('append');
    expect(ends.offer(batchOf(1, 0, 0, 2))).toBe('append');
    expect(ends.offer(batchOf(1, 0, sequenceMax - 1, 2))).toBe('duplicate at 100');
    const straddles = new SimPartition();
    expect(straddles.offer(batchOf(1, 0, sequenceMax - 1, 5))).toBe('append');
    expect(straddles.offer(batchOf(1, 0, 4))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(straddles.offer(batchOf(1, 0, 3))).toBe('append');
    expect(straddles.offer(batchOf(1, 0, sequenceMax - 1, 5))).toBe('duplicate at 100');
  });

  test('forget a producer that was silent for long, which may then go on with any sequence', () => {
    const partition = new SimPartition();
    partition.offer(batchOf(1, 7, 0), 0);
    partition.offer(batchOf(2, 0, 0), 1000);
    partition.offer(batchOf(3, 0, 0), 2000);
    partition.offer(batchOf(1, 7, 1), 3000);
    expect(partition.states.expire(1000 + limits.expirationMs - 1)).toBe(0);
    expect(partition.states.expire(2000 + limits.expirationMs)).toBe(2);
    expect(partition.states.size).toBe(1);
    expect(partition.offer(batchOf(1, 7, 0))).toBe('duplicate at 100');
    expect(partition.offer(batchOf(2, 0, 9))).toBe('append');
    expect(partition.states.expire(3000 + limits.expirationMs)).toBe(2);
    expect(partition.states.size).toBe(0);
  });

  test('make room by forgetting who wrote least recently', () => {
    const partition = new SimPartition(new ProducerStates({ ...limits, producersMax: 3 }));
    for (const id of [1, 2, 3]) partition.offer(batchOf(id, 0, 0));
    partition.offer(batchOf(1, 0, 1));
    partition.offer(batchOf(4, 0, 0));
    expect(partition.states.size).toBe(3);
    expect(partition.offer(batchOf(1, 0, 0))).toBe('duplicate at 100');
    expect(partition.offer(batchOf(2, 0, 50))).toBe('append');
    expect(partition.offer(batchOf(3, 0, 50))).toBe('append');
  });

  test('never change by judging', () => {
    const partition = new SimPartition();
    partition.offer(batchOf(1, 3, 0, 3));
    const before = partition.states.encode();
    for (const header of [batchOf(1, 3, 3), batchOf(1, 4, 0), batchOf(1, 2, 0), batchOf(9, 0, 0)]) {
      partition.states.judge(header);
    }
    expect(partition.states.encode()).toEqual(before);
  });

  const offers = fc.array(
    fc.record({
      id: fc.integer({ min: 0, max: 3 }),
      epoch: fc.integer({ min: 0, max: 2 }),
      sequence: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: sequenceMax - 6, max: sequenceMax })),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 80 },
  );

  test('judge as a naive reading of the rules does', () => {
    fc.assert(
      fc.property(offers, (batches) => {
        const partition = new SimPartition();
        const model = new NaiveProducers();
        for (const { id, epoch, sequence, count } of batches) {
          expect(partition.offer(batchOf(id, epoch, sequence, count))).toBe(model.offer(id, epoch, sequence, count));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('judge after a snapshot as they would have without it', () => {
    fc.assert(
      fc.property(offers, fc.nat({ max: 80 }), (batches, cut) => {
        const whole = new SimPartition();
        const restored = new SimPartition();
        batches.forEach(({ id, epoch, sequence, count }, nth) => {
          if (nth === cut) restored.states = ProducerStates.decode(restored.states.encode(), limits);
          const header = batchOf(id, epoch, sequence, count);
          expect(restored.offer(header, nth)).toBe(whole.offer(header, nth));
        });
        expect(restored.states.encode()).toEqual(whole.states.encode());
      }),
    );
  });

  describe('refuse a snapshot', () => {
    const partition = new SimPartition();
    for (const id of [1, 2]) for (const sequence of [0, 1]) partition.offer(batchOf(id, 0, sequence), 5);
    const snapshot = partition.states.encode();

    test('that is cut anywhere, or longer', () => {
      for (let length = 0; length < snapshot.length; length += 1) expectCorrupt(snapshot.subarray(0, length));
      expectCorrupt(Uint8Array.from([...snapshot, 0]));
    });

    test.each<[string, number, number]>([
      ['of another version', 0, 2],
      ['with more producers than bytes', 1, 255],
      ['with numbers that are not whole', 5 + 7, 1],
    ])('%s', (_, at, value) => {
      const copy = Uint8Array.from(snapshot);
      copy[at] = value;
      expectCorrupt(copy);
    });

    test('in no other way than as corrupt', () => {
      fc.assert(
        fc.property(fc.nat({ max: snapshot.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
          const copy = Uint8Array.from(snapshot);
          copy[at] = value;
          try {
            expect(ProducerStates.decode(copy, limits).size).toBeLessThanOrEqual(2);
          } catch (cause) {
            expect(cause).toMatchObject({ error: 'CORRUPT_MESSAGE' });
          }
        }),
      );
    });

    function expectCorrupt(bytes: Uint8Array): void {
      expect(() => ProducerStates.decode(bytes, limits)).toThrow(expect.objectContaining({ error: 'CORRUPT_MESSAGE' }));
    }
  });
});

/** Remembers every batch of an epoch, one sequence number at a time. */
class NaiveProducers {
  readonly #known = new Map<number, { epoch: number; batches: { sequences: number[]; offset: number }[] }>();
  #nextOffset = 100;

  offer(id: number, epoch: number, first: number, count: number): string {
    const sequences = Array.from({ length: count }, (_, nth) => (first + nth) % 2 ** 31);
    const known = this.#known.get(id);
    if (known !== undefined && epoch < known.epoch) return 'INVALID_PRODUCER_EPOCH';
    if (known !== undefined && epoch > known.epoch && first !== 0) return 'OUT_OF_ORDER_SEQUENCE_NUMBER';
    const batches = known?.epoch === epoch ? known.batches : [];
    const again = batches.slice(-5).find((batch) => batch.sequences.join() === sequences.join());
    if (again !== undefined) return `duplicate at ${again.offset}`;
    const last = batches.at(-1)?.sequences.at(-1);
    if (last !== undefined && first !== (last + 1) % 2 ** 31) return 'OUT_OF_ORDER_SEQUENCE_NUMBER';
    this.#known.set(id, { epoch, batches: [...batches, { sequences, offset: this.#nextOffset }] });
    this.#nextOffset += count;
    return 'append';
  }
}
