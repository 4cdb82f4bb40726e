// A log that is right and as small as it can be, under clients that call it at once: what they do and see is a history
// in which nothing is wrong. Every call has a moment in which it happens, between call and answer; an append whose
// client gave up waiting may happen later, or never.
import type { Random } from '../../src/index.ts';
import type {
  HistoryAppend,
  HistoryBatch,
  HistoryLookUp,
  HistoryOperation,
  HistoryRead,
} from '../../src/testkit/history.ts';
import { drawInteger } from '../../src/testkit/seeded-random.ts';

interface Placed extends HistoryBatch {
  readonly startOffset: number;
  readonly endOffset: number;
}

/** A stream at one moment. */
interface Version {
  readonly batches: readonly Placed[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly isDeleted: boolean;
}

type Writable<T> = T extends unknown ? { -readonly [K in keyof T]: T[K] } : never;
type Operation = Writable<HistoryOperation>;

interface Call {
  readonly operation: Operation;
  /** What happens in its moment. Whether it went well. */
  readonly act: () => boolean;
  isGood: boolean | undefined;
}

interface Client {
  readonly name: string;
  readonly mayLag: boolean;
  readonly calls: Call[];
  /** Appends whose outcome it does not know, to try again. */
  readonly doubtful: HistoryAppend[];
  /** How far it has seen the versions of each stream. */
  readonly versions: Map<string, number>;
}

class TinyLog {
  readonly history: Operation[] = [];
  readonly #random: Random;
  readonly #isCalm: boolean;
  readonly #streams = new Map<string, Version[]>();
  readonly #clients: readonly Client[];
  /** What may still happen though nobody waits for it. */
  readonly #late: Call[] = [];
  #generation = 1;
  #ids = 0;
  #tick = 0;

