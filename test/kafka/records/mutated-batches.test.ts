// Real batches with bytes changed, cut, repeated and put in, as they would come from a broken or hostile client. Each
// is looked at again with different bytes around it in memory: what comes out may not depend on them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { checkedBatches } from '../../../src/kafka/records/checked-batches.ts';
import { plainRecords } from '../../../src/kafka/records/compression.ts';
import { firstAtOrAfter } from '../../../src/kafka/records/time-lookup.ts';
import {
  changed,
  javaBatch,
  kafkajsBatch,
  librdkafkaBatch,
  platformaticBatch,
  usualTimestamp,
} from './make-batches.ts';

const batches: readonly Uint8Array[] = [
  ...(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map((compression) => javaBatch('mixed', compression)),
  librdkafkaBatch('mixed', 'snappy'),
  javaBatch('random', 'lz4'),
  javaBatch('random', 'snappy'),
  platformaticBatch(
    [
      { key: 'k', value: 'v' },
      { value: 'w', headers: { a: 'b' } },
    ],
    { compression: 'snappy' },
  ),
  platformaticBatch([
    { key: 'k', value: 'v' },
    { key: 'l', headers: { a: 'b' } },
  ]),
  await kafkajsBatch([
    { key: 'k', value: 'v', headers: { a: 'b', c: 'd' } },
    { key: 'x', value: 'y' },
  ]),
];

/** One way to spoil bytes; places are parts of the length, so that they mean something in every batch. */
const spoiling = fc.record({
  what: fc.constantFrom('flip', 'set', 'cut', 'drop', 'repeat', 'insert'),
  /** Mostly inside the header, where each byte means something. */
  place: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 90 })),
  length: fc.nat({ max: 12 }),
  byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 127, 128, 255)),
});

type Spoiling = typeof spoiling extends fc.Arbitrary<infer Value> ? Value : never;

function spoiled(bytes: Uint8Array, { what, place, length, byte }: Spoiling): Uint8Array {
  const at = Math.min(bytes.length, place <= 1 ? Math.floor(place * bytes.length) : place);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (what) {
    case 'flip':
      return Uint8Array.from(bytes, (old, index) => (index === at ? old ^ (1 << (byte & 7)) : old));
    case 'set':
      return Uint8Array.from(bytes, (old, index) => (index >= at && index <= at + (length & 3) ? byte : old));
    case 'cut':
      return before.slice();
    case 'drop':
      return Uint8Array.from([...before, ...after.subarray(length)]);
    case 'repeat':
      return Uint8Array.from([...before, ...after.subarray(0, length), ...after]);
    default:
      return Uint8Array.from([...before, ...new Uint8Array(length).fill(byte), ...after]);
  }
}

/** What a look at the bytes comes to: its result, or the error of the protocol; nothing else may be thrown. */
function outcome(body: () => unknown): string {
  try {
    return JSON.stringify(body()) ?? 'nothing';
  } catch (cause) {
    if (!(cause instanceof KafkaRefusal)) throw cause;
    return `${cause.error}: ${cause.message}`;
  }
}

/** Everything that is done with bytes from a client, one thing after the other. */
function look(bytes: Uint8Array): string[] {
  const rules = {
    nowMs: usualTimestamp,
    maxMessageBytes: 100_000,
    timestampType: 'CreateTime',
    timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
    timestampAfterMaxMs: 3_600_000,
  } as const;
  const found: string[] = [];
  found.push(outcome(() => readBatchHeader(bytes)));
  found.push(
    outcome(() => {
      const header = readBatchHeader(bytes);
      return [
        firstAtOrAfter(bytes, header, usualTimestamp + 300),
        Buffer.from(plainRecords(bytes, header, 100_000)).toString('base64'),
      ];
    }),
  );
  found.push(outcome(() => checkedBatches(bytes, { ...rules, keysNeeded: true })[0]?.header));
  found.push(outcome(() => checkedBatches(bytes, { ...rules, keysNeeded: false })[0]?.header));
  return found;
}

/** Looks at bytes that lie between others. Those may not be written to. */
function lookAmong(bytes: Uint8Array, other: number): string[] {
  const around = new Uint8Array(bytes.length + 300).fill(other);
  around.set(bytes, 150);
  const found = look(around.subarray(150, 150 + bytes.length));
  const outside = [around.subarray(0, 150), around.subarray(150 + bytes.length)];
  for (const side of outside) if (side.some((byte) => byte !== other)) throw new Error('Bytes outside were written.');
  return found;
}

function mutations(runs: number, mend: (bytes: Uint8Array) => Uint8Array): void {
  fc.assert(
    fc.property(
      fc.nat({ max: batches.length - 1 }),
      fc.array(spoiling, { minLength: 1, maxLength: 4 }),
      (which, spoilings) => {
        const bytes = mend(spoilings.reduce(spoiled, batches[which]!));
        const found = lookAmong(bytes, 0);
        expect(lookAmong(bytes, 255)).toEqual(found);
        expect(lookAmong(bytes, 3)).toEqual(found);
      },
    ),
    { numRuns: runs },
  );
}

test('batches with changed bytes are refused or read, and nothing outside of them is looked at', () => {
  mutations(1000, (bytes) => bytes);
});

test('batches whose length and CRC are right are refused or read, whatever else is wrong', () => {
  mutations(2500, (bytes) => {
    if (bytes.length < 21) return bytes;
    return changed(bytes, (view) => view.setInt32(8, bytes.length - 12));
  });
});

test('bytes that never were a batch are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const found = lookAmong(bytes, 0);
      expect(lookAmong(bytes, 255)).toEqual(found);
      expect(found[0]).toMatch(/^CORRUPT_MESSAGE/);
    }),
    { numRuns: 1000 },
  );
});
