// Where benches work: a directory of their own that is gone afterwards, and the WAL that was asked for.
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileWal, objectWal } from 'qanat';

const places = new Set();

/** A new directory on the disk of `--directory` (the system's temporary files unless given). It goes with the process. */
export function makePlace(directory = '') {
  const place = mkdtempSync(join(directory || tmpdir(), 'qanat-bench-'));
  if (places.size === 0) process.once('exit', () => places.forEach(removePlace));
  places.add(place);
  return place;
}

/** Gives its space back at once. */
export function removePlace(place) {
  rmSync(place, { recursive: true, force: true });
}

/** The factory of a WAL by its kind. A kind that does not exist ends the program. */
export function walOf(kind, place) {
  if (kind === 'object') return objectWal();
  if (kind === 'file') return fileWal({ directory: join(place, 'wal') });
  console.error(`--wal is file or object, not ${kind}`);
  process.exit(2);
}

/** Payloads that look like nothing a compressor or a branch predictor knows: 64 of them, so that caches matter. */
export function makePayloads(sizeBytes, count = 64) {
  return Array.from({ length: count }, () => randomFillSync(new Uint8Array(sizeBytes)));
}

/** Opens streams by name. */
export function openStreams(set, count) {
  return Promise.all(Array.from({ length: count }, (_, i) => set.openOrCreate(`bench-${i}`)));
}
