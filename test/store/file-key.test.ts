// Where keys lie: no two at one place, none outside the directory, and every name tells its key.
import { join, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lifeDirectory, parseName, placeOfKey, placeOfPrefix } from '../../src/store/file-key.ts';
import { toByteString } from '../../src/store/key-order.ts';
import { drawInteger, seededRandom } from '../../src/testkit/seeded-random.ts';

const root = join(sep, 'store');
const life = '0123456789abcdef01234567';

/** The key that the names on the way to a place stand for, put together again. */
function keyOf(path: string): string {
  const names = relative(root, path).split(sep);
  return names
    .map((name) => {
      const parsed = parseName(name);
      if (parsed.kind === 'foreign') throw new Error(`${name} is foreign`);
      return parsed.kind === 'segment' ? `${parsed.bytes}/` : parsed.bytes;
    })
    .join('');
}

function randomKey(random: ReturnType<typeof seededRandom>): string {
  const pieces = ['a', 'B', '/', '//', '.', '..', '~', '~1', '%', '%41', ' ', '\u{e9}', '\u{1f600}', '\0', '\n', '\\'];
  let key = '';
  const count = 1 + drawInteger(random, 12);
  for (let i = 0; i < count; i++) {
    const piece = pieces[drawInteger(random, pieces.length)]!;
    key += random.fraction() < 0.2 ? piece.repeat(drawInteger(random, 90)) : piece;
  }
  return key === '' || Buffer.byteLength(key) > 1024 ? 'k' : key;
}

describe('the place of a key', () => {
  test('lies below the directory, has names that every file system takes, and tells the key', () => {
    const random = seededRandom(11);
    const places = new Map<string, string>();
    for (let i = 0; i < 800; i++) {
      const key = randomKey(random);
      const place = placeOfKey(root, key);
      const path = relative(root, place.first);
      expect(path.startsWith('..')).toBe(false);
      for (const name of path.split(sep)) {
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(name).toMatch(/^[a-z0-9_%~-][a-z0-9._%~-]*$/);
      }
      expect(keyOf(place.first)).toBe(toByteString(key));
      expect(keyOf(lifeDirectory(place, life))).toBe(toByteString(key));
      expect(places.get(place.first) ?? key).toBe(key);
      places.set(place.first, key);
    }
    expect(places.size).toBeGreaterThan(600);
  });

  test('has names of up to 255 bytes also where every byte is escaped', () => {
    for (const key of ['~'.repeat(1024), '~'.repeat(71), '~'.repeat(72), 'A/'.repeat(512)]) {
      const place = placeOfKey(root, key);
      for (const name of lifeDirectory(place, life).split(sep)) expect(name.length).toBeLessThanOrEqual(255);
    }
  });

  test('is the plain path for the keys that the engine writes', () => {
    expect(placeOfKey(root, 'c0ffee/wal/a7/node-3/0000000000000001').first).toBe(
      join(root, 'c0ffee', 'wal', 'a7', 'node-3', '0000000000000001~1'),
    );
  });

  test('lies in or below the directory where listing any of its prefixes begins', () => {
    const random = seededRandom(12);
    for (let i = 0; i < 100; i++) {
      const key = toByteString(randomKey(random));
      const { directory } = placeOfKey(root, Buffer.from(key, 'latin1').toString());
      for (let end = 0; end <= key.length; end++) {
        const start = placeOfPrefix(root, key.slice(0, end));
        const isAbove = start.directory === directory || directory.startsWith(start.directory + sep);
        if (!isAbove || !key.startsWith(start.base)) throw new Error(`${JSON.stringify(key)} up to ${end}`);
      }
    }
  });
});

describe('a name in the directory', () => {
  test('is foreign unless encoding gives it back', () => {
    const foreign = [
      'README',
      '.tmp',
      '.hidden~1',
      'a~2',
      'a~0',
      'a~x',
      'a~',
      'a~~1',
      'a~1~1',
      'A~1',
      '%~~1',
      '%61~1',
      '%4~1',
      '%4A~1',
      '%zz',
      'a b~1',
      '',
      '~1',
      `${'k'.repeat(72)}~1`,
      'k'.repeat(72),
      `${'k'.repeat(71)}~`,
      `a~${life}0`,
      `a~${life.toUpperCase()}`,
    ];
    for (const name of foreign) expect(parseName(name), name).toEqual({ kind: 'foreign' });
    expect(parseName('a~1')).toEqual({ kind: 'value', bytes: 'a' });
    expect(parseName('%~1')).toEqual({ kind: 'value', bytes: '' });
    expect(parseName('%2e%41')).toEqual({ kind: 'segment', bytes: '.A' });
    expect(parseName(`${'k'.repeat(72)}~`)).toEqual({ kind: 'deeper', bytes: 'k'.repeat(72) });
    expect(parseName(`a~${life}`)).toEqual({ kind: 'life', bytes: 'a' });
  });
});
