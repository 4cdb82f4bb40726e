// The records of a compressed batch as plain bytes. The result is bounded whatever a producer sent: a few bytes can be
// made to stand for gigabytes.
import { gunzipSync } from 'node:zlib';
import { KafkaRefusal } from '../kafka-error.ts';
import { batchHeaderBytes } from './batch-header.ts';
import type { BatchHeader } from './batch-header.ts';

/** The most that the records of one batch may have once they are plain. */
export const plainBytesMax: number = 32 * 1024 * 1024;

/**
 * The records of a whole batch. Throws INVALID_RECORD where the bytes are not what the header says or would become too
 * many, UNSUPPORTED_COMPRESSION_TYPE where they cannot be read here.
 */
export function plainRecords(batch: Uint8Array, header: BatchHeader): Uint8Array {
  const packed = batch.subarray(batchHeaderBytes, header.sizeBytes);
  switch (header.compression) {
    case 'none':
      return packed;
    case 'gzip':
      return readable('gzip', () => gunzipSync(packed, { maxOutputLength: plainBytesMax }));
    default: {
      const message = `Records compressed with ${header.compression} cannot be looked into here.`;
      throw new KafkaRefusal('UNSUPPORTED_COMPRESSION_TYPE', message);
    }
  }
}

function readable(name: string, read: () => Uint8Array): Uint8Array {
  try {
    return read();
  } catch (cause) {
    throw new KafkaRefusal('INVALID_RECORD', `Records compressed with ${name} cannot be read.`, { cause });
  }
}
