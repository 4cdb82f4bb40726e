// What is remembered of the producers of one partition, and how that looks at rest.
//
//   0 version u8 = 1 · 1 count u32 · then per producer: id f64 · epoch i16 · lastMs f64 · batch count u8 ·
//   then per batch: baseSequence i32 · lastSequence i32 · baseOffset f64 · count u32 · timestamp f64
//
// All numbers big-endian; whole numbers above 32 bits are written as doubles, which hold them exactly. Whoever stores
// the bytes guards them by a checksum; what is checked here is that they are whole and that each number can be.
import { KafkaRefusal } from '../kafka-error.ts';

/** One batch that a producer wrote. */
export interface ProducedBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly endOffset: number;
  /** The newest timestamp of its records. */
  readonly timestamp: number;
}

/** What is known of one producer. */
export interface ProducerState {
  readonly producerId: number;
  epoch: number;
  /** When it wrote last. */
  lastMs: number;
  /** At most five, the newest last. Empty where only the epoch is known. */
  readonly batches: ProducedBatch[];
}

const version = 1;
const prefixBytes = 5;
const producerBytes = 19;
const batchBytes = 28;

/** As bytes, in the order given. */
export function encodeProducers(producers: readonly ProducerState[]): Uint8Array {
  let size = prefixBytes;
  for (const { batches } of producers) size += producerBytes + batches.length * batchBytes;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint32(1, producers.length);
  let at = prefixBytes;
  for (const producer of producers) {
    view.setFloat64(at, producer.producerId);
    view.setInt16(at + 8, producer.epoch);
    view.setFloat64(at + 10, producer.lastMs);
    view.setUint8(at + 18, producer.batches.length);
    at += producerBytes;
    for (const batch of producer.batches) {
      view.setInt32(at, batch.baseSequence);
      view.setInt32(at + 4, batch.lastSequence);
      view.setFloat64(at + 8, batch.baseOffset);
      view.setUint32(at + 16, batch.endOffset - batch.baseOffset);
      view.setFloat64(at + 20, batch.timestamp);
      at += batchBytes;
    }
  }
  return bytes;
}

/** The producers in bytes that `encodeProducers` wrote. Throws CORRUPT_MESSAGE where they are something else. */
export function decodeProducers(bytes: Uint8Array): ProducerState[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < prefixBytes || view.getUint8(0) !== version) corrupt('its version is unknown');
  const count = view.getUint32(1);
  if (count * producerBytes > bytes.length - prefixBytes) corrupt(`${count} producers do not fit into it`);
  const producers: ProducerState[] = [];
  let at = prefixBytes;
  for (let index = 0; index < count; index += 1) {
    if (at + producerBytes > bytes.length) corrupt('it ends inside a producer');
    const batchCount = view.getUint8(at + 18);
    const batchesAt = at + producerBytes;
    if (batchesAt + batchCount * batchBytes > bytes.length) corrupt('it ends inside a batch');
    const batches: ProducedBatch[] = [];
    for (let nth = 0; nth < batchCount; nth += 1) batches.push(decodeBatch(view, batchesAt + nth * batchBytes));
    producers.push({
      producerId: whole(view.getFloat64(at)),
      epoch: view.getInt16(at + 8),
      lastMs: whole(view.getFloat64(at + 10)),
      batches,
    });
    at = batchesAt + batchCount * batchBytes;
  }
  if (at !== bytes.length) corrupt('bytes follow its end');
  return producers;
}

function decodeBatch(view: DataView, at: number): ProducedBatch {
  const baseOffset = whole(view.getFloat64(at + 8));
  return {
    baseSequence: view.getInt32(at),
    lastSequence: view.getInt32(at + 4),
    baseOffset,
    endOffset: baseOffset + view.getUint32(at + 16),
    timestamp: view.getFloat64(at + 20),
  };
}

function whole(value: number): number {
  return Number.isSafeInteger(value) ? value : corrupt(`it holds the number ${value}`);
}

function corrupt(what: string): never {
  throw new KafkaRefusal('CORRUPT_MESSAGE', `A snapshot of producers cannot be read: ${what}.`);
}
