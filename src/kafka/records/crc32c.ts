// CRC-32C (Castagnoli), which guards every record batch of Kafka from its attributes to its end. Node has no native one,
// so it is computed here, sixteen bytes at a step: each byte of a step is looked up in a table of its own, which says
// what that byte is worth at its distance from the end of the step.

/** The polynomial, bits reversed. */
const polynomial = 0x82f63b78;

/** How many bytes are taken at a step. */
const stepBytes = 16;

/** Table n, at 256 × n: what a byte is worth when n more bytes follow it in its step. */
const tables: Int32Array = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(256 * stepBytes);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at += 1) {
    const nearer = made[at - 256]!;
    made[at] = (nearer >>> 8) ^ made[nearer & 255]!;
  }
  return made;
}

/** CRC-32C of `bytes` from `start` to `end`, continued from `seed` where the bytes come in pieces. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  const t = tables;
  let crc = ~seed;
  let at = start;
  if (end - start >= 64) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const last = end - stepBytes; at <= last; at += stepBytes) {
      const a = view.getInt32(at, true) ^ crc;
      const b = view.getInt32(at + 4, true);
      const c = view.getInt32(at + 8, true);
      const d = view.getInt32(at + 12, true);
      crc =
        t[3840 + (a & 255)]! ^
        t[3584 + ((a >>> 8) & 255)]! ^
        t[3328 + ((a >>> 16) & 255)]! ^
        t[3072 + (a >>> 24)]! ^
        t[2816 + (b & 255)]! ^
        t[2560 + ((b >>> 8) & 255)]! ^
        t[2304 + ((b >>> 16) & 255)]! ^
        t[2048 + (b >>> 24)]! ^
        t[1792 + (c & 255)]! ^
        t[1536 + ((c >>> 8) & 255)]! ^
        t[1280 + ((c >>> 16) & 255)]! ^
        t[1024 + (c >>> 24)]! ^
        t[768 + (d & 255)]! ^
        t[512 + ((d >>> 8) & 255)]! ^
        t[256 + ((d >>> 16) & 255)]! ^
        t[d >>> 24]!;
    }
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
