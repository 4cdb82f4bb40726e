// 64-bit numbers and identities in bytes, big-endian. A 64-bit number is two 32-bit halves and always a safe integer:
// writing asserts it, reading one beyond 2^53 − 1 gives `tooLarge`, which no check of a range lets pass.
import { assert } from '../base/assert.ts';

const two32 = 2 ** 32;
const highMax = 2 ** 21 - 1;

/** What readUint64 gives for a number that is no safe integer: it compares with nothing. */
export const tooLarge: number = Number.NaN;

/** Writes a safe integer that is not negative. */
export function writeUint64(view: DataView, position: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, () => `not a number that bytes can hold: ${value}`);
  view.setUint32(position, Math.floor(value / two32));
  view.setUint32(position + 4, value >>> 0);
}

/** Reads a safe integer, or `tooLarge`. */
export function readUint64(view: DataView, position: number): number {
  const high = view.getUint32(position);
  return high > highMax ? tooLarge : high * two32 + view.getUint32(position + 4);
}

/** Writes a timestamp as a 64-bit float; none is the one NaN whose bits are stated. */
export function writeTimestamp(view: DataView, position: number, timestamp: number | undefined): void {
  if (timestamp === undefined) {
    view.setUint32(position, 0x7ff80000);
    view.setUint32(position + 4, 0);
    return;
  }
  assert(Number.isSafeInteger(timestamp), () => `a timestamp is a whole number of milliseconds: ${timestamp}`);
  view.setFloat64(position, timestamp);
}

/** Reads a timestamp; `tooLarge` where it is none. */
export function readTimestamp(view: DataView, position: number): number | undefined {
  const timestamp = view.getFloat64(position);
  if (Number.isSafeInteger(timestamp)) return timestamp;
  return view.getUint32(position) === 0x7ff80000 && view.getUint32(position + 4) === 0 ? undefined : tooLarge;
}

const clusterIdPattern = /^[0-9a-f]{32}$/;

/** Bytes of a cluster id. */
export const clusterIdSizeBytes = 16;

/** Whether `text` is the identity of a cluster: 32 hex digits in lower case. */
export function isClusterId(text: unknown): text is string {
  return typeof text === 'string' && clusterIdPattern.test(text);
}

/** The 16 bytes that 32 hex digits stand for. */
export function clusterIdBytes(clusterId: string): Uint8Array {
  assert(isClusterId(clusterId), () => `a cluster id has 32 hex digits: ${clusterId}`);
  return Buffer.from(clusterId, 'hex');
}

/** The 32 hex digits of the 16 bytes at `position`. */
export function readClusterId(bytes: Uint8Array, position: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + position, clusterIdSizeBytes).toString('hex');
}

/** `size` bytes that are not cleared first: whoever asks writes every one of them. Never from a shared pool. */
export function allocateBytes(size: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(size);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size);
}

/** The same bytes as a plain Uint8Array whatever kind of view they came as. */
export function plainView(bytes: Uint8Array, start = 0, end: number = bytes.byteLength): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
