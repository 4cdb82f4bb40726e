// The schema language: what a message looks like is stated once, as a struct of fields with the versions that have
// them, and compiled into a reader and a writer for each version. Both directions exist for every message, so that
// tests speak as clients with the same tables.
//
//   export const topic: Struct<Topic> = struct<Topic>({
//     name: string(),
//     topicId: uuid({ since: 10 }),
//     partitions: array(partition, { until: 8 }),
//     leader: struct(...), { tag: 1, since: 12 }
//   });
//
// From a message's first flexible version on, lengths are compact and every struct ends with tagged fields; of those
// that are not known, none disturbs.
import { WireError, type WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** Reads and writes values of one type in one version. */
export interface Codec<T> {
  read(reader: WireReader): T;
  write(writer: WireWriter, value: T): void;
}

/** Which versions have a field, and what it is in the others. */
export interface FieldOptions<T> {
  /** First version that has it (default 0). */
  readonly since?: number;
  /** Last version that has it. */
  readonly until?: number;
  /** It is a tagged field with this number; it is written only if it is not what it is initially. */
  readonly tag?: number;
  /** What it is where it is not given: in a version without it, or in a value that leaves it out. */
  readonly initial?: T;
}

/** Of fields that can be null. */
export interface NullableOptions<T> extends FieldOptions<T> {
  /** The first version in which it can be null; before, null is written as empty and cannot be read. */
  readonly nullableSince?: number;
}

/** One field of a struct. */
export interface Field<T> {
  readonly since: number;
  readonly until: number;
  readonly tag: number | undefined;
  readonly initial: T;
  codec(version: number, isFlexible: boolean): Codec<T>;
}

/** The fields of a struct: exactly those of its type. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** A struct: a codec for each version, and itself the type of fields. */
export interface Struct<T> {
  codec(version: number, isFlexible: boolean): Codec<T>;
}

type Make<T> = (version: number, isFlexible: boolean) => Codec<T>;

function field<T>(make: Make<T>, initial: T, options: FieldOptions<T> = {}): Field<T> {
  const { since = 0, until = Number.POSITIVE_INFINITY, tag } = options;
  return { since, until, tag, initial: options.initial === undefined ? initial : options.initial, codec: make };
}

const int8Codec: Codec<number> = { read: (reader) => reader.int8(), write: (writer, value) => writer.int8(value) };
const int16Codec: Codec<number> = { read: (reader) => reader.int16(), write: (writer, value) => writer.int16(value) };
const int32Codec: Codec<number> = { read: (reader) => reader.int32(), write: (writer, value) => writer.int32(value) };
const int64Codec: Codec<number> = { read: (reader) => reader.int64(), write: (writer, value) => writer.int64(value) };
const boolCodec: Codec<boolean> = { read: (reader) => reader.bool(), write: (writer, value) => writer.bool(value) };
const uuidCodec: Codec<string> = { read: (reader) => reader.uuid(), write: (writer, value) => writer.uuid(value) };

/** The id that names nothing. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA';

export const int8 = (options?: FieldOptions<number>): Field<number> => field(() => int8Codec, 0, options);
export const int16 = (options?: FieldOptions<number>): Field<number> => field(() => int16Codec, 0, options);
export const int32 = (options?: FieldOptions<number>): Field<number> => field(() => int32Codec, 0, options);
export const int64 = (options?: FieldOptions<number>): Field<number> => field(() => int64Codec, 0, options);
export const bool = (options?: FieldOptions<boolean>): Field<boolean> => field(() => boolCodec, false, options);
export const uuid = (options?: FieldOptions<string>): Field<string> => field(() => uuidCodec, zeroUuid, options);

export const string = (options?: FieldOptions<string>): Field<string> =>
  field((_, isFlexible) => notNull(isFlexible ? compactString : plainString, 'string'), '', options);

export const nullableString = (options?: NullableOptions<string | null>): Field<string | null> =>
  nullable((_, isFlexible) => (isFlexible ? compactString : plainString), '', options);

export const bytes = (options?: FieldOptions<Uint8Array>): Field<Uint8Array> =>
  field((_, isFlexible) => notNull(isFlexible ? compactBytes : plainBytes, 'byte field'), new Uint8Array(0), options);

export const nullableBytes = (options?: FieldOptions<Uint8Array | null>): Field<Uint8Array | null> =>
  field((_, isFlexible) => (isFlexible ? compactBytes : plainBytes), null, options);

/** Bytes in several pieces, as an answer carries record batches. They are read as one piece. */
export const chunkedBytes = (
  options?: FieldOptions<readonly Uint8Array[] | null>,
): Field<readonly Uint8Array[] | null> =>
  field((_, isFlexible) => (isFlexible ? compactChunks : plainChunks), null, options);

/** Elements are primitive (made without options) or structs. */
export function array<T>(of: Field<T> | Struct<T>, options?: FieldOptions<readonly T[]>): Field<readonly T[]> {
  const make: Make<readonly T[]> = (version, isFlexible) =>
    notNull(arrayCodec(of.codec(version, isFlexible), isFlexible), 'array');
  return field(make, [], options);
}

export function nullableArray<T>(
  of: Field<T> | Struct<T>,
  options?: NullableOptions<readonly T[] | null>,
): Field<readonly T[] | null> {
  return nullable((version, isFlexible) => arrayCodec(of.codec(version, isFlexible), isFlexible), [], options);
}

function nullable<T>(make: Make<T | null>, empty: T, options: NullableOptions<T | null> = {}): Field<T | null> {
  const { nullableSince = 0 } = options;
  return field<T | null>(
    (version, isFlexible) => {
      const codec = make(version, isFlexible);
      if (version >= nullableSince) return codec;
      const strict = notNull(codec, 'field');
      return {
        read: (reader) => strict.read(reader),
        write: (writer, value) => codec.write(writer, value ?? empty),
      };
    },
    null,
    options,
  );
}

/** A struct as a field. */
export function nested<T>(of: Struct<T>, options: FieldOptions<T> & { readonly initial: T }): Field<T> {
  return field((version, isFlexible) => of.codec(version, isFlexible), options.initial, options);
}

/** A struct of fields, in the order of the wire. Compiled once for each version. */
export function struct<T>(fields: Fields<T>): Struct<T> {
  const compiled = new Map<number, Codec<T>>();
  return {
    codec: (version, isFlexible) => {
      const key = version * 2 + (isFlexible ? 1 : 0);
      let codec = compiled.get(key);
      if (codec === undefined) compiled.set(key, (codec = compile(fields, version, isFlexible)));
      return codec;
    },
  };
}

interface CompiledField {
  readonly name: string;
  readonly initial: unknown;
  readonly tag: number;
  /** Undefined where this version does not have the field, or has it tagged. */
  readonly codec: Codec<unknown> | undefined;
}

function compile<T>(fields: Fields<T>, version: number, isFlexible: boolean): Codec<T> {
  const inOrder: CompiledField[] = [];
  const tagged: CompiledField[] = [];
  for (const [name, one] of Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>)) {
    const { initial, tag } = one;
    const isPresent = version >= one.since && version <= one.until && (tag === undefined || isFlexible);
    const codec = isPresent ? one.codec(version, isFlexible) : undefined;
    if (isPresent && tag !== undefined) {
      tagged.push({ name, initial, tag, codec });
      inOrder.push({ name, initial, tag, codec: undefined });
    } else inOrder.push({ name, initial, tag: -1, codec });
  }
  tagged.sort((a, b) => a.tag - b.tag);
  const present = inOrder.filter(({ codec }) => codec !== undefined);
  return {
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const { name, initial, codec } of inOrder) value[name] = codec === undefined ? initial : codec.read(reader);
      if (isFlexible) readTagged(reader, tagged, value);
      return value as T;
    },
    write: (writer, value) => {
      const values = value as Record<string, unknown>;
      for (const { name, initial, codec } of present) {
        const given = values[name];
        (codec as Codec<unknown>).write(writer, given === undefined ? initial : given);
      }
      if (isFlexible) writeTagged(writer, tagged, values);
    },
  };
}

