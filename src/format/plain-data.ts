// Plain data as MessagePack: null, booleans, numbers, strings, bytes, arrays and objects with string keys, and columns
// of numbers (Float64Array, Uint32Array) as two extension types. Nothing else, and always in the same bytes.
//
// Written here rather than taken from a library, because what is at rest must come back exactly as it was: a key
// '__proto__' stays a key, a text keeps its byte order mark, −0 its sign, and bytes never alias what they came from.
// The bytes are standard MessagePack; fields that are undefined are left out, as in JSON.
import { assert } from '../base/assert.ts';
import { viewOf } from '../base/bytes.ts';
import { ByteReader } from './byte-reader.ts';
import type { BytesPlace } from './damage.ts';
import { plainView } from './numbers.ts';

/** Extension types of columns. */
const float64Column = 1;
const uint32Column = 2;

/** Deeper nesting is refused by both sides: it would exhaust the stack. */
const depthMax = 32;

const bigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;

/** Encodes plain data. Anything else in it is a bug of the caller. */
export function encodePlain(value: unknown): Uint8Array {
  const writer = new PlainWriter();
  writer.value(value, 0);
  return writer.written();
}

/** Decodes all of `bytes`; `base` is where they start in what `place` names. */
export function decodePlain(bytes: Uint8Array, place: BytesPlace, base = 0): unknown {
  const reader = new ByteReader(bytes, place, base);
  const value = readValue(reader, 0);
  if (reader.remaining > 0) throw reader.damaged('bytes follow its end');
  return value;
}

class PlainWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(1024);
  #view: DataView = viewOf(this.#buffer);
  #position = 0;

  /** A copy of what was written. */
  written(): Uint8Array {
    return new Uint8Array(plainView(this.#buffer, 0, this.#position));
  }

  value(value: unknown, depth: number): void {
    if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (value === null) this.#byte(0xc0);
    else if (Array.isArray(value)) this.#array(value, depth);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (value instanceof Float64Array) this.#column(float64Column, value);
    else if (value instanceof Uint32Array) this.#column(uint32Column, value);
    else this.#object(value, depth);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      const at = this.#tagged(0xcb, 8);
      if (Number.isNaN(value)) {
        // There are many NaNs, and the language leaves open which one is written.
        this.#view.setUint32(at, 0x7ff80000);
        this.#view.setUint32(at + 4, 0);
      } else this.#view.setFloat64(at, value);
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#tag8(0xcc, value);
      else if (value < 0x10000) this.#tag16(0xcd, value);
      else if (value < 0x100000000) this.#tag32(0xce, value);
      else this.#tag64(0xcf, value);
    } else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#tag8(0xd0, value);
    else if (value >= -0x8000) this.#tag16(0xd1, value);
    else if (value >= -0x80000000) this.#tag32(0xd2, value);
    else this.#tag64(0xd3, value);
  }

  #text(text: string): void {
    const { length } = text;
    if (length < 0x20) {
      // Short ASCII first; what this wrote is written over if the text is something else.
      const at = this.#room(1 + length);
      let i = 0;
      for (; i < length; i += 1) {
        const code = text.charCodeAt(i);
        if (code >= 0x80) break;
        this.#buffer[at + 1 + i] = code;
      }
      if (i === length) {
        this.#buffer[at] = 0xa0 | length;
        this.#position = at + 1 + length;
        return;
      }
    }
    assert(!/\p{Surrogate}/u.test(text), 'text at rest is well-formed Unicode');
    const size = Buffer.byteLength(text);
    if (size < 0x20) this.#byte(0xa0 | size);
    else this.#sized(size, 0xd9, 0xda, 0xdb);
    const at = this.#room(size);
    this.#buffer.write(text, at, size, 'utf8');
    this.#position = at + size;
  }

  #bytes(bytes: Uint8Array): void {
    this.#sized(bytes.byteLength, 0xc4, 0xc5, 0xc6);
    const at = this.#room(bytes.byteLength);
    this.#buffer.set(bytes, at);
    this.#position = at + bytes.byteLength;
  }

  #column(type: number, column: Float64Array | Uint32Array): void {
    this.#sized(column.byteLength, 0xc7, 0xc8, 0xc9);
    this.#byte(type);
    const at = this.#room(column.byteLength);
    const end = at + column.byteLength;
    this.#buffer.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    swapBytes(this.#buffer.subarray(at, end), type);
    this.#position = end;
  }

  #array(values: readonly unknown[], depth: number): void {
    assert(depth < depthMax, 'plain data is nested too deep');
    if (values.length < 0x10) this.#byte(0x90 | values.length);
    else this.#sized(values.length, undefined, 0xdc, 0xdd);
    for (const value of values) this.value(value, depth + 1);
  }

  #object(value: unknown, depth: number): void {
    assert(depth < depthMax, 'plain data is nested too deep');
    assert(isPlainObject(value), () => `no plain data: ${typeof value}`);
    const keys = Object.keys(value);
    let count = 0;
    for (const key of keys) if (value[key] !== undefined) count += 1;
    if (count < 0x10) this.#byte(0x80 | count);
    else this.#sized(count, undefined, 0xde, 0xdf);
    for (const key of keys) {
      const field = value[key];
      if (field === undefined) continue;
      this.#text(key);
      this.value(field, depth + 1);
    }
  }

  /** Writes a size behind the tag of the smallest form that holds it. */
  #sized(size: number, tag8: number | undefined, tag16: number, tag32: number): void {
    if (tag8 !== undefined && size < 0x100) this.#tag8(tag8, size);
    else if (size < 0x10000) this.#tag16(tag16, size);
    else this.#tag32(tag32, size);
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.#buffer[at] = value;
    this.#position = at + 1;
  }

  // Room is made before the view is looked at: growing replaces it. Negative numbers are stored modulo their width.

  #tag8(tag: number, value: number): void {
    const at = this.#tagged(tag, 1);
    this.#view.setUint8(at, value);
  }

  #tag16(tag: number, value: number): void {
    const at = this.#tagged(tag, 2);
    this.#view.setUint16(at, value);
  }

  #tag32(tag: number, value: number): void {
    const at = this.#tagged(tag, 4);
    this.#view.setUint32(at, value);
  }

  #tag64(tag: number, value: number): void {
    const at = this.#tagged(tag, 8);
    this.#view.setUint32(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 4, value);
  }

  /** Writes a tag, takes `size` bytes after it and says where they are. */
  #tagged(tag: number, size: number): number {
    const at = this.#room(1 + size);
    this.#buffer[at] = tag;
    this.#position = at + 1 + size;
    return at + 1;
  }

  /** Makes sure that `size` more bytes fit, and gives the position. */
  #room(size: number): number {
    const needed = this.#position + size;
    if (needed > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.byteLength * 2));
      this.#buffer.copy(larger, 0, 0, this.#position);
      this.#buffer = larger;
      this.#view = viewOf(larger);
    }
    return this.#position;
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function readValue(reader: ByteReader, depth: number): unknown {
  const tag = reader.uint8();
  if (tag < 0x80) return tag;
  if (tag < 0x90) return readObject(reader, tag & 0x0f, depth);
  if (tag < 0xa0) return readArray(reader, tag & 0x0f, depth);
  if (tag < 0xc0) return reader.text(tag & 0x1f);
  if (tag >= 0xe0) return tag - 0x100;
  switch (tag) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return reader.copy(reader.uint8());
    case 0xc5:
      return reader.copy(reader.uint16());
    case 0xc6:
      return reader.copy(reader.uint32());
    case 0xc7:
      return readColumn(reader, reader.uint8());
    case 0xc8:
      return readColumn(reader, reader.uint16());
    case 0xc9:
      return readColumn(reader, reader.uint32());
    case 0xcb:
      return reader.float64();
    case 0xcc:
      return reader.uint8();
    case 0xcd:
      return reader.uint16();
    case 0xce:
      return reader.uint32();
    case 0xcf:
      return reader.uint64();
    case 0xd0:
      return (reader.uint8() << 24) >> 24;
    case 0xd1:
      return (reader.uint16() << 16) >> 16;
    case 0xd2:
      return reader.uint32() | 0;
    case 0xd3:
      return reader.int64();
    case 0xdc:
      return readArray(reader, reader.uint16(), depth);
    case 0xdd:
      return readArray(reader, reader.uint32(), depth);
    case 0xde:
      return readObject(reader, reader.uint16(), depth);
    case 0xdf:
      return readObject(reader, reader.uint32(), depth);
    default:
      return readText(reader, tag);
  }
}

