// What the schema language says of fields: in which versions they are, what they are elsewhere, and what is left out.
import { describe, expect, test } from 'vitest';
import {
  array,
  int16,
  int32,
  nested,
  nullableArray,
  nullableString,
  string,
  struct,
  type Struct,
} from '../../../src/kafka/wire/schema.ts';
import { WireError, WireReader } from '../../../src/kafka/wire/wire-reader.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';

const flexibleFrom = 3;

function write<T>(of: Struct<T>, version: number, value: T): string {
  const writer = new WireWriter();
  of.codec(version, version >= flexibleFrom).write(writer, value);
  return Buffer.from(writer.toBytes()).toString('hex');
}

function read<T>(of: Struct<T>, version: number, bytes: string): T {
  const reader = new WireReader(Buffer.from(bytes, 'hex'));
  const value = of.codec(version, version >= flexibleFrom).read(reader);
  expect(reader.remaining).toBe(0);
  return value;
}

/** Bytes in hexadecimal, with spaces for the reader. */
const hex = (spaced: string): string => spaced.replaceAll(' ', '');

interface Leader {
  readonly id: number;
  readonly epoch: number;
}

const leader = struct<Leader>({ id: int32({ initial: -1 }), epoch: int16({ initial: -1 }) });

interface Thing {
  readonly old?: number;
  readonly name: string;
  readonly rack?: string | null;
  readonly leader?: Leader;
  readonly tags?: readonly number[];
}

const thing = struct<Thing>({
  old: int16({ until: 1, initial: 7 }),
  name: string(),
  rack: nullableString({ since: 1, nullableSince: 2 }),
  leader: nested(leader, { since: 3, tag: 2, initial: { id: -1, epoch: -1 } }),
  tags: array(int16(), { since: 4, tag: 0 }),
});

describe('a field', () => {
  test('is there in its versions only, and is its initial value elsewhere', () => {
    const value = { old: 3, name: 'a', rack: 'b' };
    expect(write(thing, 0, value)).toBe('0003000161');
    expect(write(thing, 1, value)).toBe('0003000161000162');
    expect(write(thing, 2, value)).toBe('000161000162');
    expect(read(thing, 2, '000161000162')).toMatchObject({ old: 7, name: 'a', rack: 'b', tags: [] });
    expect(read(thing, 0, '0003000161')).toMatchObject({ old: 3, rack: null });
  });

  test('that is left out is written as its initial value', () => {
    expect(write(thing, 0, { name: 'a' })).toBe('0007000161');
    expect(write(thing, 2, { name: 'a' })).toBe('000161ffff');
  });

  test('that is null where it cannot be yet is written as empty, and is not read', () => {
    expect(write(thing, 1, { name: 'a', rack: null })).toBe('00070001610000');
    expect(() => read(thing, 1, '0007000161ffff')).toThrow(WireError);
    expect(read(thing, 2, '000161ffff')).toMatchObject({ rack: null });
  });
});

describe('a tagged field', () => {
  test('is written if it is not what it is initially, in the order of the tags', () => {
    expect(write(thing, 3, { name: 'a', leader: { id: -1, epoch: -1 } })).toBe(hex('0261 00 00'));
    expect(write(thing, 3, { name: 'a', leader: { id: -1, epoch: 5 } })).toBe(hex('0261 00 01 0207 ffffffff 0005 00'));
    const both = write(thing, 4, { name: 'a', leader: { id: 1, epoch: 5 }, tags: [9] });
    expect(both).toBe(hex('0261 00 02 0003 020009 0207 00000001 0005 00'));
    expect(read(thing, 4, both)).toMatchObject({ leader: { id: 1, epoch: 5 }, tags: [9] });
  });

  test('that is not known is passed over', () => {
    expect(read(thing, 3, hex('0261 00 02 0302ffff 6300'))).toMatchObject({ name: 'a' });
  });

  test('that is longer than it says cannot reach what follows it', () => {
    expect(() => read(thing, 3, hex('0261 00 01 0203 ffffffff 0005 00'))).toThrow(WireError);
  });
});

describe('a list', () => {
  const list = struct<{ readonly of: readonly string[] | null }>({ of: nullableArray(string()) });

  test('can be empty, and null, and these are not the same', () => {
    expect(write(list, 0, { of: [] })).toBe('00000000');
    expect(write(list, 0, { of: null })).toBe('ffffffff');
    expect(write(list, 3, { of: [] })).toBe('0100');
    expect(write(list, 3, { of: null })).toBe('0000');
    for (const version of [0, 3])
      for (const of of [[], null, ['a', '']]) expect(read(list, version, write(list, version, { of }))).toEqual({ of });
  });
});

test('a string that does not fit the old encoding is not written', () => {
  const name = 'x'.repeat(32_768);
  expect(() => write(thing, 2, { name })).toThrow(WireError);
  expect(read(thing, 3, write(thing, 3, { name }))).toMatchObject({ name });
});
