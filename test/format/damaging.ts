// Ways to damage bytes, and what every decoder must answer: OBJECT_CORRUPT with the key, and nothing else.
import { expect } from 'vitest';
import { crc32 } from '../../src/base/checksum.ts';
import { viewOf } from '../../src/base/bytes.ts';
import { isQanatError } from '../../src/model/errors.ts';

export const clusterId = '00112233445566778899aabbccddeeff';
export const key = 'some/key';

/** What `run` throws; fails if it throws nothing. */
export function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return expect.fail('it was accepted');
}

/** Fails unless `run` throws OBJECT_CORRUPT with the key and a position inside or at the end of the bytes. */
export function expectDamage(run: () => unknown, context: string): void {
  const error = thrownBy(run);
  if (!isQanatError(error, 'OBJECT_CORRUPT')) expect.fail(`${context}: ${String(error)}`);
  if (error.key !== key || !(error.position === undefined || error.position >= 0))
    expect.fail(`${context}: key ${error.key}, position ${error.position}`);
}

/** Every single flipped bit, every truncation and every surplus byte must be found. */
export function expectAllDamageFound(bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  decode(bytes);
  for (let i = 0; i < bytes.byteLength; i += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[i] = (flipped[i] as number) ^ (1 << bit);
      expectDamage(() => decode(flipped), `bit ${bit} of byte ${i} flipped`);
    }
    expectDamage(() => decode(bytes.slice(0, i)), `cut to ${i} bytes`);
    expectDamage(() => decode(bytes.slice(i + 1)), `the first ${i + 1} bytes lost`);
  }
  expectDamage(() => decode(Uint8Array.from([...bytes, 0])), 'a byte more at the end');
  expectDamage(() => decode(Uint8Array.from([0, ...bytes])), 'a byte more at the start');
  expectDamage(() => decode(Uint8Array.from([...bytes, ...bytes])), 'twice');
}

/** Fails if decoding throws anything but an error of this package: no RangeError, no TypeError, no assertion. */
export function expectNoOtherError(run: () => unknown, context: string): void {
  try {
    run();
  } catch (error) {
    if (!isQanatError(error, 'OBJECT_CORRUPT') && !isQanatError(error, 'FORMAT_UNSUPPORTED'))
      expect.fail(`${context}: ${String(error)}`);
  }
}

/** The bytes of an envelope with some of them changed and its checksum made right again. */
export function resealEnvelope(bytes: Uint8Array, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  const view = viewOf(copy);
  change(copy, view);
  const end = 20 + view.getUint32(12);
  view.setUint32(16, crc32(copy.subarray(20, end), crc32(copy.subarray(0, 16))));
  return copy;
}

/** The bytes of a data object with some of them changed, and the checksums of index and footer made right again. */
export function resealObject(
  bytes: Uint8Array,
  change: (bytes: Uint8Array, view: DataView, indexPosition: number) => void,
): Uint8Array {
  const copy = bytes.slice();
  const view = viewOf(copy);
  const footer = copy.byteLength - 144;
  const indexPosition = view.getUint32(footer + 44);
  change(copy, view, indexPosition);
  view.setUint32(footer + 52, crc32(copy.subarray(indexPosition, footer)));
  view.setUint32(copy.byteLength - 4, crc32(copy.subarray(footer, copy.byteLength - 4)));
  return copy;
}
