// What the drills append: bytes that can be recomputed from where they stand and who wrote them, so that a judge needs
// no copy. Also the arguments of the drills.
import { crc32 } from 'node:zlib';
import { objectWal } from 'qanat';

/** Records in the batch that begins at `offset`. */
export function countAt(stream, offset) {
  return 1 + (mix(stream, offset, 1) % 4);
}

/** The bytes that incarnation `incarnation` writes for the batch at `offset`. */
export function payloadAt(stream, offset, incarnation) {
  const kind = mix(stream, offset, 2) % 100;
  const length = kind === 0 ? 200_000 : kind < 10 ? 10_000 : 24 + (mix(stream, offset, 3) % 200);
  const bytes = Buffer.alloc(length, mix(stream, offset, incarnation) & 0xff);
  bytes.writeUInt32BE(stream, 0);
  bytes.writeUIntBE(offset, 4, 6);
  bytes.writeUInt32BE(incarnation, 10);
  bytes.writeUInt32BE(crc32(bytes.subarray(14), incarnation), 14);
  return bytes;
}

/** The incarnation that wrote a batch, if its bytes are exactly what that one writes there; else undefined. */
export function writerOf(stream, offset, bytes) {
  const incarnation = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(10);
  return Buffer.compare(bytes, payloadAt(stream, offset, incarnation)) === 0 ? incarnation : undefined;
}

/** A small deterministic hash. */
export function mix(...numbers) {
  let hash = 0x9e3779b9;
  for (const number of numbers) {
    hash = Math.imul(hash ^ (number & 0xffffffff) ^ Math.floor(number / 2 ** 32), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return hash >>> 0;
}

/** `--name value` pairs, as numbers where they are; anything else ends the program with a sentence. */
export function readArguments(defaults) {
  const given = { ...defaults };
  const words = process.argv.slice(2);
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i].replace(/^--/, '');
    if (!(name in defaults) || words[i + 1] === undefined) {
      console.error(`unknown or incomplete option ${words[i]}; there are: ${Object.keys(defaults).join(', ')}`);
      process.exit(2);
    }
    given[name] = typeof defaults[name] === 'number' ? numberOf(words[i], words[i + 1]) : words[i + 1];
  }
  return given;
}

function numberOf(option, word) {
  if (/^\d{1,9}$/.test(word)) return Number(word);
  console.error(`${option} is a whole number; got '${word}'`);
  process.exit(2);
}

/** The WAL that a drill is run on: 'file', which is what a set on a directory has unless it asks, or 'object'. */
export function walOf(kind) {
  if (kind === 'file') return undefined;
  if (kind === 'object') return objectWal();
  console.error(`there is no WAL '${kind}' in this drill; there are: file, object`);
  process.exit(2);
}
