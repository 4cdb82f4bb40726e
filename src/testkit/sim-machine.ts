// A machine of a simulated world: a disk that outlives everything, and the processes that were started on it, the last
// of which is the node that others take it for. Earlier ones may still be there, stopped or forgotten.
import type { FileWalOptions, Observer, SettingsInput, WalFactory, WalKind } from '../index.ts';
import type { StreamSet as StreamSetClass } from '../index.ts';
import { fileWal, memoryWal, objectWal, StreamSet } from '../index.ts';
import { drawInteger } from './seeded-random.ts';
import { SimDisk } from './sim-disk.ts';
import type { FaultRule } from './store-faults.ts';
import { SimProcess, type SimProcessOptions } from './sim-process.ts';

/** How a stream set is started on a machine. */
export interface SimStartOptions {
  /** Which WAL it has; an object WAL unless given. */
  readonly wal?: Exclude<WalKind, 'none'> | undefined;
  /** Where the file WAL is on the machine's disk: '/disk/wal' unless given. */
  readonly directory?: string | undefined;
  /** What to do if the WAL of the last incarnation is not there; see the options of `StreamSet.open`. */
  readonly walMissing?: 'refuse' | 'abandon' | undefined;
  readonly settings?: SettingsInput | undefined;
  /** Told what happens in the set, whatever its process knows. */
  readonly observer?: Observer | undefined;
  /** Takes the lock of the file WAL away first, whoever has it, as somebody may do by hand. */
  readonly breaksLock?: boolean | undefined;
}

/** What a machine gets from its world. */
export interface SimMachineOptions extends Omit<SimProcessOptions, 'name' | 'seed' | 'disk' | 'faults'> {
  readonly node: string;
  /** What goes wrong all the time between a process that starts now and the bucket. */
  readonly faults: () => readonly FaultRule[];
  /** Makes the file WALs; those of the package unless given. */
  readonly fileWal?: ((options: FileWalOptions) => WalFactory) | undefined;
}

/** A stream set in a process. */
export interface SimNode {
  readonly process: SimProcess;
  readonly set: StreamSetClass;
  /** Calls the set in its process: see `SimProcess.call`. */
  call<T>(act: (set: StreamSetClass) => Promise<T>): Promise<T>;
}

/** A machine. It is made by a world. */
export class SimMachine {
  /** The name of the node that runs on it. */
  readonly node: string;
  readonly disk: SimDisk;
  readonly #options: SimMachineOptions;
  readonly #processes: SimProcess[] = [];
  /** Who took the lock of a file WAL last, by directory. */
  readonly #lockHolders = new Map<string, SimProcess>();

  constructor(options: SimMachineOptions) {
    this.node = options.node;
    this.#options = options;
    this.disk = new SimDisk(options.runtime);
  }

  /** All processes that were ever started here, in order. */
  get processes(): readonly SimProcess[] {
    return this.#processes;
  }

  /** Starts a process, for whatever is to run in it. Those that were started before are left as they are. */
  spawn(): SimProcess {
    const { node, runtime, bucket, faults } = this.#options;
    const name = `${node}${this.#processes.length + 1}`;
    const seed = drawInteger(runtime.random, 2 ** 31);
    const process = new SimProcess({ name, runtime, seed, bucket, disk: this.disk, faults: faults() });
    this.#processes.push(process);
    return process;
  }

  /** Starts a process and opens a stream set in it. */
  async start(options: SimStartOptions = {}): Promise<SimNode> {
    const process = this.spawn();
    const { walMissing, settings, observer } = options;
    const wal = this.#walOf(process, options);
    const { node } = this;
    const { store, runtime } = process;
    const set = await process.call(() => StreamSet.open({ node, store, runtime, wal, walMissing, settings, observer }));
    return { process, set, call: (act) => process.call(() => act(set)) };
  }

  /** The power is cut: every process dies, and of what was not synced the disk keeps what chance has it keep. */
  cutPower(): void {
    for (const process of this.#processes) process.kill();
    const { random } = this.#options.runtime;
    this.disk.cutPower(
      () => random.fraction() < 0.5,
      (_, changes) => drawInteger(random, changes + 1),
    );
  }

  #walOf(process: SimProcess, { wal = 'object', directory = '/disk/wal', breaksLock }: SimStartOptions): WalFactory {
    if (wal === 'object') return objectWal();
    if (wal === 'memory') return memoryWal();
    const holder = this.#lockHolders.get(directory);
    const isFree = holder === undefined || holder.state === 'dead' || breaksLock === true;
    if (isFree) {
      // All processes of a world are one process of the machine it runs on, so a lock looks alive: it is removed here.
      const lock = `${directory}/lock`;
      if (this.disk.paths().includes(lock)) this.disk.destroy(lock);
      this.#lockHolders.set(directory, process);
    }
    return (this.#options.fileWal ?? fileWal)({ directory, files: process.files });
  }
}
