// Record batches made by the encoders of real clients, and ways to spoil them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { BatchCompression } from '../../../src/kafka/records/batch-header.ts';

const require = createRequire(import.meta.url);

/** What a test says of a record. */
export interface RecordInput {
  readonly key?: string;
  readonly value?: string;
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The time of records of which a test says none. */
export const usualTimestamp = 1_700_000_000_000;

/** What the encoder of @platformatic/kafka takes besides records. */
export interface PlatformaticOptions {
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4';
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly transactionalId?: string;
}

interface PlatformaticRecords {
  createRecordsBatch(messages: readonly object[], options: PlatformaticOptions): { readonly buffer: Uint8Array };
}

const platformaticEntry = pathToFileURL(require.resolve('@platformatic/kafka'));

async function platformaticPart<Part>(path: string): Promise<Part> {
  return (await import(new URL(path, platformaticEntry).href)) as Part;
}

const platformatic = await platformaticPart<PlatformaticRecords>('protocol/records.js');

/** CRC-32C by somebody else's code. */
export const { jsCRC32C: otherCrc32c } = await platformaticPart<{ jsCRC32C(bytes: Uint8Array): number }>(
  'protocol/crc32c.js',
);

interface OtherCodec {
  compressSync(bytes: Uint8Array): Uint8Array;
}

const { compressionsAlgorithms: otherCodecs } = await platformaticPart<{
  compressionsAlgorithms: Readonly<Record<'gzip' | 'snappy' | 'lz4', OtherCodec>>;
}>('protocol/compression.js');

/** Bytes compressed by somebody else's code. */
export function packedByOthers(bytes: Uint8Array, compression: 'gzip' | 'snappy' | 'lz4'): Uint8Array {
  return Uint8Array.from(otherCodecs[compression].compressSync(Buffer.from(bytes)));
}

/** A batch as @platformatic/kafka makes it. */
export function platformaticBatch(records: readonly RecordInput[], options: PlatformaticOptions = {}): Uint8Array {
  const messages = records.map(({ key, value, timestamp, headers }) => ({
    topic: 't',
    partition: 0,
    key: key === undefined ? undefined : Buffer.from(key),
    value: value === undefined ? undefined : Buffer.from(value),
    timestamp: BigInt(timestamp ?? usualTimestamp),
    headers: new Map(Object.entries(headers ?? {}).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
  }));
  return Uint8Array.from(platformatic.createRecordsBatch(messages, options).buffer);
}

interface KafkajsEncoder {
  readonly buffer: Uint8Array;
}

const { RecordBatch: kafkajsRecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<KafkajsEncoder>;
};
const kafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => KafkajsEncoder;

/** A batch as kafkajs makes it; its header says of timestamps whatever it is told. */
export async function kafkajsBatch(
  records: readonly RecordInput[],
  header: { compression?: 0 | 1; firstTimestamp?: number; maxTimestamp?: number; firstSequence?: number } = {},
): Promise<Uint8Array> {
  const firstTimestamp = header.firstTimestamp ?? records[0]?.timestamp ?? usualTimestamp;
  const times = records.map(({ timestamp }) => timestamp ?? usualTimestamp);
  const batch = await kafkajsRecordBatch({
    firstTimestamp,
    maxTimestamp: Math.max(...times),
    lastOffsetDelta: records.length - 1,
    records: records.map((record, offsetDelta) =>
      kafkajsRecord({ ...record, offsetDelta, timestampDelta: times[offsetDelta]! - firstTimestamp }),
    ),
    ...header,
  });
  return Uint8Array.from(batch.buffer);
}

/** Which records a stored batch holds: see fixtures/MakeBatches.java and fixtures/capture-librdkafka.mjs. */
export type StoredKind = 'mixed' | 'large' | 'random';

interface StoredBatches {
  readonly batches: readonly {
    readonly kind: StoredKind;
    readonly compression: BatchCompression;
    readonly base64: string;
  }[];
}

function stored(file: string): (kind: StoredKind, compression: BatchCompression) => Uint8Array {
  const { batches } = JSON.parse(readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8')) as StoredBatches;
  return (kind, compression) => {
    const found = batches.find((batch) => batch.kind === kind && batch.compression === compression);
    if (found === undefined) throw new Error(`${file} has no batch ${kind} with ${compression}.`);
    return Uint8Array.from(Buffer.from(found.base64, 'base64'));
  };
}

/** A batch as Apache Kafka's Java client made it. */
export const javaBatch: (kind: StoredKind, compression: BatchCompression) => Uint8Array = stored('java.json');

/** A batch as librdkafka made it; it has only the 'mixed' records. */
export const librdkafkaBatch: (kind: 'mixed', compression: BatchCompression) => Uint8Array = stored('librdkafka.json');

/** A copy of a batch that `change` was let loose on; its CRC is right again. */
export function changed(batch: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(batch);
  const view = new DataView(copy.buffer);
  change(view);
  view.setUint32(17, otherCrc32c(copy.subarray(21)));
  return copy;
}

/** A batch with other bytes for records; its length and CRC fit them. */
export function withRecords(batch: Uint8Array, records: Uint8Array): Uint8Array {
  const whole = new Uint8Array(61 + records.length);
  whole.set(batch.subarray(0, 61));
  whole.set(records, 61);
  return changed(whole, (view) => view.setInt32(8, whole.length - 12));
}
