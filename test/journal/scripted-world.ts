// What the scripts play in: one scripted store, and clients of one journal on it.
import assert from 'node:assert/strict';
import { decodeJournalRoot, type JournalRoot } from '../../src/format/journal-root.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { recordKey, rootKey } from '../../src/journal/journal-key.ts';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import type { Observer } from '../../src/model/events.ts';
import { JournalReplica, recordOf, textOf } from '../../src/testkit/journal-replica.ts';
import { ScriptedObjectStore } from './scripted-object-store.ts';
import { ScriptedRuntime } from './scripted-runtime.ts';

/** The class under test: the real one, or one with a line changed. */
export type ObjectJournalClass = Pick<typeof ObjectJournal, 'open'>;

export const clusterId: string = '0123456789abcdef'.repeat(2);

export class ScriptedWorld {
  readonly store: ScriptedObjectStore = new ScriptedObjectStore(clusterId);
  readonly runtime: ScriptedRuntime = new ScriptedRuntime();
  readonly #journals: ObjectJournalClass;

  constructor(journals: ObjectJournalClass = ObjectJournal) {
    this.#journals = journals;
  }

  async open(client: string, observer?: Observer): Promise<Journal> {
    return this.#journals.open({ store: this.store.as(client), clusterId, runtime: this.runtime, observer });
  }

  async openReplica(client: string): Promise<JournalReplica> {
    return new JournalReplica(await this.open(client));
  }

  /** What really stands at `index`, as text. */
  async standing(index: number): Promise<string | undefined> {
    const value = await this.store.inner.get(recordKey(clusterId, index), { purpose: 'journal' });
    return typeof value === 'string' ? undefined : textOf(value.bytes);
  }

  /** The root as it really is. */
  async root(): Promise<JournalRoot> {
    const key = rootKey(clusterId);
    const value = await this.store.inner.get(key, { purpose: 'journal' });
    assert.ok(typeof value === 'object');
    return decodeJournalRoot(value.bytes, { key });
  }

  /**
   * Lets `collector` bring the floor to `index`: it applies what is there, snapshots it at `index`, adds one record,
   * snapshots that and truncates, so that `index` is the older of two.
   */
  async collectTo(collector: JournalReplica, index: number): Promise<void> {
    await collector.sync();
    assert.equal(collector.index, index);
    await collector.collect();
    await collector.append(`collector ${index + 1}`);
    assert.equal(await collector.collect(), index);
    assert.equal(await this.standing(index), undefined);
  }
}

export { recordOf };
