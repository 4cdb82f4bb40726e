// A whole cluster in one process: machines with disks and processes, one bucket, one clock, chance from a seed. The
// engine runs in it unchanged, through its seams. The same seed and the same calls give the same history, byte for
// byte; an hour in which little happens takes no time.
import type { FileWalOptions, ObjectStore, WalFactory } from '../index.ts';
import { MemoryObjectStore } from '../index.ts';
import { SeededRuntime } from './seeded-runtime.ts';
import { SimMachine } from './sim-machine.ts';
import type { FaultRule } from './store-faults.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/** What a world is made of. */
export interface SimWorldOptions {
  /** Any integer. */
  readonly seed: number;
  /** What goes wrong all the time between each process and the bucket: each request takes some time unless given. */
  readonly faults?: readonly FaultRule[] | undefined;
  /** The bucket, empty; one in memory unless given. It must do all its waiting through `runtime`, if any. */
  readonly bucket?: ObjectStore | undefined;
  /** How much of its own time a run may take; see SeededRuntime. */
  readonly runMaxMs?: number | undefined;
  /** Makes the file WALs of the world; `fileWal` unless given. */
  readonly fileWal?: ((options: FileWalOptions) => WalFactory) | undefined;
}

/** Requests that overtake each other, and nothing worse. */
const usualFaults: readonly FaultRule[] = [{ fault: { kind: 'latency', minMs: 1, maxMs: 20 } }];

/** A simulated world. */
export class SimWorld {
  readonly seed: number;
  readonly runtime: SeededRuntime;
  /** What all machines share. Reading it directly costs no time and meets no faults. */
  readonly bucket: ObjectStore;
  readonly #machines = new Map<string, SimMachine>();
  readonly #fileWal: SimWorldOptions['fileWal'];
  #faults: readonly FaultRule[];

  constructor(options: SimWorldOptions) {
    if (typeof options !== 'object' || options === null)
      throw wrongArgument(`a world is made of { seed }; got ${shown(options)}`);
    const { seed, bucket, runMaxMs, faults = usualFaults, fileWal } = options;
    this.#faults = faults;
    this.#fileWal = fileWal;
    this.seed = seed;
    this.runtime = new SeededRuntime({ seed, ...(runMaxMs === undefined ? {} : { runMaxMs }) });
    this.bucket = bucket ?? new MemoryObjectStore();
  }

  /** All machines, in the order in which they were first asked for. */
  get machines(): readonly SimMachine[] {
    return [...this.#machines.values()];
  }

  /** The machine on which this node runs; it is made when it is first asked for. */
  machine(node: string): SimMachine {
    const known = this.#machines.get(node);
    if (known !== undefined) return known;
    const { runtime, bucket } = this;
    const faults = (): readonly FaultRule[] => this.#faults;
    const machine = new SimMachine({ node, runtime, bucket, faults, fileWal: this.#fileWal });
    this.#machines.set(node, machine);
    return machine;
  }

  /** Lets the world go on until `body` has settled; see `SeededRuntime.run`. */
  run<T>(body: () => Promise<T>): Promise<T> {
    return this.runtime.run(body);
  }

  /** Lets so much of the world's time pass. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.runtime.timers.after(ms, resolve));
  }

  /** Cuts and stops end, nothing goes wrong any more, and what was late lands. Dead processes stay dead. */
  async settle(): Promise<void> {
    this.#faults = [];
    const processes = this.machines.flatMap((machine) => machine.processes);
    for (const process of processes) {
      process.reconnect([]);
      process.wake();
    }
    while (processes.some(({ latePuts }) => latePuts > 0)) await this.sleep(5);
  }
}
