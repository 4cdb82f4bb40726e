// How much room a change takes in a journal record: an upper estimate, so that a group fits one record.
import type { Change, CommitChange } from './change.ts';
import type { Attributes } from '../model/ids.ts';

const changeOverheadBytes = 256;
const objectOverheadBytes = 64;
/** A part has five numbers of up to nine bytes, with their names packed once per shape. */
const partSizeBytes = 128;

/** An upper estimate of a change's bytes in a record. */
export function changeSizeBytes(change: Change): number {
  return changeOverheadBytes + variableSizeBytes(change);
}

function variableSizeBytes(change: Change): number {
  switch (change.kind) {
    case 'commit':
      return commitSizeBytes(change);
    case 'create':
    case 'register':
    case 'attributes':
      return attributesSizeBytes(change.attributes) + 1_024;
    case 'kv-put':
      return change.key.length * 3 + change.value.byteLength;
    case 'kv-delete':
      return change.key.length * 3;
    default:
      return 0;
  }
}

function commitSizeBytes(change: CommitChange): number {
  const parts = change.objects.reduce(
    (sum, object) => sum + objectOverheadBytes + object.parts.length * partSizeBytes,
    0,
  );
  return parts + (change.closeStreams?.length ?? 0) * 9;
}

function attributesSizeBytes(attributes: Attributes): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + (name.length + value.length) * 3 + 16, 0);
}
