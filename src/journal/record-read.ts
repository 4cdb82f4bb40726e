// Reading records of an object journal (J7). A run is believed only after a GET of the root that started after the last
// record was read, and only if the run begins above that floor; the same holds for a run of nothing.
//
// - Records above the floor are dense: whoever created n + 1 had read n, and nothing above the floor is ever deleted.
//   So a hole below a record that exists, looked at again, above a floor that was read after that, is lost data.
// - An idle poll is one GET of the next record and one of the root; the window opens only after a first hit.
import { qanatError } from '../model/errors.ts';
import { journalPrefix } from '../model/object-key.ts';
import type { JournalRun } from './journal.ts';
import { recordIndexOf, recordKey, rootKey } from './journal-key.ts';
import type { Patience } from './patience.ts';
import type { RecordPlace } from './record-append.ts';

/** Records asked for at once when many are there. */
const windowMax = 32;

/** The end of a run: where the first record is missing, and how far above it one is known to exist. */
interface Gap {
  readonly index: number;
  readonly seenAbove: number | undefined;
}

/** Reads up to `limit` records from `from` on. With `searchBeyond` a LIST looks for records behind the end once. */
export async function readRun(
  place: RecordPlace,
  from: number,
  limit: number,
  searchBeyond: boolean,
  patience: Patience,
): Promise<JournalRun> {
  if (from <= place.root.floorSeen) return 'collected';
  const records: Uint8Array[] = [];
  let gap = await readForward(place, from, limit, records, patience);
  if (gap !== undefined && gap.seenAbove === undefined && searchBeyond) {
    const seenAbove = await firstRecordAbove(place, gap.index, patience);
    if (seenAbove !== undefined) {
      // What is listed may have been appended since: then the run goes on, and has no hole.
      gap = await readForward(place, from, limit, records, patience);
      if (gap !== undefined && gap.index <= seenAbove) gap = { index: gap.index, seenAbove };
    }
  }
  const { floor } = await place.root.read(patience);
  if (from <= floor) return 'collected';
  if (gap?.seenAbove !== undefined && gap.index > floor) throw hole(place, gap.index, gap.seenAbove);
  return { records };
}

/** Adds records to `records` until the limit (undefined) or a missing one, which was looked for again if need be. */
async function readForward(
  place: RecordPlace,
  from: number,
  limit: number,
  records: Uint8Array[],
  patience: Patience,
): Promise<Gap | undefined> {
  for (let width = 1; records.length < limit; width = Math.min(width * 2, windowMax)) {
    const first = from + records.length;
    const count = Math.min(width, limit - records.length);
    const read = await Promise.all(Array.from({ length: count }, (_, i) => readRecord(place, first + i, patience)));
    const lastHit = read.findLastIndex((bytes) => bytes !== undefined);
    for (let i = 0; i <= lastHit; i += 1) {
      // One that is missing below one that exists may have come while the others were read.
      const bytes = read[i] ?? (await readRecord(place, first + i, patience));
      if (bytes === undefined) return { index: first + i, seenAbove: first + lastHit };
      records.push(bytes);
    }
    if (lastHit < count - 1) return { index: first + lastHit + 1, seenAbove: undefined };
  }
  return undefined;
}

async function readRecord(
  { store, clusterId }: RecordPlace,
  index: number,
  patience: Patience,
): Promise<Uint8Array | undefined> {
  const key = recordKey(clusterId, index);
  const value = await patience.insist((signal) => store.get(key, { purpose: 'journal', signal }));
  return value === 'missing' || value === 'not-modified' ? undefined : value.bytes;
}

async function firstRecordAbove(
  { store, clusterId }: RecordPlace,
  index: number,
  patience: Patience,
): Promise<number | undefined> {
  const prefix = journalPrefix(clusterId);
  for (let after = recordKey(clusterId, index); ;) {
    const { keys } = await patience.insist((signal) =>
      store.list({ prefix, after, limit: 1, purpose: 'journal', signal }),
    );
    const key = keys[0]?.key;
    const found = key === undefined ? undefined : recordIndexOf(key);
    // Records sort before everything else of ours; something foreign may stand between them.
    if (key === undefined || found !== undefined || key >= rootKey(clusterId)) return found;
    after = key;
  }
}

function hole(place: RecordPlace, index: number, seenAbove: number): Error {
  const key = recordKey(place.clusterId, index);
  return qanatError(
    'OBJECT_CORRUPT',
    `the journal's record ${index} is missing, but record ${seenAbove} exists: ${key}`,
    {
      key,
      position: undefined,
    },
  );
}
