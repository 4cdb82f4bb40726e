// A second implementation of what a record does, for the model test: written from the rules alone, with other data (an
// entry per offset, an epoch per line, nothing compact) and no care for speed. It knows verdicts, ownership and offsets.
import type { Change, CommitChange } from '../../src/catalog/change.ts';

type Phase = 'recovering' | 'open' | 'owed' | 'over';

interface NaiveEpoch {
  readonly epoch: number;
  readonly node: string;
  readonly kind: string;
  readonly nonce: string;
  phase: Phase;
  released: number;
  settled: number;
  sealedAt: number | undefined;
  /** What lies below it was applied. */
  appliedBelow: number | undefined;
}

interface NaiveStream {
  readonly id: number;
  readonly name: string | undefined;
  owner: number;
  epoch: number;
  start: number;
  end: number;
  version: number;
  /** Which object, and which stream epoch, every registered offset was given by; also of those trimmed since. */
  readonly offsets: Map<number, { readonly object: string; readonly epoch: number }>;
}

export class NaiveCatalog {
  index = 0;
  readonly epochs: NaiveEpoch[] = [];
  readonly forgotten = new Set<string>();
  readonly streams = new Map<number, NaiveStream>();
  readonly objects = new Set<string>();
  readonly kv = new Map<string, { readonly text: string; readonly version: number }>();
  #streamCount = 0;
  #version = 0;
  readonly #answers = new Map<number | string, { number: number; answers: readonly string[] }>();

  /** Applies a record; for each change 'ok' with its value, or why it is void. */
  apply(writer: number | string, number: number, changes: readonly Change[]): readonly string[] {
    this.index += 1;
    const last = this.#isOver(writer) ? undefined : this.#answers.get(writer);
    if (last !== undefined && number <= last.number) return last.answers;
    const answers = changes.map((change) => this.#change(writer, change));
    this.#answers.set(writer, { number, answers });
    return answers;
  }

  /** A closed epoch is answered until its node has another; one that ended otherwise is not. */
  #isOver(writer: number | string): boolean {
    const epoch = this.epochs.find((each) => (typeof writer === 'number' ? each.epoch : each.nonce) === writer);
    if (epoch === undefined || epoch.phase !== 'over') return false;
    const isLast = this.epochs.findLast(({ node }) => node === epoch.node) === epoch;
    return typeof writer === 'string' || !isLast || !this.#closed.has(epoch) || this.#unanswered.has(epoch);
  }
  readonly #closed = new Set<NaiveEpoch>();
  /** Closed, and forgotten since. */
  readonly #unanswered = new Set<NaiveEpoch>();

  #change(writer: number | string, change: Change): string {
    if (change.kind === 'register') return this.#register(writer as string, change.node, change.wal.kind);
    const own = this.epochs.find(({ epoch }) => epoch === writer);
    if (own === undefined || (own.phase !== 'open' && own.phase !== 'recovering')) return 'fenced';
    switch (change.kind) {
      case 'fence': {
        const epoch = this.#live(change.node);
        if (epoch?.epoch !== change.epoch) return 'not-found';
        this.#fence(epoch);
        return 'ok 0';
      }
      case 'commit':
        return this.#commit(own, change);
      case 'recovered': {
        const epoch = this.epochs.find((each) => each.epoch === change.epoch && each.node === change.node);
        if (this.forgotten.has(change.node)) return 'not-found';
        if (epoch?.phase !== 'owed') return epoch?.sealedAt === undefined ? 'not-found' : 'recovered';
        if (epoch.released !== change.from) return 'position';
        this.#recover(epoch, change.from, change.sealedAt, change.givenUp === true);
        const current = this.#live(change.node);
        if (current !== undefined) current.phase = 'open';
        return 'ok 0';
      }
      case 'settle':
        own.settled = Math.max(own.settled, change.settledBelow);
        return 'ok 0';
      case 'create': {
        if (own.phase === 'recovering') return 'recovering';
        const { name } = change;
        if (name !== undefined && [...this.streams.values()].some((stream) => stream.name === name)) return 'exists';
        const id = ++this.#streamCount;
        const offsets: NaiveStream['offsets'] = new Map();
        this.streams.set(id, { id, name, owner: own.epoch, epoch: 1, start: 0, end: 0, version: 1, offsets });
        return `ok ${id}`;
      }
      case 'kv-put': {
        const version = this.kv.get(change.key)?.version ?? 0;
        if (change.ifVersion !== undefined && change.ifVersion !== version) return 'conflict';
        this.kv.set(change.key, { text: String(change.value), version: ++this.#version });
        return `ok ${this.#version}`;
      }
      case 'kv-delete': {
        const version = this.kv.get(change.key)?.version ?? 0;
        if (change.ifVersion !== undefined && change.ifVersion !== version) return 'conflict';
        return this.kv.delete(change.key) ? 'ok 0' : 'not-found';
      }
      case 'forget-node': {
        const epochs = this.epochs.filter(({ node }) => node === change.node);
        if (epochs.length === 0 || this.forgotten.has(change.node)) return 'not-found';
        if (epochs.some(({ phase }) => phase !== 'over')) return 'conflict';
        this.forgotten.add(change.node);
        for (const epoch of epochs) this.#unanswered.add(epoch);
        return 'ok 0';
      }
      case 'rules':
        return 'conflict'; // Only rules 1 exist.
      default:
        return this.#streamChange(own, change);
    }
  }

  #register(nonce: string, node: string, kind: string): string {
    const before = this.#live(node);
    if (before !== undefined) this.#fence(before);
    const owes = this.epochs.some((each) => each.node === node && each.phase === 'owed');
    const phase = owes ? 'recovering' : 'open';
    const fresh = { released: 0, settled: 0, sealedAt: undefined, appliedBelow: undefined };
    this.forgotten.delete(node);
    this.epochs.push({ epoch: this.index, node, kind, nonce, phase, ...fresh });
    return `ok ${this.index}`;
  }

