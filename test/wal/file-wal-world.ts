// One life of a file WAL in simulated time, made from a seed: a writer that appends, flushes and releases; then its
// process dies, the power is cut, or it lives on as a zombie that may be stopped for a while; some recoverers come, at
// once or later, and die or finish. The world ends with the check that nothing acknowledged is lost, that all who
// recovered agree, and that what the zombie was told is true.
import assert from 'node:assert/strict';
import { streamId } from '../../src/model/ids.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { WalFiles } from '../../src/wal/wal-files.ts';
import type { SealedWal, Wal } from '../../src/wal/wal.ts';
import { openFileWal, sealFileWal, type FileWalRig } from './file-wal-rig.ts';
import { SimDisk } from '../../src/testkit/sim-disk.ts';
import { MemoryEpochState } from './wal-place.ts';

/** What is wrong on purpose. */
export interface WorldFaults {
  readonly writerFiles?: (disk: WalFiles) => WalFiles;
  readonly recovererFiles?: (disk: WalFiles) => WalFiles;
  readonly wal?: (wal: Wal) => Wal;
}

/** What became of the worlds of some seeds, to know that they met what they were made for. */
export interface WorldCounts {
  acknowledged: number;
  released: number;
  fencedNone: number;
  fencedUnknown: number;
  lateStored: number;
}

class World {
  readonly runtime: SeededRuntime;
  readonly disk: SimDisk;
  readonly state = new MemoryEpochState();
  readonly #faults: WorldFaults;
  readonly #counts: WorldCounts;
  readonly #pick: (max: number) => number;
  #appended = 0;
  /** The first batch that is not released. */
  #from = 0;
  #isFenced = false;
  readonly #ends: { readonly sealedAt: number; readonly end: number }[] = [];

  constructor(seed: number, faults: WorldFaults, counts: WorldCounts) {
    this.runtime = new SeededRuntime({ seed });
    this.disk = new SimDisk(this.runtime);
    this.#faults = faults;
    this.#counts = counts;
    this.#pick = (max) => Math.floor(this.runtime.random.fraction() * max);
  }