function readTagged(reader: WireReader, tagged: readonly CompiledField[], value: Record<string, unknown>): void {
  const count = reader.unsignedVarint();
  if (count === 0) return;
  reader.elements(count);
  for (let i = 0; i < count; i++) {
    const tag = reader.unsignedVarint();
    const sizeBytes = reader.unsignedVarint();
    const known = tagged.find((one) => one.tag === tag);
    if (known?.codec === undefined) reader.skip(sizeBytes);
    else {
      const { codec } = known;
      value[known.name] = reader.within(sizeBytes, () => codec.read(reader));
    }
  }
}

function writeTagged(writer: WireWriter, tagged: readonly CompiledField[], values: Record<string, unknown>): void {
  const given = tagged.filter(({ name, initial }) => !isInitial(values[name], initial));
  writer.unsignedVarint(given.length);
  for (const { name, tag, codec } of given) {
    const inner = new WireWriter(64);
    (codec as Codec<unknown>).write(inner, values[name]);
    const written = inner.toBytes();
    writer.unsignedVarint(tag);
    writer.unsignedVarint(written.byteLength);
    writer.bytes(written);
  }
}

function isInitial(value: unknown, initial: unknown): boolean {
  if (value === undefined || value === initial) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object' || value === null || typeof initial !== 'object' || initial === null) return false;
  const fields = value as Record<string, unknown>;
  return Object.entries(initial).every(([name, one]) => isInitial(fields[name], one));
}

