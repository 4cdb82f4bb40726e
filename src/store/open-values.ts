// Values of a FileObjectStore that are held open because they are read in parts: a get of one costs a read and two
// looks at names, not opening, checking and closing files.
//
// Only first values that nobody has replaced are held, and none whose temporary name may still stand. A file that is
// held open keeps its inode, so `~1` with that inode is this value (file-life.ts). At each get:
// - the directory of later values is looked for, and not there: at that moment nobody had replaced it, or somebody has
//   deleted it since;
// - then `~1` is looked at, and still this inode: it has not been deleted.
// So at the moment of the first look, which is after the get began, this value stood. The bytes are read meanwhile: a
// file is never written again. Where either look fails, the value is let go of and read the ordinary way.
//
// At most so many are held, and none that was not read for a while: a file that is held takes its room on the disk even
// after somebody else has deleted it.
import { read, stat } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { Runtime } from '../base/runtime.ts';
import type { KeyPlace } from './file-key.ts';
import { lifeDirectory } from './file-key.ts';
import type { StandingValue } from './file-life.ts';
import { valueHeaderBytes } from './file-value.ts';

/** Values held open at once. */
const heldMax = 32;

/** A value that was not read for so long is let go of, at most twice as late. */
const idleMs = 2_000;

/** Smaller values are read whole, as a rule, and once. */
const sizeMinBytes: number = 256 * 1024;

export class HeldValue {
  readonly standing: StandingValue;
  readonly #first: string;
  readonly #laterDirectory: string;
  /** Gets under way: the file is closed after the last one. */
  #users = 0;
  #isLetGo = false;
  /** Whether it was read since somebody last looked. */
  wasUsed = true;

  constructor(place: KeyPlace, standing: StandingValue) {
    this.standing = standing;
    this.#first = place.first;
    this.#laterDirectory = lifeDirectory(place, standing.life);
  }

  /** Bytes [start, end) of the body, fewer only when the file has been damaged; undefined if it does not stand. */
  async read(start: number, end: number): Promise<Uint8Array | undefined> {
    this.#users += 1;
    this.wasUsed = true;
    try {
      const stands = this.#stands();
      const bytes = await readPart(this.standing.file.handle.fd, valueHeaderBytes + start, end - start);
      return (await stands) ? bytes : undefined;
    } finally {
      this.#users -= 1;
      if (this.#isLetGo) this.letGo();
    }
  }

  /** Closes the file, as soon as nobody reads it. */
  letGo(): void {
    this.#isLetGo = true;
    if (this.#users === 0) this.standing.close().catch(() => {});
  }

  async #stands(): Promise<boolean> {
    if ((await look(this.#laterDirectory)) !== 'missing') return false;
    const first = await look(this.#first);
    return typeof first === 'object' && first.ino === this.standing.file.inode;
  }
}

export class OpenValues {
  readonly #runtime: Runtime;
  /** By key; those that were read longest ago first. */
  readonly #held = new Map<string, HeldValue>();
  #isLooking = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The value of a key that is held, if there is one. */
  get(key: string): HeldValue | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return held;
  }

  /** Takes over a value that was read in part, if it is one to hold. If not, it is for the caller to close. */
  takeOver(key: string, place: KeyPlace, standing: StandingValue, readBytes: number): boolean {
    const { number, file } = standing;
    const isWanted = number === 1 && file.links === 1n && file.size >= sizeMinBytes && readBytes < file.size;
    if (!isWanted || this.#held.has(key)) return false;
    this.#held.set(key, new HeldValue(place, standing));
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= heldMax) break;
      this.drop(oldest);
    }
    if (!this.#isLooking) this.#lookLater();
    return true;
  }

  /** Lets go of the value of a key. */
  drop(key: string, held: HeldValue | undefined = this.#held.get(key)): void {
    if (held === undefined || this.#held.get(key) !== held) return;
    this.#held.delete(key);
    held.letGo();
  }

  #lookLater(): void {
    this.#isLooking = true;
    this.#runtime.timers.after(idleMs, () => this.#dropIdle(), { background: true });
  }

  #dropIdle(): void {
    for (const [key, held] of this.#held) {
      if (!held.wasUsed) this.drop(key);
      held.wasUsed = false;
    }
    this.#isLooking = false;
    if (this.#held.size > 0) this.#lookLater();
  }
}

/** What a name stands for. Where that cannot be told, a value may stand there: it is not missing. */
function look(path: string): Promise<BigIntStats | 'missing' | 'unknown'> {
  return new Promise((resolve) => {
    stat(path, { bigint: true }, (failure, found) => {
      if (failure === null) resolve(found);
      else resolve(failure.code === 'ENOENT' ? 'missing' : 'unknown');
    });
  });
}

/** Reads with callbacks: a promise of node:fs costs more than all else here. */
function readPart(file: number, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  return new Promise((resolve, reject) => {
    const readOn = (done: number): void => {
      if (done === length) {
        resolve(bytes);
        return;
      }
      read(file, bytes, done, length - done, position + done, (failure, count) => {
        if (failure !== null) reject(failure);
        else if (count === 0) resolve(bytes.subarray(0, done));
        else readOn(done + count);
      });
    };
    readOn(0);
  });
}
