// The files of a process that crashes, as its file WAL has them: from the crash on nothing is begun and nothing is
// answered. What the system had been given by then may still happen. Descriptors are given back, as a system does.
import type { WalFile, WalFiles } from '../../src/index.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => {});

export class CrashingWalFiles implements WalFiles {
  readonly #files: WalFiles;
  readonly #crashed: AbortSignal;
  readonly #opened = new Set<CrashingWalFile>();

  constructor(files: WalFiles, crashed: AbortSignal) {
    this.#files = files;
    this.#crashed = crashed;
    crashed.addEventListener('abort', () => {
      for (const file of this.#opened) file.giveBack();
    });
  }

  async open(path: string, how: 'create' | 'read' | 'write-durably'): Promise<WalFile> {
    if (this.#crashed.aborted) return never();
    const opened = new CrashingWalFile(await this.#files.open(path, how), this.#crashed, () => {
      this.#opened.delete(opened);
    });
    this.#opened.add(opened);
    if (!this.#crashed.aborted) return opened;
    opened.giveBack();
    return never();
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#call(() => this.#files.list(directory));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call(() => this.#files.makeDirectory(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call(() => this.#files.syncDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => this.#files.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#call(() => this.#files.link(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#call(() => this.#files.remove(path));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#call(() => this.#files.removeDirectory(path));
  }

  #call<T>(operation: () => Promise<T>): Promise<T> {
    return unlessCrashed(this.#crashed, operation);
  }
}

class CrashingWalFile implements WalFile {
  readonly #file: WalFile;
  readonly #crashed: AbortSignal;
  readonly #onClosed: () => void;
  #underWay = 0;
  #isClosed = false;

  constructor(file: WalFile, crashed: AbortSignal, onClosed: () => void) {
    this.#file = file;
    this.#crashed = crashed;
    this.#onClosed = onClosed;
  }

  write(pieces: readonly Uint8Array[], position: number, done: (failure: Error | undefined) => void): void {
    if (this.#crashed.aborted) return;
    this.#underWay += 1;
    this.#file.write(pieces, position, (failure) => {
      this.#underWay -= 1;
      if (this.#crashed.aborted) this.giveBack();
      else done(failure);
    });
  }

  read(bytes: Uint8Array, position: number): Promise<number> {
    return this.#call(() => this.#file.read(bytes, position));
  }

  size(): Promise<number> {
    return this.#call(() => this.#file.size());
  }

  linkCount(): number {
    return this.#file.linkCount();
  }

  sync(): Promise<void> {
    return this.#call(() => this.#file.sync());
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#onClosed();
    return unlessCrashed(this.#crashed, () => this.#file.close());
  }

  /** Closes what a dead process has open, as soon as nothing is under way in it. */
  giveBack(): void {
    if (this.#underWay > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.#onClosed();
    void this.#file.close().catch(() => {});
  }

  #call<T>(operation: () => Promise<T>): Promise<T> {
    return unlessCrashed(this.#crashed, async () => {
      this.#underWay += 1;
      try {
        return await operation();
      } finally {
        this.#underWay -= 1;
        if (this.#crashed.aborted) this.giveBack();
      }
    });
  }
}

/** Begins nothing after the crash, and answers nothing. */
async function unlessCrashed<T>(crashed: AbortSignal, operation: () => Promise<T>): Promise<T> {
  if (crashed.aborted) return never();
  const [outcome] = await Promise.allSettled([operation()]);
  if (crashed.aborted) return never();
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
