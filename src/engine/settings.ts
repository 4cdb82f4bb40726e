// Settings: numbers that a user may tune, each with its default and what it costs. Checked once, then frozen.
//
// What cannot be had is refused, never bent: a number out of its bounds, and numbers that contradict each other.
import { KiB, MiB } from '../base/bytes.ts';
import { invalidArgument } from '../model/errors.ts';
import { memoryShares } from './memory-shares.ts';

/** Every setting, resolved. */
export interface Settings {
  /**
   * How often a set looks for new journal records while it has readers of streams it does not own, or watchers
   * (default 5,000 ms). Costs two GET requests each time, one more for each node whose object WAL is followed, and one
   * for each segment found there; nothing while nobody waits. At the prices of S3 Standard the two are $0.42 a month,
   * $4.21 at 500 ms.
   */
  readonly catalogRefreshMs: number;
  /**
   * Bytes that must wait for each WAL PUT already under way before another segment is cut (default 256 KiB). Smaller
   * means less latency under load and more PUT requests. With 20 MB/s and PUTs of 100 ms, at the prices of S3 Standard:
   * 64 KiB cost $726 a month and an append takes 109 ms; 256 KiB $363, 118 ms; 1 MiB $182, 136 ms; 8 MiB $132, 150 ms.
   */
  readonly segmentSizeMinBytes: number;
  /**
   * Bytes that wait for an upload at which it starts (default 32 MiB, or an eighth of `memoryMaxBytes` if that is less;
   * more than an eighth is refused: it is half of what may wait, and appends go on while an upload is under way).
   * Larger means fewer and larger objects, fewer journal records, more memory and a longer recovery. With 20 MB/s for
   * 100 streams, at the prices of S3 Standard: 8 MiB cost $66 a month, 32 MiB $24, 128 MiB (with 1 GiB of memory) $8.
   */
  readonly uploadSizeBytes: number;
  /**
   * How long an appended batch may wait for its upload (default 60,000 ms). Shorter means less to recover,
   * and that readers on other nodes see earlier what is in a file or memory WAL, for a PUT or two and a journal record
   * each time; an idle set uploads once and then makes no request. A stream that trickles costs $0.46 a month for that
   * at the prices of S3 Standard, $27.52 at 1,000 ms, besides its log.
   */
  readonly uploadAgeMaxMs: number;
  /**
   * Memory for everything that grows with load (default 256 MiB), in named shares: batches that are not uploaded (when
   * a quarter is full the acknowledgement of appends waits for an upload, at seven sixteenths they are refused with
   * OVERLOADED), buffers of the WAL and of uploads, the tail, blocks read from objects, reads under way.
   */
  readonly memoryMaxBytes: number;
  /**
   * How long the store may fail before an operation gives up (default 120,000 ms). A WAL segment that cannot be written
   * for so long ends the set. A read that waited for a request of another one which gives up tries once more itself.
   */
  readonly storeDeadlineMs: number;
}

/** Settings as a caller gives them: any of them may be left out. */
export type SettingsInput = { readonly [S in keyof Settings]?: Settings[S] | undefined };

interface Bounds {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

const bounds: Readonly<Record<keyof Settings, Bounds>> = {
  catalogRefreshMs: { initial: 5_000, min: 1, max: 3_600_000 },
  segmentSizeMinBytes: { initial: 256 * KiB, min: 1, max: 8 * MiB },
  uploadSizeBytes: { initial: 32 * MiB, min: 1, max: 4_096 * MiB },
  uploadAgeMaxMs: { initial: 60_000, min: 1, max: 86_400_000 },
  memoryMaxBytes: { initial: 256 * MiB, min: 64 * MiB, max: 1_048_576 * MiB },
  storeDeadlineMs: { initial: 120_000, min: 1, max: 86_400_000 },
};

/** Fills in defaults and refuses what is out of bounds or misspelt. */
export function resolveSettings(input: SettingsInput = {}): Settings {
  if (typeof input !== 'object' || input === null) throw invalidArgument('settings are an object', TypeError);
  const names = Object.keys(bounds) as (keyof Settings)[];
  for (const name of Object.keys(input)) {
    if (!names.includes(name as keyof Settings))
      throw invalidArgument(`there is no setting '${name}'; did you mean '${nearestName(name, names)}'?`);
  }
  const settings = Object.fromEntries(names.map((name) => [name, checkSetting(name, input[name])]));
  const resolved = settings as unknown as Settings;
  const uploadSizeBytes = checkUploadSize(input.uploadSizeBytes, resolved);
  return Object.freeze({ ...resolved, uploadSizeBytes });
}

/** An upload that starts later than at half of what may wait would let appends wait for it, and for nothing else. */
function checkUploadSize(given: number | undefined, { uploadSizeBytes, memoryMaxBytes }: Settings): number {
  const mostBytes = memoryShares(memoryMaxBytes).unuploaded / 2;
  if (given !== undefined && given > mostBytes)
    throw invalidArgument(
      `the setting 'uploadSizeBytes' is at most an eighth of 'memoryMaxBytes', here ${mostBytes}; got ${given}`,
    );
  return Math.min(uploadSizeBytes, mostBytes);
}

function checkSetting(name: keyof Settings, value: number | undefined): number {
  const { initial, min, max } = bounds[name];
  if (value === undefined) return initial;
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw invalidArgument(`the setting '${name}' is an integer from ${min} to ${max}; got ${String(value)}`);
  return value;
}

/** The name with the smallest edit distance. */
function nearestName(wrong: string, names: readonly string[]): string {
  return names.reduce((best, name) => (editDistance(wrong, name) < editDistance(wrong, best) ? name : best));
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
