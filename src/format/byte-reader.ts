// Reading forward through bytes whose checksum was right. What is missing or out of range is still damage: the bytes
// may have been written by somebody else's code.
import { viewOf } from '../base/bytes.ts';
import { corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { clusterIdSizeBytes, plainView, readClusterId, readUint64 } from './numbers.ts';

/** Texts up to this size are tried as ASCII first. */
const shortMaxBytes = 24;

/** How many keys are remembered; a power of two. */
const keySlots = 64;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #place: BytesPlace;
  /** Where in the whole these bytes start, for errors. */
  readonly #base: number;
  #position = 0;
  /** Keys read before, each at the place that its size, first and last byte give it. */
  readonly #keys: (string | undefined)[] = [];

  constructor(bytes: Uint8Array, place: BytesPlace, base = 0) {
    this.#bytes = plainView(bytes);
    this.#view = viewOf(bytes);
    this.#place = place;
    this.#base = base;
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#position;
  }

  /** The error for what was just read. */
  damaged(what: string): Error {
    return corrupt(this.#place, this.#base + this.#position, what);
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  uint64(): number {
    const value = readUint64(this.#view, this.#take(8));
    if (!(value >= 0)) throw this.damaged('a number beyond 2^53');
    return value;
  }

  int64(): number {
    const position = this.#take(8);
    const value = this.#view.getInt32(position) * 2 ** 32 + this.#view.getUint32(position + 4);
    if (!Number.isSafeInteger(value)) throw this.damaged('a number beyond 2^53');
    return value;
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  clusterId(): string {
    return readClusterId(this.#bytes, this.#take(clusterIdSizeBytes));
  }

  /** The next `size` bytes, as a view. */
  view(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#bytes.subarray(start, start + size);
  }

  /** A copy of the next `size` bytes. */
  copy(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#bytes.slice(start, start + size);
  }

  /** The next `size` bytes as text. Short ASCII, which nearly all is, takes the short way. */
  text(size: number): string {
    const start = this.#take(size);
    const end = start + size;
    if (size <= shortMaxBytes) {
      let text = '';
      let i = start;
      for (; i < end; i += 1) {
        const byte = this.#bytes[i] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (i === end) return text;
    }
    try {
      return decoder.decode(this.#bytes.subarray(start, end));
    } catch {
      throw this.damaged('a text is not UTF-8');
    }
  }

  /** Like `text`, for keys of objects: they repeat, and one that was seen before is not made again. */
  key(size: number): string {
    if (size > shortMaxBytes || size > this.remaining) return this.text(size);
    const start = this.#position;
    const bytes = this.#bytes;
    const slot = (size + 5 * (bytes[start] ?? 0) + 3 * (bytes[start + size - 1] ?? 0)) & (keySlots - 1);
    const seen = this.#keys[slot];
    if (seen !== undefined && seen.length === size) {
      let i = 0;
      while (i < size && seen.charCodeAt(i) === bytes[start + i]) i += 1;
      if (i === size) {
        this.#position = start + size;
        return seen;
      }
    }
    const key = this.text(size);
    if (key.length === size) this.#keys[slot] = key; // As many characters as bytes: it is ASCII.
    return key;
  }

  #take(size: number): number {
    const position = this.#position;
    if (size > this.#bytes.byteLength - position) throw this.damaged('it ends too early');
    this.#position = position + size;
    return position;
  }
}
