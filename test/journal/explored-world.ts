// One world of the exploration: clients of one journal whose every request to the store waits until it is chosen. A
// request takes effect and is answered in one step, or, while the budget lasts, its answer is lost: after it took effect,
// or before, and then it may land at any later step or never.
//
// What must be true is checked at once, against the history as the store saw it: the first record created at each index.
import assert from 'node:assert/strict';
import { decodeJournalRoot, type JournalRoot } from '../../src/format/journal-root.ts';
import type { AppendVerdict, Journal } from '../../src/journal/journal.ts';
import { recordIndexOf, rootKey, snapshotKey } from '../../src/journal/journal-key.ts';
import { isNotBehind } from '../../src/journal/next-root.ts';
import type { ObjectStore, PutCondition } from '../../src/store/object-store.ts';
import { JournalReplica, textOf } from '../../src/testkit/journal-replica.ts';
import { ScriptedRuntime } from './scripted-runtime.ts';
import { clusterId, type ObjectJournalClass } from './scripted-world.ts';

/** A request that waits, or a lost one that may still land. */
interface Waiting {
  readonly client: string;
  readonly line: string;
  readonly key: string;
  readonly writes: boolean;
  /** Whether its answer may be lost: creates of records, and root puts. */
  readonly canBeLost: boolean;
  readonly run: () => unknown;
  readonly answer: (answer: unknown) => void;
}

/** What can happen next: a request goes through, loses its answer after or before it took effect, or lands late. */
export interface Step {
  /** Whose request it is; undefined for one that lands late. */
  readonly client: string | undefined;
  readonly label: string;
  readonly take: () => void;
}

/** Bytes by key, as text in one character per byte; the etag of a value is the value, so equal worlds are equal. */
export type StoredBytes = ReadonlyMap<string, string>;

/** Runs of two records are read one request after the other, so a client has one request under way at a time. */
const runLength = 2;

export class ExploredWorld {
  readonly values: Map<string, string>;
  /** The first record ever created at each index: the history. */
  readonly history: string[];
  /** Indexes and texts that a writer has been told of. */
  readonly acknowledged: Map<number, string> = new Map();
  readonly done: Map<string, string> = new Map();
  readonly #journals: ObjectJournalClass;
  readonly #memories = new Map<string, number>();
  readonly #privatePrefixes: readonly string[];
  #losses: number;
  #waiting: Waiting[] = [];
  #late: Waiting[] = [];
  readonly #opening = new Set<string>();
  #free = false;

  constructor(journals: ObjectJournalClass, values: StoredBytes, losses: number, privatePrefixes: readonly string[]) {
    this.#journals = journals;
    this.values = new Map(values);
    this.#losses = losses;
    this.#privatePrefixes = privatePrefixes;
    this.history = [];
    for (const [key, value] of values) {
      const index = recordIndexOf(key);
      if (index !== undefined) this.history[index - 1] = value;
    }
  }