  constructor(random: Random, isCalm: boolean) {
    this.#random = random;
    this.#isCalm = isCalm;
    this.#clients = ['a', 'b', 'c', 'd'].map((name, i) => {
      return { name, mayLag: i >= 2, calls: [], doubtful: [], versions: new Map() };
    });
  }

  /** Somebody does something. */
  step(): void {
    const client = this.#clients[this.#draw(this.#clients.length)] as Client;
    const choice = this.#draw(9);
    if (choice < 4 && client.calls.length < 2) this.#call(client);
    else if (choice < 6) this.#happen(client.calls.find(({ isGood }) => isGood === undefined));
    else if (choice < 8) this.#answer(client);
    else if (this.#draw(2) === 0) this.#fail(client);
    else this.#happen(this.#late.splice(this.#draw(this.#late.length), 1)[0]);
  }

  /** All are answered, and somebody reads everything. */
  end(): void {
    for (const client of this.#clients) {
      for (const call of client.calls) this.#happen(call);
      while (client.calls.length > 0) this.#answer(client);
    }
    const last: Client = { name: 'z', mayLag: false, calls: [], doubtful: [], versions: new Map() };
    for (const [stream, versions] of this.#streams) {
      const { isDeleted, startOffset: from } = versions.at(-1) as Version;
      if (isDeleted) continue;
      this.#read(last, stream, from, 1000);
      this.#happen(last.calls[0]);
      this.#answer(last);
    }
  }

  #call(client: Client): void {
    const kind = this.#draw(this.#isCalm ? 16 : 20);
    const stream = `${this.#draw(2) === 0 ? 's' : 't'}/${this.#generation}`;
    const { startOffset, endOffset } = this.#now(stream);
    const between = (): number => startOffset + this.#draw(endOffset - startOffset + 1);
    if (kind < 8) this.#append(client, stream);
    else if (kind < 14) this.#read(client, stream, between(), 1 + this.#draw(4));
    else if (kind < 16) this.#lookUp(client, stream);
    else if (kind < 18) this.#trim(client, stream, between());
    else if (kind === 18) this.#giveUp(client, stream);
    else if (this.#draw(4) === 0) this.#delete(client, stream);
  }

  #append(client: Client, fresh: string): void {
    const again = this.#draw(3) === 0 ? client.doubtful.shift() : undefined;
    const stream = again?.stream ?? fresh;
    const batches = again?.batches ?? Array.from({ length: 1 + this.#draw(2) }, () => this.#batch());
    const operation: Writable<HistoryAppend> = { do: 'append', ...this.#asks(client, stream), batches, outcome: 'ok' };
    this.#push(client, operation, () => {
      const now = this.#now(stream);
      if (now.isDeleted) return false;
      const [first, last] = [batches[0], batches.at(-1)];
      const known = now.batches.find(({ id }) => id === first?.id);
      // Half of it was given up: there is no right answer.
      if (known !== undefined && now.batches.every(({ id }) => id !== last?.id)) return false;
      let end = known?.startOffset ?? now.endOffset;
      operation.startOffset = end;
      const placed = batches.map((batch) => {
        const startOffset = end;
        end += batch.count;
        return { ...batch, startOffset, endOffset: end };
      });
      operation.endOffset = end;
      if (known !== undefined) return true;
      this.#change(stream, { batches: [...now.batches, ...placed], endOffset: end });
      return true;
    });
  }

  #read(client: Client, stream: string, from: number, countMax: number): void {
    const { mayLag } = client;
    const range = { from, seen: [], startOffset: 0, endOffset: 0 };
    const operation: Writable<HistoryRead> = { do: 'read', ...this.#asks(client, stream), ...range, mayLag };
    this.#push(client, operation, () => {
      const { batches, startOffset, endOffset, isDeleted } = this.#view(client, stream);
      if (isDeleted || from < startOffset) return false;
      const found = batches.filter((batch) => batch.endOffset > from).slice(0, countMax);
      operation.seen = found.map((batch) => {
        return { id: batch.id, isWhole: true, startOffset: batch.startOffset, endOffset: batch.endOffset };
      });
      Object.assign(operation, { startOffset, endOffset });
      return true;
    });
  }

  #lookUp(client: Client, stream: string): void {
    const { mayLag } = client;
    const timestamp = this.#draw(12);
    const operation: Writable<HistoryLookUp> = { do: 'look-up', ...this.#asks(client, stream), timestamp, mayLag };
    this.#push(client, operation, () => {
      const { batches, startOffset, isDeleted } = this.#view(client, stream);
      const left = batches.filter((batch) => batch.endOffset > startOffset);
      const found = left.find((batch) => (batch.timestamp ?? 0) >= timestamp);
      if (found !== undefined) operation.offset = found.startOffset;
      return !isDeleted;
    });
  }

  #trim(client: Client, stream: string, startOffset: number): void {
    const operation: Operation = { do: 'trim', ...this.#asks(client, stream), startOffset, outcome: 'ok' };
    this.#push(client, operation, () => {
      const now = this.#now(stream);
      // It is beyond the end if something was given up since.
      if (now.isDeleted || startOffset > now.endOffset) return false;
      this.#change(stream, { startOffset: Math.max(startOffset, now.startOffset) });
      return true;
    });
  }

  #delete(client: Client, stream: string): void {
    const operation: Operation = { do: 'delete', ...this.#asks(client, stream), outcome: 'ok' };
    this.#generation += 1;
    this.#push(client, operation, () => {
      const { isDeleted } = this.#now(stream);
      this.#change(stream, { isDeleted: true });
      return !isDeleted;
    });
  }

  /** In one moment: nobody else does anything while it is decided. */
  #giveUp(client: Client, stream: string): void {
    const { batches, startOffset, isDeleted } = this.#now(stream);
    const kept = this.#draw(batches.length + 1);
    const from = batches[kept]?.startOffset;
    if (isDeleted || from === undefined || from < startOffset) return;
    const call = { do: 'give-up' as const, ...this.#asks(client, stream), from };
    this.#change(stream, { batches: batches.slice(0, kept), endOffset: from });
    this.history.push({ ...call, answeredAt: this.#rise() });
  }

  #happen(call: Call | undefined): void {
    if (call !== undefined) call.isGood ??= call.act();
  }

  #answer(client: Client): void {
    const index = client.calls.findIndex(({ isGood }) => isGood !== undefined);
    const [call] = index < 0 ? [] : client.calls.splice(index, 1);
    if (call === undefined) return;
    const { operation, isGood } = call;
    operation.answeredAt = this.#rise();
    if ('outcome' in operation) operation.outcome = isGood === true ? 'ok' : 'none';
    if (isGood === true || 'outcome' in operation) this.history.push(operation);
  }

  /** The client does not wait for its first call any longer. */
  #fail(client: Client): void {
    const [call] = client.calls;
    if (call === undefined || !('outcome' in call.operation)) return;
    client.calls.shift();
    const { operation, isGood } = call;
    this.history.push(operation);
    operation.answeredAt = this.#rise();
    operation.outcome = 'unknown';
    if (isGood === undefined) this.#late.push({ ...call, operation: { ...operation } });
    if (operation.do === 'append') client.doubtful.push(operation);
  }

  #push(client: Client, operation: Operation, act: () => boolean): void {
    client.calls.push({ operation, act, isGood: undefined });
  }

  #asks({ name }: Client, stream: string): { client: string; stream: string; calledAt: number } {
    return { client: name, stream, calledAt: this.#rise() };
  }

  #batch(): HistoryBatch {
    this.#ids += 1;
    return { id: `#${this.#ids}`, count: 1 + this.#draw(3), timestamp: this.#draw(12) };
  }

  #versionsOf(stream: string): Version[] {
    const versions = this.#streams.get(stream) ?? [{ batches: [], startOffset: 0, endOffset: 0, isDeleted: false }];
    this.#streams.set(stream, versions);
    return versions;
  }

  #now(stream: string): Version {
    return this.#versionsOf(stream).at(-1) as Version;
  }

  #change(stream: string, change: Partial<Version>): void {
    this.#versionsOf(stream).push({ ...this.#now(stream), ...change });
  }

  /** What a client is shown: whoever may lag, any version since the last it was shown. */
  #view({ versions, mayLag }: Client, stream: string): Version {
    const all = this.#versionsOf(stream);
    const since = versions.get(stream) ?? 0;
    const index = mayLag ? since + this.#draw(all.length - since) : all.length - 1;
    versions.set(stream, index);
    return all[index] as Version;
  }

  #draw(limit: number): number {
    return drawInteger(this.#random, Math.max(limit, 1));
  }

  #rise(): number {
    this.#tick += 1;
    return this.#tick;
  }
}

/** How a history is drawn. */
export interface TinyHistoryOptions {
  readonly random: Random;
  readonly steps: number;
  /** Nothing is trimmed, deleted or given up. */
  readonly isCalm: boolean;
}

/** What clients of a log that is right did and saw, in the order of the answers. */
export function tinyHistory({ random, steps, isCalm }: TinyHistoryOptions): readonly HistoryOperation[] {
  const log = new TinyLog(random, isCalm);
  for (let i = 0; i < steps; i++) log.step();
  log.end();
  return log.history;
}
