// Registering WAL segments in place: which changes say it (pure). A run too large for one record is committed in
// parts, each continuing where the one before ended (R1).
import type { ObjectPart } from '../model/record-batch.ts';
import { changeSizeBytes } from './change-size.ts';
import type { CommitChange, CommittedObject } from './change.ts';

/** A durable WAL segment, as far as registering it needs to know. */
export interface RegistrableSegment {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly parts: readonly ObjectPart[];
}

/** What one commit releases, and the objects it adds. */
export type CommitRun = Pick<CommitChange, 'from' | 'to' | 'objects'>;

/**
 * The commits that register `segments` from position `from` on. Segments below `from` are registered already and are
 * left out. Always at least one run, so that a close has a change to travel in.
 *
 * Example: from 4, segments 3…6 with 40 parts each, room for 100 parts: [4, 6) with two objects, [6, 7) with one.
 */
export function planRegistration(
  from: number,
  segments: readonly RegistrableSegment[],
  changeMaxBytes: number,
): readonly CommitRun[] {
  const runs: CommitRun[] = [];
  let objects: CommittedObject[] = [];
  let start = from;
  let sizeBytes = 0;
  for (const segment of segments) {
    if (segment.sequence < from) continue;
    const object = registeredObject(segment);
    const objectBytes = changeSizeBytes({
      kind: 'commit',
      epoch: 0,
      from: 0,
      to: 0,
      objects: [object],
      settledBelow: 0,
    });
    if (objects.length > 0 && sizeBytes + objectBytes > changeMaxBytes) {
      runs.push({ from: start, to: segment.sequence, objects });
      start = segment.sequence;
      objects = [];
      sizeBytes = 0;
    }
    objects.push(object);
    sizeBytes += objectBytes;
  }
  const last = objects.at(-1);
  runs.push({ from: start, to: last === undefined ? start : last.sequence + 1, objects });
  return runs;
}

function registeredObject({ sequence, sizeBytes, parts }: RegistrableSegment): CommittedObject {
  return { family: 'wal', sequence, sizeBytes, parts };
}