function readText(reader: ByteReader, tag: number): string {
  if (tag === 0xd9) return reader.text(reader.uint8());
  if (tag === 0xda) return reader.text(reader.uint16());
  if (tag === 0xdb) return reader.text(reader.uint32());
  throw reader.damaged(`no plain data begins with byte ${tag}`);
}

function readKey(reader: ByteReader): string {
  const tag = reader.uint8();
  return (tag & 0xe0) === 0xa0 ? reader.key(tag & 0x1f) : readText(reader, tag);
}

// An element takes a byte at least: a length beyond what remains is damage, found before anything is allocated.
function readArray(reader: ByteReader, length: number, depth: number): unknown[] {
  if (length > reader.remaining || depth >= depthMax) throw reader.damaged('an array that cannot be');
  const values: unknown[] = [];
  for (let i = 0; i < length; i += 1) values.push(readValue(reader, depth + 1));
  return values;
}

function readObject(reader: ByteReader, length: number, depth: number): Record<string, unknown> {
  if (2 * length > reader.remaining || depth >= depthMax) throw reader.damaged('an object that cannot be');
  const object: Record<string, unknown> = {};
  for (let i = 0; i < length; i += 1) {
    const key = readKey(reader);
    const value = readValue(reader, depth + 1);
    // Assigning to this one name would set the prototype; it is a key like any other.
    if (key === '__proto__')
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    else object[key] = value;
  }
  return object;
}

function readColumn(reader: ByteReader, size: number): Float64Array | Uint32Array {
  const type = reader.uint8();
  const width = type === float64Column ? 8 : 4;
  if ((type !== float64Column && type !== uint32Column) || size % width !== 0)
    throw reader.damaged(`there is no column of type ${type} with ${size} bytes`);
  const bytes = reader.copy(size);
  swapBytes(bytes, type);
  return type === float64Column ? new Float64Array(bytes.buffer) : new Uint32Array(bytes.buffer);
}

/** Turns numbers of this machine's byte order into big-endian ones and back, in place. */
function swapBytes(bytes: Uint8Array, type: number): void {
  if (bigEndian) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === float64Column) buffer.swap64();
  else buffer.swap32();
}
