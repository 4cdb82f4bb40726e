// Decodes Snappy, both as the format itself (librdkafka) and in the framing of Java's snappy library (Java's clients,
// kafkajs): a header of sixteen bytes, then blocks of the format, each after its length.
//
// A block is the length of its plain bytes (a varint), then elements: a literal (bytes that follow), or a copy of bytes
// that were already written. The two lowest bits of an element's first byte say which.
import { PlainOutput } from './plain-output.ts';

const framingMagic: readonly number[] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const framingHeaderBytes = 16;

/** No element makes more of its bytes: 64 of 3. What claims more is refused before memory is taken for it. */
const ratioMax = 22;

/** The plain bytes. Throws where they are no Snappy, TooManyPlainBytes where they would be more than `bytesMax`. */
export function decodeSnappy(packed: Uint8Array, bytesMax: number): Uint8Array {
  if (!framingMagic.every((byte, at) => packed[at] === byte)) {
    const output = new PlainOutput(0, bytesMax);
    decodeBlock(packed, 0, packed.length, output);
    return output.written();
  }
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const output = new PlainOutput(packed.length * 2, bytesMax);
  let at = framingHeaderBytes;
  while (at < packed.length) {
    const end = at + 4 + view.getInt32(at);
    if (end > packed.length) throw new RangeError('A block reaches over the end.');
    decodeBlock(packed, at + 4, end, output);
    at = end;
  }
  return output.written();
}

function decodeBlock(packed: Uint8Array, start: number, end: number, output: PlainOutput): void {
  let at = start;
  let plainBytes = 0;
  for (let scale = 1, more = true; more; scale *= 128) {
    if (at >= end || scale > 2 ** 28) throw new RangeError('A block has no length.');
    plainBytes += (packed[at]! & 127) * scale;
    more = packed[at]! > 127;
    at += 1;
  }
  const until = output.length + plainBytes;
  if (plainBytes > (end - start) * ratioMax) throw new RangeError('A block claims more than it can hold.');
  output.reserve(plainBytes);
  while (at < end) {
    const tag = packed[at]!;
    const kind = tag & 3;
    // Bytes after the tag that say a length or a distance.
    const extra = kind === 0 ? Math.max(0, (tag >>> 2) - 59) : kind === 3 ? 4 : kind;
    if (at + 1 + extra > end) throw new RangeError('An element reaches over the end.');
    let number = 0;
    for (let nth = extra; nth > 0; nth -= 1) number = number * 256 + packed[at + nth]!;
    at += 1 + extra;
    if (kind === 0) {
      const length = (extra === 0 ? tag >>> 2 : number) + 1;
      if (length > end - at) throw new RangeError('A literal reaches over the end.');
      output.append(packed, at, at + length);
      at += length;
    } else {
      const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
      output.repeat(kind === 1 ? ((tag >>> 5) << 8) | number : number, length);
    }
  }
  if (output.length !== until) throw new RangeError('A block does not hold what it says.');
}