  /** Starts a client's program and resolves when it is at its first request; how it ends is kept in `done`. */
  async start(client: string, program: (replica: JournalReplica) => Promise<void>): Promise<void> {
    this.#memories.set(client, 0);
    this.#opening.add(client);
    let begun = (): void => {};
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const store = this.#storeOf(client);
    const run = async (): Promise<void> => {
      // Opening and the first look behind the end are not part of what is explored.
      const journal = await this.#journals.open({ store, clusterId, runtime: new ClientRuntime(client) });
      await journal.read(2, 8);
      this.#opening.delete(client);
      begun();
      await program(new JournalReplica(this.#checked(journal), runLength));
    };
    run().then(
      () => this.done.set(client, 'done'),
      (cause: unknown) => this.done.set(client, cause instanceof Error ? cause.message : String(cause)),
    );
    await beginning;
  }

  /** From now on nothing waits: for what is looked at when all programs have ended. */
  setFree(): void {
    this.#free = true;
  }

  steps(): Step[] {
    const quiet = this.#waiting.find((request) => this.#isPrivate(request));
    if (quiet !== undefined) return [this.#through(quiet)];
    const steps = this.#waiting.map((request) => this.#through(request));
    if (this.#losses > 0)
      for (const request of this.#waiting.filter(({ canBeLost }) => canBeLost))
        steps.push(this.#lost(request, true), this.#lost(request, false));
    for (const request of this.#late)
      steps.push({
        client: undefined,
        label: `${request.line} lands late`,
        take: () => {
          this.#late = this.#late.filter((other) => other !== request);
          request.run();
        },
      });
    return steps;
  }

  /** Everything that what happens next depends on. */
  state(): string {
    const values = [...this.values].map(([key, value]) => `${idOf(key)}=${idOf(value)}`).toSorted();
    const late = this.#late.map(({ line }) => line).toSorted();
    return [values, [...this.#memories.values()], this.history, late, this.#losses].map(String).join('\n');
  }

  /** A step of a request that no other client's request can meet: its moment does not matter, so it goes at once. */
  #isPrivate({ client, key, writes }: Waiting): boolean {
    if (this.#privatePrefixes.some((prefix) => `${client} ${key}`.startsWith(prefix))) return true;
    // Only the collector writes the root: its own reads of it meet nothing, unless a write of its own is still out.
    const isRoot = key === rootKey(clusterId);
    return isRoot && !writes && client === 'C' && this.#privatePrefixes.length > 0 && this.#late.length === 0;
  }

  #through(request: Waiting): Step {
    return { client: request.client, label: request.line, take: () => this.#answer(request, request.run()) };
  }

  #lost(request: Waiting, tookEffect: boolean): Step {
    return {
      client: request.client,
      label: `${request.line}, answer lost ${tookEffect ? 'after' : 'before'} it took effect`,
      take: () => {
        this.#losses -= 1;
        if (tookEffect) request.run();
        else this.#late.push(request);
        this.#answer(request, { outcome: 'unknown' });
      },
    };
  }

  #answer(request: Waiting, answer: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== request);
    const seen = JSON.stringify(answer, (_, value: unknown) => (value instanceof Uint8Array ? undefined : value));
    this.#memories.set(request.client, idOf(`${this.#memories.get(request.client)} ${request.line} ${idOf(seen)}`));
    request.answer(answer);
  }

  #storeOf(client: string): ObjectStore {
    const wait = async <T>(operation: string, key: string, canBeLost: boolean, run: () => unknown): Promise<T> => {
      if (this.#free || this.#opening.has(client)) return run() as T;
      const name = key
        .slice(clusterId.length + 9)
        .replace(/0{6,}/, '')
        .replace(/-[0-9a-f]{56}/, '-');
      const line = `${client} ${operation} ${name}`;
      return new Promise((resolve, reject) => {
        const answer = (value: unknown): void => resolve(value as T);
        const careful = (): unknown => {
          try {
            return run();
          } catch (cause) {
            reject(cause as Error);
            throw cause;
          }
        };
        const writes = operation === 'put' || operation === 'delete';
        this.#waiting.push({ client, line, key, writes, canBeLost, run: careful, answer });
      });
    };
    return {
      put: (key, body, options) => {
        const canBeLost = recordIndexOf(key) !== undefined || key === rootKey(clusterId);
        const value = Buffer.from(body).toString('latin1');
        return wait('put', key, canBeLost, () => this.#put(key, value, options.if));
      },
      get: (key, options) =>
        wait('get', key, false, () => {
          const value = this.values.get(key);
          if (value === undefined) return 'missing';
          if (value === options.ifNoneMatch) return 'not-modified';
          return { bytes: new Uint8Array(Buffer.from(value, 'latin1')), etag: value, size: value.length };
        }),
      list: ({ prefix, after = '', limit = 1_000 }) =>
        wait('list', prefix, false, () => {
          const keys = [...this.values.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
          const page = keys.slice(0, limit).map((key) => ({ key, size: 1 }));
          return { keys: page, more: keys.length > limit };
        }),
      delete: (keys) =>
        wait('delete', String(keys[0]), false, () => {
          for (const key of keys) this.#delete(key);
          return { failed: [] };
        }),
    };
  }

  #put(key: string, value: string, condition: PutCondition | undefined): unknown {
    const standing = this.values.get(key);
    if (condition === 'absent' && standing !== undefined) return { outcome: 'exists' };
    if (typeof condition === 'object' && condition.etag !== standing) return { outcome: 'changed' };
    const index = recordIndexOf(key);
    if (index !== undefined && index > this.#root().floor) {
      assert.equal(this.history[index - 1], undefined, `a second record is created at ${index}, above the floor`);
      this.history[index - 1] = value;
    }
    if (key === rootKey(clusterId)) this.#checkRoot(decode(value));
    this.values.set(key, value);
    return { outcome: 'stored', etag: value };
  }

  #checkRoot(root: JournalRoot): void {
    assert.ok(isNotBehind(root, this.#root()), 'the root moves back');
    for (const { index, digest } of root.snapshots) {
      const snapshot = this.values.get(snapshotKey(clusterId, index, digest));
      assert.ok(snapshot !== undefined, `the root names a snapshot at ${index} that does not exist`);
      assert.equal(snapshot, this.history.slice(0, index).join('\n'), `the snapshot at ${index} is the history`);
    }
  }

  #delete(key: string): void {
    const { floor, snapshots } = this.#root();
    assert.ok((recordIndexOf(key) ?? 0) <= floor, 'a record is deleted above the floor');
    const isNamed = snapshots.some(({ index, digest }) => snapshotKey(clusterId, index, digest) === key);
    assert.ok(!isNamed, 'a snapshot is deleted while the root names it');
    this.values.delete(key);
  }

  #root(): JournalRoot {
    return decode(this.values.get(rootKey(clusterId)) ?? '');
  }

  /** The journal with every answer compared with the truth. */
  #checked(journal: Journal): Journal {
    const judge = (index: number, text: string, verdict: AppendVerdict): void => {
      const isOurs = this.history[index - 1] === text;
      if (verdict === 'collected') assert.ok(index <= this.#root().floor, `${index} is collected above the floor`);
      else assert.equal(verdict === 'appended', isOurs, `append of ${text} at ${index} said ${verdict}`);
      if (verdict === 'appended') this.acknowledged.set(index, text);
    };
    return {
      append: async (index, bytes) => {
        const verdict = await journal.append(index, bytes);
        judge(index, textOf(bytes), verdict);
        return verdict;
      },
      read: async (from, limit) => {
        const known = Math.max(0, ...this.acknowledged.keys());
        const run = await journal.read(from, limit);
        if (run === 'collected') {
          assert.ok(from <= this.#root().floor, `the run from ${from} is collected above the floor`);
          return run;
        }
        const end = from - 1 + run.records.length;
        assert.deepEqual(run.records.map(textOf), this.history.slice(from - 1, end), 'a run is the history');
        if (run.records.length < limit) assert.ok(end >= known, `a run ends at ${end}; ${known} was acknowledged`);
        return run;
      },
      snapshots: () => journal.snapshots(),
      saveSnapshot: (index, bytes) => journal.saveSnapshot(index, bytes),
      truncate: (upTo) => journal.truncate(upTo),
      close: () => journal.close(),
    };
  }
}

const ids = new Map<string, number>();

/** A small number for a text: the same for the same text, in all worlds of the process. */
function idOf(text: string): number {
  const id = ids.get(text) ?? ids.size + 1;
  ids.set(text, id);
  return id;
}

function decode(value: string): JournalRoot {
  return decodeJournalRoot(new Uint8Array(Buffer.from(value, 'latin1')), { key: 'root' });
}

/** No wait takes any time, no deadline comes, and no two clients draw the same ids. */
class ClientRuntime extends ScriptedRuntime {
  override readonly random: ScriptedRuntime['random'];
  override readonly timers: ScriptedRuntime['timers'];

  constructor(client: string) {
    super();
    let drawn = 0;
    this.random = {
      fraction: () => 0.5,
      bytes: (length) => {
        drawn += 1;
        return new Uint8Array(length).fill(client.charCodeAt(0)).fill(drawn, length - 1);
      },
    };
    this.timers = {
      after: (delayMs, run) => {
        if (delayMs < 10_000) queueMicrotask(run);
        return { cancel: () => {} };
      },
      turn: async () => {},
    };
  }
}