  async run(): Promise<void> {
    this.disk.latencyMaxMs = [0, 1, 5][this.#pick(3)] ?? 0;
    const files = this.#faults.writerFiles?.(this.disk) ?? this.disk;
    const rig = await openFileWal({ disk: this.disk, files, runtime: this.runtime, state: this.state });
    const wal = this.#faults.wal?.(rig.wal) ?? rig.wal;
    const ending = ['dies', 'power', 'lives', 'lives', 'stopped'][this.#pick(5)];
    const writing = this.#write(rig, wal);
    await this.#pause(this.#pick(120));
    if (ending === 'stopped') this.disk.hold = (write) => void this.#hold(write);
    if (ending === 'dies') {
      wal.stop();
      this.disk.killProcess();
    }
    if (ending === 'power') {
      wal.stop();
      this.disk.cutPower(() => this.#pick(2) === 0);
    }
    this.#isFenced = true; // From here on a release of the writer is void.
    const atOnce = 1 + this.#pick(3);
    await Promise.all(Array.from({ length: atOnce }, () => this.#recover()));
    if (this.#pick(3) === 0) this.disk.cutPower(() => this.#pick(2) === 0);
    await this.#recover();
    await this.#pause(50);
    if (ending === 'lives' || ending === 'stopped') await this.#checkZombie(rig);
    await writing;
    this.#check(rig);
  }

  async #write({ sink }: FileWalRig, wal: Wal): Promise<void> {
    for (let step = 0; step < 60 && sink.end === undefined; step += 1) {
      for (let count = this.#pick(6); count > 0; count -= 1) this.#append(wal);
      await this.#pause(this.#pick(6));
      if (this.#pick(12) === 0) await Promise.race([wal.flush(), this.#pause(20)]);
      if (this.#pick(6) === 0) await this.#release(wal);
    }
  }

  #append(wal: Wal): void {
    const index = this.#appended;
    this.#appended += 1;
    const bytes = new Uint8Array(this.#pick(900)).fill(index);
    const batch = { streamEpoch: 1, startOffset: index, count: 1, timestamp: undefined, bytes };
    wal.append({ stream: streamId(1), ...batch });
  }

  async #release(wal: Wal): Promise<void> {
    const released = wal.unreleased().slice(0, 1 + this.#pick(4));
    const last = released.at(-1);
    if (this.#isFenced || last === undefined) return;
    this.state.released = last.sequence + 1;
    this.#from = last.parts.at(-1)?.endOffset ?? this.#from;
    this.#counts.released += released.length;
    await Promise.race([wal.release(last.sequence + 1, new Set()), this.#pause(50)]);
  }

  /** The process is stopped with a write under way; it goes on when the recoverers are done. */
  async #hold(write: { show(): void; sync(): void; answer(): void }): Promise<void> {
    if (this.#pick(2) === 0) write.show();
    await this.#pause(30 + this.#pick(60));
    write.show();
    write.sync();
    write.answer();
  }

  async #recover(): Promise<void> {
    await this.#pause(this.#pick(30));
    const files = this.#faults.recovererFiles?.(this.disk) ?? this.disk;
    const sealing = sealFileWal(files, this.state, { runtime: this.runtime });
    const sealed = await Promise.race([sealing, this.#pause(500)]); // After a cut of the power nobody answers.
    if (sealed === undefined) return;
    const indexes = await this.#indexesOf(sealed);
    assert.deepEqual(
      indexes,
      Array.from({ length: indexes.length }, (_, i) => this.#from + i),
      'a recovery finds a run from the released position on',
    );
    this.#ends.push({ sealedAt: sealed.sealedAt, end: this.#from + indexes.length });
    if (this.#pick(2) === 0) this.state.sealedAt ??= sealed.sealedAt;
    await sealed.close();
  }

  async #indexesOf(sealed: SealedWal): Promise<number[]> {
    const indexes: number[] = [];
    for (const segment of sealed.segments) {
      const batches = await sealed.batches(segment);
      const [part] = segment.parts;
      assert.equal(part?.startOffset, batches[0]?.startOffset);
      assert.equal(part?.endOffset, (batches.at(-1)?.startOffset ?? 0) + 1);
      for (const { startOffset, bytes } of batches) {
        assert.ok(bytes.every((byte) => byte === (startOffset & 0xff)));
        indexes.push(startOffset);
      }
    }
    return indexes;
  }

  async #checkZombie({ wal, sink }: FileWalRig): Promise<void> {
    this.#append(wal); // An idle writer learns it with its next append.
    await this.#pause(1_000);
    const [first] = this.#ends;
    if (sink.end?.reason !== 'fenced' || first === undefined) return; // Its disk had no power any more.
    if (sink.end.outcome === 'unknown') this.#counts.fencedUnknown += 1;
    else {
      this.#counts.fencedNone += 1;
      assert.equal(sink.durableCount, first.end, 'what is in the history was said to be not applied, or the reverse');
      if (sink.end.sentCount === 0) this.#counts.lateStored += 1;
    }
  }

  #check({ sink }: FileWalRig): void {
    this.#counts.acknowledged += sink.durableCount;
    const [first] = this.#ends;
    if (first === undefined) return;
    for (const other of this.#ends) assert.deepEqual(other, first, 'all who recovered agree');
    assert.ok(first.end >= sink.durableCount, `${sink.durableCount} were acknowledged, ${first.end} are found`);
    assert.ok(first.end <= this.#appended);
  }

  #pause(delayMs: number): Promise<undefined> {
    return new Promise((resolve) => {
      this.runtime.timers.after(delayMs, () => resolve(undefined));
    });
  }
}

/** Runs the world of a seed; throws what went wrong in it. */
export async function runWorld(seed: number, counts: WorldCounts, faults: WorldFaults = {}): Promise<void> {
  const world = new World(seed, faults, counts);
  await world.runtime.run(() => world.run());
}

export function newCounts(): WorldCounts {
  return { acknowledged: 0, released: 0, fencedNone: 0, fencedUnknown: 0, lateStored: 0 };
}
