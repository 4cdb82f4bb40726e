// Every hard limit of the system, with its reason. What two real users would want to tune is a setting instead
// (engine/settings.ts).
import { KiB, MiB } from '../base/bytes.ts';

/** Names stand in journal records and snapshots; half a KiB is more than any naming scheme needs. */
export const nameMaxBytes = 512;

/** Node names stand in object keys, next to an epoch. */
export const nodeNameMaxLength = 63;

/** A WAL segment is one PUT; 8 MiB is where per-request costs have vanished and a retry still hurts little. */
export const segmentSizeMaxBytes: number = 8 * MiB;

/** A batch is never split over segments, so it must fit one beside its frame, index entry and footer. */
export const batchSizeMaxBytes: number = segmentSizeMaxBytes - 4 * KiB;

/** Records in one batch: fits a 32-bit count in any client with room to spare. */
export const batchCountMax: number = 2 ** 31 - 1;

/** Blocks are what is read and cached at once. */
export const blockSizeTargetBytes: number = 512 * KiB;

/** First guess of how much of an object's tail holds index and footer. */
export const tailGuessBytes: number = 64 * KiB;

/** Bytes of changes in one journal record: small enough for any journal, large enough for hundreds of segments. */
export const recordSizeMaxBytes: number = 1 * MiB;

/** A value of the small key-value store lives in every replica's memory. */
export const kvValueMaxBytes: number = 64 * KiB;

/** Attributes of a stream or node, names and values together. */
export const attributesMaxBytes: number = 4 * KiB;

/** Streams in one WAL segment: each is a part in the change that registers it, and that has to fit one record. */
export const segmentStreamsMax = 4_096;

/** PUTs of WAL segments under way at once. */
export const walInFlightMax = 8;

/** Unreleased segments at which they are registered whatever their size, so that recovery stays short. */
export const unreleasedSegmentsMax = 256;

/** A snapshot is due when a record's index is a multiple of this. */
export const snapshotIntervalRecords = 512;

/** A read that names no limit returns about this much. */
export const readSizeDefaultBytes: number = 1 * MiB;

/** Version of the bytes at rest that this package writes. */
export const formatVersion = 1;
