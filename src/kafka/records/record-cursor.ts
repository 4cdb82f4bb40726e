// Walks over the records of a batch once they are plain bytes. It makes no object per record: the cursor itself says
// what the record under it is. Invariants: it never reads outside its bytes, a record never reaches over the end of its
// own length, and whatever the bytes are, it ends or throws INVALID_RECORD.
import { KafkaRefusal } from '../kafka-error.ts';

/** A length of -1: the key or value is null. */
const nullLength = -1;

/** Where the walk over some records stands. */
export class RecordCursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** Relative to the base timestamp of the batch. */
  timestampDelta = 0;
  /** Relative to the base offset of the batch. */
  offsetDelta = 0;
  /** Where the key begins, and how many bytes it has; -1: null. */
  keyAt = 0;
  keyLength: number = nullLength;
  /** Where the value begins, and how many bytes it has; -1: null. */
  valueAt = 0;
  valueLength: number = nullLength;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Whether all bytes belong to records that were walked over. */
  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Goes to the next record. Throws INVALID_RECORD where there is none, or none that makes sense. */
  next(): void {
    const length = this.#varint(this.#end);
    const end = this.#at + length;
    if (length < 0 || end > this.#end) this.#refuse(`a record of ${length} bytes has ${this.#end - this.#at}`);
    this.#at += 1; // Attributes of a record have no meaning yet.
    this.timestampDelta = this.#varlong(end);
    this.offsetDelta = this.#varint(end);
    this.keyLength = this.#length(end);
    this.keyAt = this.#at;
    if (this.keyLength > 0) this.#at += this.keyLength;
    this.valueLength = this.#length(end);
    this.valueAt = this.#at;
    if (this.valueLength > 0) this.#at += this.valueLength;
    const headers = this.#varint(end);
    if (headers < 0) this.#refuse(`a record has ${headers} headers`);
    for (let left = headers; left > 0; left -= 1) this.#passHeader(end);
    if (this.#at !== end) this.#refuse(`${end - this.#at} bytes follow the fields of a record`);
  }

  #passHeader(end: number): void {
    const name = this.#length(end);
    if (name === nullLength) this.#refuse('a header has no name');
    this.#at += name;
    const value = this.#length(end);
    if (value > 0) this.#at += value;
  }

  /** A length of bytes that follow it, or -1. */
  #length(end: number): number {
    const length = this.#varint(end);
    if (length < nullLength || length > end - this.#at) {
      this.#refuse(`a field of ${length} bytes in a record that has ${end - this.#at} left`);
    }
    return length;
  }

  /** A zigzag number of at most 32 bits. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    if (at < end) {
      const first = bytes[at]!;
      if (first < 128) {
        this.#at = at + 1;
        return (first >>> 1) ^ -(first & 1);
      }
    }
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= end) this.#refuse('a number reaches over the end');
      const byte = bytes[at]!;
      at += 1;
      raw |= (byte & 127) << shift;
      if (byte < 128) {
        this.#at = at;
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
    return this.#refuse('a number has more than five bytes');
  }

  /** A zigzag number of at most 64 bits; beyond 2^53 only near the truth. */
  #varlong(end: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let raw = 0;
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      if (at >= end) this.#refuse('a number reaches over the end');
      const byte = bytes[at]!;
      at += 1;
      raw += (byte & 127) * scale;
      if (byte < 128) {
        this.#at = at;
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
      }
    }
    return this.#refuse('a number has more than ten bytes');
  }

  #refuse(what: string): never {
    throw new KafkaRefusal('INVALID_RECORD', `The records of a batch make no sense at byte ${this.#at}: ${what}.`);
  }
}
