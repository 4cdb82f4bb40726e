// What a decoder says of bytes that it cannot vouch for, and how it reads numbers out of them. Nothing in this folder
// answers damaged bytes with anything else: no wrong value, no error of the language, no allocation that a length
// read from the bytes has asked for.
import { qanatError } from '../model/errors.ts';
import type { QanatErrorOf } from '../model/errors.ts';
import { formatVersion } from '../model/limits.ts';

/** Where the bytes come from, for those who have to mend them. */
export interface BytesPlace {
  readonly key: string;
}

/** The error for bytes that are not what was written. */
export function corrupt(place: BytesPlace, position: number | undefined, what: string): QanatErrorOf<'OBJECT_CORRUPT'> {
  const where = position === undefined ? '' : ` at byte ${position}`;
  return qanatError('OBJECT_CORRUPT', `${place.key} is damaged${where}: ${what}`, { key: place.key, position });
}

/** Accepts the version this package writes; a newer one is told apart from damage. Call it after the checksum. */
export function checkVersion(place: BytesPlace, position: number, version: number): void {
  if (version > formatVersion)
    throw qanatError(
      'FORMAT_UNSUPPORTED',
      `${place.key} has format version ${version}; this package reads versions up to ${formatVersion}`,
      { key: place.key, found: version, supported: formatVersion },
    );
  if (version < 1) throw corrupt(place, position, `there is no format version ${version}`);
}
