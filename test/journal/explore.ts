// Explores every order in which the requests of a few clients can reach the store, and every place where one answer can
// be lost, by playing schedules again and again against the real journal. A state that was reached before, by another
// order, is not gone on from: clients are deterministic, so what they have been answered is what they are.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { recordKey, rootKey, snapshotKey } from '../../src/journal/journal-key.ts';
import { encodeJournalRoot } from '../../src/format/journal-root.ts';
import type { JournalReplica } from '../../src/testkit/journal-replica.ts';
import { ExploredWorld, type Step, type StoredBytes } from './explored-world.ts';
import { nextTurn } from './scripted-runtime.ts';
import { clusterId, recordOf, type ObjectJournalClass } from './scripted-world.ts';

export interface Scope {
  /** Clients that append one record each, again and again until it stands: 'A', 'B'. */
  readonly writers: readonly string[];
  /** Whether a client R catches up once. */
  readonly reader: boolean;
  /** Clients that apply, snapshot twice and collect: 'C', 'D'. */
  readonly collectors: readonly string[];
  /** Answers of record creates and root puts that may be lost. */
  readonly losses: number;
  /** How often a schedule may leave a client that could go on; what is left out are schedules with more switches. */
  readonly switches: number;
  /** Schedules after which the exploration gives up. */
  readonly scheduleCountMax: number;
}

export interface Explored {
  readonly schedules: number;
  readonly steps: number;
  readonly states: number;
  readonly exhausted: boolean;
  /** What was wrong, and the schedule that led there. */
  readonly violation: string | undefined;
}

/** Two writers, one collector, one lost answer, three switches. */
export const commonScope: Scope = {
  writers: ['A', 'B'],
  reader: false,
  collectors: ['C'],
  losses: 1,
  switches: 3,
  scheduleCountMax: 100_000,
};

export async function explore(journals: ObjectJournalClass, scope: Partial<Scope> = {}): Promise<Explored> {
  const within: Scope = { ...commonScope, ...scope };
  const seen = new Map<string, number>();
  const open: (readonly number[])[] = [[]]; // Worked off in order: schedules that stray early come first.
  let [schedules, steps] = [0, 0];
  for (let schedule = open[0]; schedule !== undefined; schedule = open[schedules]) {
    if (schedules === within.scheduleCountMax)
      return { schedules, steps, states: seen.size, exhausted: false, violation: undefined };
    schedules += 1;
    const path: number[] = [];
    const labels: string[] = [];
    try {
      const world = await begin(journals, within);
      await nextTurn();
      let last: string | undefined;
      let switches = 0;
      for (;;) {
        checkPrograms(world);
        const choices = world.steps();
        const goesOn = last !== undefined && choices.some(({ client }) => client === last);
        const isSwitch = ({ client }: Step): boolean => goesOn && client !== undefined && client !== last;
        choices.sort((a, b) => Number(isSwitch(a)) - Number(isSwitch(b)));
        if (path.length >= schedule.length) {
          const state = `${last} ${world.state()}`;
          if ((seen.get(state) ?? Infinity) <= switches) break;
          seen.set(state, switches);
          if (choices.length === 0 || allDone(world, within)) await checkEnd(world, journals, within);
          if (choices.length === 0) break;
          for (const [other, step] of choices.entries())
            if (other > 0 && (switches < within.switches || !isSwitch(step))) open.push([...path, other]);
        }
        const choice = schedule[path.length] ?? 0;
        const step = choices[choice] as Step;
        if (isSwitch(step)) switches += 1;
        last = step.client ?? last;
        path.push(choice);
        labels.push(step.label);
        step.take();
        steps += 1;
        await nextTurn();
      }
    } catch (cause) {
      const message = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
      const violation = `${message} (${labels.length} steps)\n${labels.join('\n')}`;
      return { schedules, steps, states: seen.size, exhausted: false, violation };
    }
  }
  return { schedules, steps, states: seen.size, exhausted: true, violation: undefined };
}

/** Record 1 exists, with a snapshot of it; the clients have applied it. */
const beginning: StoredBytes = new Map([
  [recordKey(clusterId, 1), 'P1'],
  [
    rootKey(clusterId),
    Buffer.from(
      encodeJournalRoot({
        clusterId,
        floor: 0,
        snapshots: [{ index: 1, digest: sha256('P1'), sizeBytes: 2 }],
        nonce: 'P',
      }),
    ).toString('latin1'),
  ],
  [snapshotKey(clusterId, 1, sha256('P1')), 'P1'],
]);

async function begin(
  journals: ObjectJournalClass,
  { writers, reader, collectors, losses }: Scope,
): Promise<ExploredWorld> {
  // With one collector nobody else reads or writes snapshots before the floor has passed somebody: see isPrivate.
  const alone = collectors.length === 1 && !reader && writers.length > 0;
  const privatePrefixes = alone ? [`C ${clusterId}/journal/snapshot-`] : [];
  const world = new ExploredWorld(journals, beginning, losses, privatePrefixes);
  for (const client of writers)
    await world.start(client, async (replica) => {
      replica.history = ['P1'];
      await replica.append(`${client}1`);
      checkHistory(world, replica);
    });
  for (const client of collectors)
    await world.start(client, async (replica) => {
      replica.history = ['P1'];
      await replica.sync();
      if (replica.index < 2) return;
      await replica.journal.saveSnapshot(2, recordOf(replica.history.slice(0, 2).join('\n')));
      if (replica.index < 3) await replica.append(`${client}1`);
      await replica.journal.saveSnapshot(3, recordOf(replica.history.slice(0, 3).join('\n')));
      await replica.journal.truncate(3);
      checkHistory(world, replica);
    });
  if (reader)
    await world.start('R', async (replica) => {
      const acknowledged = [...world.acknowledged.keys()];
      await replica.sync();
      assert.ok(replica.index >= Math.max(0, ...acknowledged), 'sync shows what was acknowledged before it began');
      checkHistory(world, replica);
    });
  return world;
}

function checkPrograms(world: ExploredWorld): void {
  for (const [client, end] of world.done) assert.equal(end, 'done', `${client}: ${end}`);
}

function allDone(world: ExploredWorld, { writers, collectors, reader }: Scope): boolean {
  return world.done.size === writers.length + collectors.length + (reader ? 1 : 0);
}

function checkHistory(world: ExploredWorld, replica: JournalReplica): void {
  assert.deepEqual(replica.history, world.history.slice(0, replica.index), 'a replica has a prefix of the history');
}

/** All programs have ended, and whatever was lost has landed or not: the history is whole, and a new reader sees it. */
async function checkEnd(world: ExploredWorld, journals: ObjectJournalClass, scope: Scope): Promise<void> {
  assert.ok(allDone(world, scope), 'a client waits for nothing');
  assert.equal(new Set(world.history).size, world.history.length, `a record stands twice: ${world.history.join()}`);
  for (const writer of scope.writers) assert.ok(world.history.includes(`${writer}1`), `${writer}1 is in the history`);
  const after = new ExploredWorld(journals, world.values, 0, []);
  after.setFree();
  after.history.splice(0, after.history.length, ...world.history);
  await after.start('Z', async (replica) => {
    await replica.sync();
    assert.deepEqual(replica.history, world.history, 'a new reader sees the whole history');
  });
  for (let turns = 0; turns < 5 && after.done.size === 0; turns += 1) await nextTurn();
  assert.equal(after.done.get('Z'), 'done', after.done.get('Z'));
}

function sha256(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}