function notNull<T>(codec: Codec<T | null>, what: string): Codec<T> {
  return {
    read: (reader) => {
      const value = codec.read(reader);
      if (value === null) throw new WireError(`a ${what} is null that cannot be`);
      return value;
    },
    write: (writer, value) => codec.write(writer, value),
  };
}

const plainString: Codec<string | null> = {
  read: (reader) => {
    const sizeBytes = reader.int16();
    return sizeBytes < 0 ? null : reader.string(sizeBytes);
  },
  write: (writer, value) => {
    if (value === null) return writer.int16(-1);
    const sizeBytes = Buffer.byteLength(value);
    if (sizeBytes > 32_767) throw new WireError('a string has at most 32,767 bytes');
    writer.int16(sizeBytes);
    writer.text(value, sizeBytes);
  },
};

const compactString: Codec<string | null> = {
  read: (reader) => {
    const length = reader.unsignedVarint();
    return length === 0 ? null : reader.string(length - 1);
  },
  write: (writer, value) => {
    if (value === null) return writer.unsignedVarint(0);
    const sizeBytes = Buffer.byteLength(value);
    writer.unsignedVarint(sizeBytes + 1);
    writer.text(value, sizeBytes);
  },
};

const plainBytes: Codec<Uint8Array | null> = {
  read: (reader) => {
    const sizeBytes = reader.int32();
    return sizeBytes < 0 ? null : reader.bytes(sizeBytes);
  },
  write: (writer, value) => {
    writer.int32(value === null ? -1 : value.byteLength);
    if (value !== null) writer.bytes(value);
  },
};

const compactBytes: Codec<Uint8Array | null> = {
  read: (reader) => {
    const length = reader.unsignedVarint();
    return length === 0 ? null : reader.bytes(length - 1);
  },
  write: (writer, value) => {
    writer.unsignedVarint(value === null ? 0 : value.byteLength + 1);
    if (value !== null) writer.bytes(value);
  },
};

const plainChunks = chunksCodec(plainBytes, (writer, sizeBytes) => writer.int32(sizeBytes));
const compactChunks = chunksCodec(compactBytes, (writer, sizeBytes) => writer.unsignedVarint(sizeBytes + 1));

function chunksCodec(
  whole: Codec<Uint8Array | null>,
  writeSize: (writer: WireWriter, sizeBytes: number) => void,
): Codec<readonly Uint8Array[] | null> {
  return {
    read: (reader) => {
      const read = whole.read(reader);
      return read === null ? null : [read];
    },
    write: (writer, value) => {
      if (value === null) return whole.write(writer, null);
      let sizeBytes = 0;
      for (const chunk of value) sizeBytes += chunk.byteLength;
      writeSize(writer, sizeBytes);
      for (const chunk of value) writer.bytes(chunk);
    },
  };
}

function arrayCodec<T>(of: Codec<T>, isFlexible: boolean): Codec<readonly T[] | null> {
  return {
    read: (reader) => {
      const count = isFlexible ? reader.unsignedVarint() - 1 : reader.int32();
      if (count < 0) return null;
      reader.elements(count);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(of.read(reader));
      return values;
    },
    write: (writer, value) => {
      const count = value === null ? -1 : value.length;
      if (isFlexible) writer.unsignedVarint(count + 1);
      else writer.int32(count);
      if (value !== null) for (const one of value) of.write(writer, one);
    },
  };
}
