// The files of a simulated process on the disk of its machine. A process that is stopped begins nothing and learns
// nothing; what the system had been given goes on without it. Writes wait a while in the process itself, as in a pool
// of threads: one that waits there when the process is stopped is made when it wakes, however late that is.
import type { Runtime, WalFile, WalFiles } from '../index.ts';
import type { SimGate } from './sim-gate.ts';

export class SimFiles implements WalFiles {
  readonly #disk: WalFiles;
  readonly #gate: SimGate;
  /** The runtime of the process: its timers do not fire while it is stopped. */
  readonly #runtime: Runtime;

  constructor(disk: WalFiles, gate: SimGate, runtime: Runtime) {
    this.#disk = disk;
    this.#gate = gate;
    this.#runtime = runtime;
  }

  async open(path: string, how: 'create' | 'read' | 'write-durably'): Promise<WalFile> {
    const file = await this.#call(() => this.#disk.open(path, how));
    return {
      write: (pieces, position, done) => {
        const begin = (): void => {
          file.write(pieces, position, (failure) => this.#gate.whenOpen(() => done(failure)));
        };
        const { random, timers } = this.#runtime;
        if (random.fraction() < 0.8) this.#gate.whenOpen(begin);
        else timers.after(random.fraction() * 2, begin);
      },
      read: (bytes, position) => this.#call(() => file.read(bytes, position)),
      size: () => this.#call(() => file.size()),
      linkCount: () => file.linkCount(),
      sync: () => this.#call(() => file.sync()),
      close: () => this.#call(() => file.close()),
    };
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#call(() => this.#disk.list(directory));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call(() => this.#disk.makeDirectory(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call(() => this.#disk.syncDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => this.#disk.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#call(() => this.#disk.link(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#call(() => this.#disk.remove(path));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#call(() => this.#disk.removeDirectory(path));
  }

  async #call<T>(operation: () => Promise<T>): Promise<T> {
    await this.#gate.passed();
    return this.#gate.answer(operation());
  }
}
