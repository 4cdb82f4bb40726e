// Judges who owns the streams of a world: each ownership has a number of its own, which no two
// processes are told, and one handle.
import type { Stream } from '../index.ts';
import type { SimNode } from './sim-machine.ts';
import type { WorldCalls } from './world-calls.ts';

export class WorldEpochs {
  readonly #calls: WorldCalls;
  /** The handle of an ownership and who was given it, by name and id of the stream, and its epoch. */
  readonly #owners = new Map<string, { readonly owner: SimNode; readonly stream: Stream }>();

  constructor(calls: WorldCalls) {
    this.#calls = calls;
  }

  /** A process was told that it owns a stream, and given its handle. Gives the stream's name and id. */
  opened(owner: SimNode, stream: Stream): string {
    const { name, id, streamEpoch } = stream;
    const ownership = `epoch ${streamEpoch} of ${name}/${id}`;
    const other = this.#owners.get(ownership) ?? { owner, stream };
    if (other.owner !== owner)
      this.#calls.find('stream', `${ownership} is ${other.owner.process.name}'s and ${owner.process.name}'s`);
    else if (other.stream !== stream)
      this.#calls.find('stream', `${ownership} has two handles in ${owner.process.name}`);
    this.#owners.set(ownership, { owner, stream });
    return `${name}/${id}`;
  }
}
