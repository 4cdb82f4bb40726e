// The root of an object journal: the one object that is replaced. It says how far the journal may have been collected
// and which snapshots may be loaded.
//
// - Every read is a request that starts after the call; 'not-modified' is as good as bytes.
// - Nobody accepts a root that is behind one seen before the read began (R9); a lost one is never a new beginning.
// - The answer to a replacement is never trusted: `advance` looks at the root again until it says what was wanted (J5).
import type { JournalRoot } from '../format/journal-root.ts';
import { decodeJournalRoot, encodeJournalRoot } from '../format/journal-root.ts';
import { qanatError, type QanatErrorOf } from '../model/errors.ts';
import { clusterPrefix } from '../model/object-key.ts';
import type { ObjectStore, PutCondition } from '../store/object-store.ts';
import { rootKey } from './journal-key.ts';
import { isNotBehind } from './next-root.ts';
import { isPassing, type Patience } from './patience.ts';

/** A root as it was read, with the etag that a replacement is conditional on. */
interface ReadRoot {
  readonly root: JournalRoot;
  readonly etag: string;
}

export class RootFile {
  readonly #store: ObjectStore;
  readonly #clusterId: string;
  readonly #key: string;
  #newest: ReadRoot | undefined;

  constructor(store: ObjectStore, clusterId: string) {
    this.#store = store;
    this.#clusterId = clusterId;
    this.#key = rootKey(clusterId);
  }

  /** The highest floor seen so far: what lies at or below it needs no request. */
  get floorSeen(): number {
    return this.#newest?.root.floor ?? 0;
  }

  /** Finds the root, or begins the journal where nothing at all lies under the cluster's prefix. */
  async open(begin: (() => JournalRoot) | undefined, patience: Patience): Promise<void> {
    if ((await this.#tryRead(patience)) !== undefined) return;
    const prefix = clusterPrefix(this.#clusterId);
    const { keys } = await patience.insist((signal) =>
      this.#store.list({ prefix, limit: 1, purpose: 'journal', signal }),
    );
    if (keys.length > 0) {
      // Somebody may have begun between the two requests; if not, the journal of these objects is lost.
      await this.read(patience);
      return;
    }
    if (begin === undefined)
      throw qanatError('STORE_UNSUITABLE', `the store holds no cluster ${this.#clusterId}`, {
        problem: 'there is no journal, and a reader does not begin one',
      });
    const first = begin();
    for (;;) {
      await this.#put(first, 'absent', patience);
      if ((await this.#tryRead(patience)) !== undefined) return;
      await patience.pause();
    }
  }

  /** Reads the root; the request starts after the call. */
  async read(patience: Patience): Promise<JournalRoot> {
    return (await this.#mustRead(patience)).root;
  }

  /**
   * Moves the root forward until `next` has nothing left to do. What counts is the root as it is read afterwards, by
   * whomever it was written; each attempt draws its own nonce, so that no two roots ever have the same etag.
   */
  async advance(next: (root: JournalRoot) => JournalRoot | undefined, patience: Patience): Promise<JournalRoot> {
    for (let attempt = 1; ; attempt += 1) {
      const { root, etag } = await this.#mustRead(patience);
      const wanted = next(root);
      if (wanted === undefined) return root;
      if (attempt > 1) await patience.pause();
      await this.#put(wanted, { etag }, patience);
    }
  }

  async #mustRead(patience: Patience): Promise<ReadRoot> {
    return (await this.#tryRead(patience)) ?? throwIt(this.#corrupt('the root of the journal is missing'));
  }

  async #tryRead(patience: Patience): Promise<ReadRoot | undefined> {
    const before = this.#newest;
    const value = await patience.insist((signal) =>
      this.#store.get(this.#key, { ifNoneMatch: before?.etag, purpose: 'journal', signal }),
    );
    if (value === 'missing') {
      // Missing is an answer only to whoever has never seen one: a root is never deleted.
      if (before !== undefined) throw this.#corrupt('the root of the journal has been deleted');
      return undefined;
    }
    // The newest root seen is at least as new as the one that this answer confirms.
    if (value === 'not-modified') return this.#newest ?? throwIt(this.#corrupt('the store knows an etag nobody gave'));
    const read: ReadRoot = { root: this.#decode(value.bytes), etag: value.etag };
    // Compared with what was seen before this read began: an answer that was on its way longer than another's is no
    // step back, and the newer of the two is given to both.
    if (before !== undefined && !isNotBehind(read.root, before.root))
      throw this.#corrupt(
        `the journal has moved back: its floor and newest snapshot were ${show(before.root)}, now ${show(read.root)}`,
      );
    if (this.#newest === undefined || this.#newest === before || isNotBehind(read.root, this.#newest.root))
      this.#newest = read;
    return this.#newest;
  }

  async #put(root: JournalRoot, condition: PutCondition, patience: Patience): Promise<void> {
    const bytes = encodeJournalRoot(root);
    patience.hasWritten();
    try {
      // No signal: a request under way is not cut short, and its answer is not looked at.
      await patience.until(this.#store.put(this.#key, bytes, { if: condition, purpose: 'journal' }));
    } catch (cause) {
      if (patience.isOver || !isPassing(cause)) throw cause;
    }
  }

  #decode(bytes: Uint8Array): JournalRoot {
    const root = decodeJournalRoot(bytes, { key: this.#key });
    if (root.clusterId !== this.#clusterId)
      throw qanatError('STORE_UNSUITABLE', 'this journal belongs to another cluster than the objects beside it', {
        problem: `the journal's root names cluster ${root.clusterId}, not ${this.#clusterId}`,
      });
    return root;
  }

  #corrupt(message: string): QanatErrorOf<'OBJECT_CORRUPT'> {
    return qanatError('OBJECT_CORRUPT', `${message}: ${this.#key}`, { key: this.#key, position: undefined });
  }
}

function show(root: JournalRoot): string {
  return `${root.floor} and ${root.snapshots[0]?.index ?? 0}`;
}

function throwIt(error: Error): never {
  throw error;
}
