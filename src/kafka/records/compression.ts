// The records of a compressed batch as plain bytes. The result is bounded whatever a producer sent: a few bytes can be
// made to stand for gigabytes.
import * as zlib from 'node:zlib';
import { KafkaRefusal } from '../kafka-error.ts';
import { batchHeaderBytes } from './batch-header.ts';
import type { BatchHeader } from './batch-header.ts';
import { decodeLz4Frame } from './lz4-frame.ts';
import { TooManyPlainBytes } from './plain-output.ts';
import { decodeSnappy } from './snappy.ts';

/** The most that the records of one batch may have once they are plain. */
export const plainBytesMax: number = 16 * 1024 * 1024;

/** The part of Node's zlib that only newer versions of Node have. */
interface Zstd {
  readonly zstdDecompressSync?: (packed: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
}

/**
 * The records of a whole batch. Throws INVALID_RECORD where the bytes are not what the header says, MESSAGE_TOO_LARGE
 * where they would become too many, UNSUPPORTED_COMPRESSION_TYPE where nothing here can read them: zstd, before Node
 * had it (22.15).
 */
export function plainRecords(batch: Uint8Array, header: BatchHeader, bytesMax: number = plainBytesMax): Uint8Array {
  const packed = batch.subarray(batchHeaderBytes, header.sizeBytes);
  try {
    return decoderOf(header)(packed, bytesMax);
  } catch (cause) {
    if (cause instanceof KafkaRefusal) throw cause;
    if (cause instanceof TooManyPlainBytes || isTooLarge(cause)) {
      const message = `The records of a batch have more than ${bytesMax} bytes once they are plain.`;
      throw new KafkaRefusal('MESSAGE_TOO_LARGE', message, { cause });
    }
    throw new KafkaRefusal('INVALID_RECORD', `Records said to be ${header.compression} are not.`, { cause });
  }
}

function decoderOf(header: BatchHeader): (packed: Uint8Array, bytesMax: number) => Uint8Array {
  switch (header.compression) {
    case 'none':
      return (packed) => packed;
    case 'gzip':
      return (packed, maxOutputLength) => zlib.gunzipSync(packed, { maxOutputLength });
    case 'snappy':
      return decodeSnappy;
    case 'lz4':
      return decodeLz4Frame;
    case 'zstd': {
      const { zstdDecompressSync: decode } = zlib as Zstd;
      if (decode !== undefined) return (packed, maxOutputLength) => decode(packed, { maxOutputLength });
      break;
    }
    case 'unknown':
  }
  const message = `Records compressed with ${header.compression} cannot be looked into by this version of Node.`;
  throw new KafkaRefusal('UNSUPPORTED_COMPRESSION_TYPE', message);
}

/** What zlib throws for more output than was allowed. */
function isTooLarge(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
}
