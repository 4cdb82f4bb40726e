// CRC-32 (IEEE), native in Node's zlib: the checksum of every part of everything at rest.
import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 of `bytes`, continued from `seed` when the bytes come in pieces. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}
