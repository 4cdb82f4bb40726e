import type { ClusterFileFields, encodeClusterFile } from '../../src/format/cluster-file.ts';
import type { DataObjectHead, encodeDataObject, EncodeDataObjectOptions } from '../../src/format/data-object.ts';
import type { encodeJournalRecord, RecordEnvelope } from '../../src/format/journal-record.ts';
import type { encodeJournalRoot, JournalRoot } from '../../src/format/journal-root.ts';
import type { SnapshotChunk, SnapshotEncoder, SnapshotHead } from '../../src/format/snapshot.ts';
import type { encodeWalSeal, GroupOrigin } from '../../src/format/wal-group.ts';
import type { GroupBuffer } from '../../src/format/wal-group-buffer.ts';
import type { encodeWalPlate, WalPlate } from '../../src/format/wal-plate.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';

export type Stated =
  | {
      structure: 'data object';
      head: DataObjectHead;
      batches: readonly StreamBatch[];
      options?: EncodeDataObjectOptions;
    }
  | { structure: 'journal record'; record: RecordEnvelope }
  | { structure: 'journal root'; root: JournalRoot }
  | { structure: 'snapshot'; head: SnapshotHead; chunks: readonly SnapshotChunk[] }
  | {
      structure: 'WAL group';
      origin: GroupOrigin;
      place: { number: number; segment: number; segmentStart: number };
      batches: readonly StreamBatch[];
    }
  | { structure: 'WAL seal'; origin: GroupOrigin; number: number; segment: number }
  | { structure: 'WAL plate'; plate: WalPlate }
  | { structure: 'cluster file'; fields: ClusterFileFields };

export interface Format {
  encodeDataObject: typeof encodeDataObject;
  encodeJournalRecord: typeof encodeJournalRecord;
  encodeJournalRoot: typeof encodeJournalRoot;
  SnapshotEncoder: typeof SnapshotEncoder;
  encodeClusterFile: typeof encodeClusterFile;
  GroupBuffer: typeof GroupBuffer;
  encodeWalSeal: typeof encodeWalSeal;
  encodeWalPlate: typeof encodeWalPlate;
}

export function parseStated(text: string): Stated;
export function encodeStated(format: Format, stated: Stated): Uint8Array;
