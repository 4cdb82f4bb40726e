// Decodes an LZ4 frame, which is how all clients of Kafka write LZ4 into batches of magic 2. The checksums inside a
// frame are passed over: the CRC of the batch covers the same bytes.
//
//   magic u32 · flags u8 · block size u8 · [content size u64] · [dictionary u32] · header checksum u8
//   then blocks: size u32 (highest bit: stored as they are) · bytes · [checksum u32] · at the end a size of 0 ·
//   [checksum u32]                                                           all little-endian
//
// Blocks may refer to bytes of earlier blocks; all write to one output, so that needs no care.
import { PlainOutput } from './plain-output.ts';

const frameMagic = 0x184d2204;
const storedBit = 0x80000000;

/** The plain bytes. Throws where they are no frame, TooManyPlainBytes where they would be more than `bytesMax`. */
export function decodeLz4Frame(packed: Uint8Array, bytesMax: number): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const flags = view.getUint8(4);
  if (view.getUint32(0, true) !== frameMagic || flags >>> 6 !== 1) throw new RangeError('These bytes are no frame.');
  if ((flags & 1) !== 0) throw new RangeError('The frame needs a dictionary.');
  const blockChecksumBytes = (flags & 16) === 0 ? 0 : 4;
  const frameChecksumBytes = (flags & 4) === 0 ? 0 : 4;
  let at = (flags & 8) === 0 ? 7 : 15;
  const output = new PlainOutput(packed.length * 2, bytesMax);
  for (;;) {
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const end = at + (word & ~storedBit);
    if (end + blockChecksumBytes > packed.length) throw new RangeError('A block reaches over the end.');
    if (word >= storedBit) output.append(packed, at, end);
    else decodeBlock(packed, at, end, output);
    at = end + blockChecksumBytes;
  }
  if (at + frameChecksumBytes !== packed.length) throw new RangeError('The frame does not end where its bytes do.');
  return output.written();
}

/** Sequences of some literal bytes and a copy of earlier ones; the last has no copy. */
function decodeBlock(packed: Uint8Array, start: number, end: number, output: PlainOutput): void {
  let at = start;
  while (at < end) {
    const token = packed[at]!;
    at += 1;
    let literals = token >>> 4;
    if (literals === 15) {
      let byte: number;
      do {
        if (at >= end) throw new RangeError('A length reaches over the end.');
        byte = packed[at]!;
        at += 1;
        literals += byte;
      } while (byte === 255);
    }
    if (literals > end - at) throw new RangeError('A literal reaches over the end.');
    output.append(packed, at, at + literals);
    at += literals;
    if (at === end) return;
    if (at + 2 > end) throw new RangeError('A distance reaches over the end.');
    const distance = packed[at]! | (packed[at + 1]! << 8);
    at += 2;
    let length = token & 15;
    if (length === 15) {
      let byte: number;
      do {
        if (at >= end) throw new RangeError('A length reaches over the end.');
        byte = packed[at]!;
        at += 1;
        length += byte;
      } while (byte === 255);
    }
    output.repeat(distance, length + 4);
  }
}