  #live(node: string): NaiveEpoch | undefined {
    return this.epochs.find((each) => each.node === node && (each.phase === 'open' || each.phase === 'recovering'));
  }

  #fence(epoch: NaiveEpoch): void {
    epoch.phase = epoch.phase === 'open' ? 'owed' : 'over';
    if (epoch.phase === 'owed' && epoch.kind === 'none') this.#recover(epoch, epoch.released, epoch.released, false);
  }

  #recover(epoch: NaiveEpoch, from: number, sealedAt: number, givenUp: boolean): void {
    epoch.phase = 'over';
    epoch.sealedAt = sealedAt;
    epoch.appliedBelow = from;
    if (!givenUp && epoch.kind !== 'memory' && epoch.kind !== 'none') return;
    for (const stream of this.streams.values())
      if (stream.owner === epoch.epoch) stream.end = Math.max(stream.end, stream.start);
  }

  #isOpen(stream: NaiveStream): boolean {
    return this.epochs.some(({ epoch, phase }) => epoch === stream.owner && phase !== 'over');
  }

  #streamChange(own: NaiveEpoch, change: Extract<Change, { stream: unknown }>): string {
    if (change.kind === 'open' && own.phase === 'recovering') return 'recovering';
    const stream = this.streams.get(change.stream);
    if (stream === undefined) return 'not-found';
    switch (change.kind) {
      case 'open':
        if (this.#isOpen(stream)) return 'owned';
        if (change.expectedEpoch !== undefined && change.expectedEpoch !== stream.epoch) return 'conflict';
        stream.owner = own.epoch;
        stream.epoch += 1;
        return `ok ${stream.epoch}`;
      case 'delete':
        if (this.#isOpen(stream)) return 'owned';
        this.streams.delete(stream.id);
        return 'ok 0';
      case 'trim':
        if (stream.owner !== own.epoch || stream.epoch !== change.streamEpoch) return 'closed';
        stream.start = Math.max(stream.start, change.startOffset);
        return `ok ${stream.start}`;
      case 'attributes':
        if (change.ifVersion !== undefined && change.ifVersion !== stream.version) return 'conflict';
        stream.version += 1;
        return `ok ${stream.version}`;
    }
  }

  #commit(own: NaiveEpoch, change: CommitChange): string {
    const epoch = this.epochs.find((each) => each.epoch === change.epoch);
    if (epoch === undefined) return 'not-found';
    if (epoch.phase === 'over') return epoch.sealedAt === undefined ? 'fenced' : 'recovered';
    if (epoch === own && own.phase === 'recovering') return 'recovering';
    if (epoch !== own && epoch.phase !== 'owed') return 'conflict';
    if (epoch !== own && (change.closeStreams !== undefined || change.closeEpoch)) return 'malformed';
    if (change.from !== epoch.released) return 'position';
    for (const { family, sequence } of change.objects) {
      const writer = family === 'wal' ? epoch : own;
      if (family === 'data' && sequence < writer.settled) return 'settled';
      if (this.objects.has(`${family} ${writer.epoch} ${sequence}`)) return 'conflict';
    }
    const ends = new Map([...this.streams].map(([id, { end }]) => [id, end]));
    for (const part of change.objects.flatMap(({ parts }) => parts)) {
      const stream = this.streams.get(part.stream);
      if (stream === undefined && part.stream > this.#streamCount) return 'not-found';
      if (stream === undefined) continue;
      if (stream.owner !== epoch.epoch || stream.epoch !== part.streamEpoch) return 'closed';
      if (part.startOffset !== ends.get(part.stream)) return 'discontinuous';
      ends.set(part.stream, part.endOffset);
    }
    for (const id of change.closeStreams ?? []) if (this.streams.get(id)?.owner !== epoch.epoch) return 'closed';
    this.#takeIn(own, epoch, change);
    return `ok ${change.to}`;
  }

  #takeIn(own: NaiveEpoch, epoch: NaiveEpoch, change: CommitChange): void {
    for (const { family, sequence, parts } of change.objects) {
      const object = `${family} ${(family === 'wal' ? epoch : own).epoch} ${sequence}`;
      this.objects.add(object);
      for (const { stream: id, startOffset, endOffset, streamEpoch } of parts) {
        const stream = this.streams.get(id);
        if (stream === undefined) continue;
        for (let offset = startOffset; offset < endOffset; offset++)
          stream.offsets.set(offset, { object, epoch: streamEpoch });
        stream.end = endOffset;
      }
    }
    epoch.released = change.to;
    own.settled = Math.max(own.settled, change.settledBelow);
    for (const id of change.closeStreams ?? []) (this.streams.get(id) as NaiveStream).owner = 0;
    if (!change.closeEpoch) return;
    epoch.phase = 'over';
    this.#closed.add(epoch);
  }

  /** Objects that hold an offset that can still be read, or share a part with one. */
  readableObjects(): ReadonlySet<string> {
    const readable = new Set<string>();
    for (const { offsets, start, end } of this.streams.values())
      for (const [offset, { object }] of offsets) if (offset >= start && offset < end) readable.add(object);
    return readable;
  }
}
