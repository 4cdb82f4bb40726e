// Reading forward through bytes whose checksum was right. What is missing or out of range is still damage: the bytes
// may have been written by somebody else's code.
import { viewOf } from '../base/bytes.ts';
import { corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { clusterIdSizeBytes, plainView, readClusterId, readUint64 } from './numbers.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #place: BytesPlace;
  /** Where in the whole these bytes start, for errors. */
  readonly #base: number;
  #position = 0;

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
    if (size <= 24) {
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

  #take(size: number): number {
    const position = this.#position;
    if (size > this.#bytes.byteLength - position) throw this.damaged('it ends too early');
    this.#position = position + size;
    return position;
  }
}
