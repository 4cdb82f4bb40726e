// What the failover drill appends: bytes that say which stream they are for, which writer wrote them and its how-many-th
// batch this is. All of it can be recomputed from these three numbers, so that the judge needs no copy. A writer is one
// process; its numbers are given once, whatever became of the append.
import { crc32 } from 'node:zlib';
import { mix } from './payload.mjs';

const headSizeBytes = 16;

/** Records in a batch. */
export function countOf(stream, writer, number) {
  return 1 + (mix(stream, writer, number, 1) % 4);
}

/** The bytes of a batch. */
export function payloadOf(stream, writer, number) {
  const kind = mix(stream, writer, number, 2) % 400;
  const length = kind === 0 ? 200_000 : kind < 8 ? 10_000 : headSizeBytes + (mix(stream, writer, number, 3) % 200);
  const bytes = Buffer.alloc(length, mix(stream, writer, number, 4) & 0xff);
  bytes.writeUInt32BE(stream, 0);
  bytes.writeUInt32BE(writer, 4);
  bytes.writeUInt32BE(number, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(headSizeBytes), crc32(bytes.subarray(0, 12))), 12);
  return bytes;
}

/** What a batch says it is, if its bytes and its count are exactly what they should be; else undefined. */
export function identify({ bytes, count }) {
  if (bytes.byteLength < headSizeBytes) return undefined;
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [stream, writer, number] = [found.readUInt32BE(0), found.readUInt32BE(4), found.readUInt32BE(8)];
  const isWhole = found.equals(payloadOf(stream, writer, number)) && count === countOf(stream, writer, number);
  return isWhole ? { stream, writer, number } : undefined;
}

/** A short mark of any bytes, for logs. */
export function markOf(bytes) {
  return crc32(bytes).toString(16).padStart(8, '0');
}

/** The name of a stream. */
export function nameOf(stream) {
  return `stream-${stream}`;
}

/** Dice of their own for every part of the drill, from a seed. */
export function diceOf(seed) {
  let random = mix(seed, 77);
  return (sides) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * sides);
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
