// Judges who owns the streams of a world: each ownership has a number of its own, which no two processes are told.
import type { Stream } from '../index.ts';
import type { SimNode } from './sim-machine.ts';
import type { WorldCalls } from './world-calls.ts';

export class WorldEpochs {
  readonly #calls: WorldCalls;
  /** Who was told of an ownership, by name and id of the stream, and its epoch. */
  readonly #owners = new Map<string, SimNode>();

  constructor(calls: WorldCalls) {
    this.#calls = calls;
  }

  /** A process was told that it owns a stream. Gives the stream's name and id. */
  opened(owner: SimNode, { name, id, streamEpoch }: Stream): string {
    const ownership = `epoch ${streamEpoch} of ${name}/${id}`;
    const other = this.#owners.get(ownership) ?? owner;
    if (other !== owner)
      this.#calls.find('stream', `${ownership} is ${other.process.name}'s and ${owner.process.name}'s`);
    this.#owners.set(ownership, owner);
    return `${name}/${id}`;
  }
}
