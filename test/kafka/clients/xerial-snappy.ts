// The framing in which Kafka's Java clients and others write Snappy: a magic number and two versions, and then blocks,
// each after its length. Clients that write one plain block are read as well.
import { compressionsAlgorithms } from '@platformatic/kafka';

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const headBytes = 16;

/** The bytes that were compressed. */
export function plainSnappy(bytes: Buffer): Buffer {
  const { decompressSync } = compressionsAlgorithms.snappy;
  if (!bytes.subarray(0, magic.length).equals(magic)) return decompressSync(bytes);
  const blocks: Buffer[] = [];
  for (let at = headBytes; at < bytes.length;) {
    const end = at + 4 + bytes.readInt32BE(at);
    blocks.push(decompressSync(bytes.subarray(at + 4, end)));
    at = end;
  }
  return Buffer.concat(blocks);
}
