import { expect, test } from 'vitest';
import { qanatError, type Appended, type Stream } from '../../../src/index.ts';
import { silentLog } from '../../../src/kafka/broker-log.ts';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import { newGroup, type Group } from '../../../src/kafka/groups/group.ts';
import { GroupLog } from '../../../src/kafka/groups/group-log.ts';
import { decodeAppend, encodeAppend, encodeEntry, type LogEntry } from '../../../src/kafka/groups/log-entry.ts';
import { applyEntry, entriesOf, goneEntries, topicsGoneEntries } from '../../../src/kafka/groups/stored-group.ts';
import { WireError } from '../../../src/kafka/wire/wire-reader.ts';
import { SeededRuntime } from '../../../src/testkit/seeded-runtime.ts';

/** A stream whose appends become durable, and are refused, when the test says so. */
class SimStream {
  nextOffset = 0;
  startOffset = 0;
  isRefusing = false;
  readonly appended: LogEntry[][] = [];
  readonly #underWay: (() => void)[] = [];
  readonly #refused: (() => void)[] = [];

  append(bytes: Uint8Array): Promise<Appended> {
    if (this.isRefusing) {
      return new Promise((_, reject) => {
        this.#refused.push(() => reject(qanatError('OVERLOADED', 'there is no room', { what: 'memory' })));
      });
    }
    const startOffset = this.nextOffset++;
    this.appended.push([...decodeAppend(bytes)]);
    return new Promise((resolve) => {
      this.#underWay.push(() => resolve({ startOffset, endOffset: startOffset + 1 }));
    });
  }

  trim(offset: number): Promise<void> {
    this.startOffset = offset;
    return Promise.resolve();
  }

  get underWay(): number {
    return this.#underWay.length;
  }

  async complete(): Promise<void> {
    this.#underWay.shift()?.();
    await turn();
  }

  async makeRoom(): Promise<void> {
    this.isRefusing = false;
    this.#refused.shift()?.();
    await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const gone = (groupId: string): LogEntry => ({ kind: 'group-gone', groupId });

function logOn(stream: SimStream, snapshot: readonly LogEntry[] = [], snapshotAfterBytes = 1_000_000): GroupLog {
  const runtime = new SeededRuntime({ seed: 1 });
  const parts = { stream: stream as unknown as Stream, runtime, log: silentLog };
  return new GroupLog({ ...parts, snapshot: () => snapshot, snapshotAfterBytes });
}

test('entries of one turn share an append, and those that come while four are under way share the next', async () => {
  const stream = new SimStream();
  const log = logOn(stream);
  log.write(gone('a'));
  log.write(gone('b'));
  await turn();
  expect(stream.appended).toEqual([[gone('a'), gone('b')]]);
  for (const name of ['c', 'd', 'e', 'f', 'g']) {
    log.write(gone(name));
    await turn();
  }
  expect(stream.underWay).toBe(4);
  await stream.complete();
  expect(stream.appended.at(-1)).toEqual([gone('f'), gone('g')]);
});

test('what was written is done when it is durable, and not before', async () => {
  const stream = new SimStream();
  const log = logOn(stream);
  const written = log.write(gone('a'));
  await turn();
  expect(written.isDone).toBe(false);
  await stream.complete();
  expect(written.isDone).toBe(true);
});

test('an append that is refused for lack of room is made again, before all that was written after it', async () => {
  const stream = new SimStream();
  const log = logOn(stream);
  stream.isRefusing = true;
  const written = log.write(gone('a'));
  await turn();
  log.write(gone('b'));
  await turn();
  expect(stream.appended).toEqual([]);
  await stream.makeRoom();
  expect(stream.appended.flat()).toEqual([gone('a'), gone('b')]);
  while (stream.underWay > 0) await stream.complete();
  expect(written.isDone).toBe(true);
});

test('much that waits is said, so that no more is taken', async () => {
  const stream = new SimStream();
  const log = logOn(stream);
  stream.isRefusing = true;
  for (let i = 0; i < 17; i++) log.write(gone('x'.repeat(1_048_576)));
  await turn();
  expect(log.isFull).toBe(true);
  await stream.makeRoom();
  while (stream.underWay > 0) await stream.complete();
  expect(log.isFull).toBe(false);
});

test('the log is trimmed to where a snapshot began, when all of that is durable and not before', async () => {
  const stream = new SimStream();
  const log = logOn(stream, [gone('a'), gone('b')], 10);
  log.write(gone('0123456789'));
  await turn();
  log.write(gone('more'));
  await turn();
  await stream.complete();
  await turn();
  expect(stream.appended.at(-1)).toEqual([gone('a'), gone('b')]);
  await stream.complete();
  expect([stream.underWay, stream.startOffset]).toEqual([1, 0]);
  await stream.complete();
  await turn();
  expect(stream.startOffset).toBe(2);
});

test('writing nothing waits for what was written before, if anything was', async () => {
  const stream = new SimStream();
  const log = logOn(stream);
  await log.write().done;
  log.write(gone('a'));
  expect(log.write().isDone).toBe(false);
});

test('a log that cannot be read is refused, and not guessed at', () => {
  const append = encodeAppend([encodeEntry(gone('group'))]);
  const changed = (at: number, value: number): Uint8Array => append.map((byte, i) => (i === at ? value : byte));
  expect([...decodeAppend(append)]).toEqual([gone('group')]);
  expect(() => [...decodeAppend(changed(0, 2))]).toThrow(KafkaRefusal);
  expect(() => [...decodeAppend(changed(1, 99))]).toThrow(KafkaRefusal);
  expect(() => [...decodeAppend(append.subarray(0, append.byteLength - 1))]).toThrow(WireError);
});

test('a group with very many offsets is stored in entries that can be read, and so is that they are gone', () => {
  const [groups, copies] = [new Map<string, Group>(), new Map<string, Group>()];
  const group = newGroup('group', 5);
  groups.set('group', group);
  const committed = { leaderEpoch: 3, metadata: 'note', committedAt: 7, expiresAt: undefined };
  for (let topic = 0; topic < 3; topic++) {
    for (let partition = 0; partition < 70_000; partition++)
      group.offsets.set(`topic-${topic}`, partition, { ...committed, offset: partition });
  }
  const carryOver = (entries: Iterable<LogEntry>): void => {
    for (const entry of entries) {
      const append = encodeAppend([encodeEntry(entry)]);
      expect(append.byteLength).toBeLessThan(4_000_000);
      for (const read of decodeAppend(append)) applyEntry(copies, read);
    }
  };
  carryOver(entriesOf(group));
  expect(copies.get('group')?.offsets.topic('topic-2')).toEqual(group.offsets.topic('topic-2'));
  const partitionIndexes = Array.from({ length: 70_000 }, (_, i) => i);
  carryOver(
    goneEntries('group', [
      { name: 'topic-0', partitionIndexes },
      { name: 'topic-1', partitionIndexes: [4] },
    ]),
  );
  expect(copies.get('group')?.offsets.topic('topic-0')).toBeUndefined();
  expect(copies.get('group')?.offsets.topic('topic-1')?.size).toBe(69_999);
  carryOver(topicsGoneEntries(['topic-1', 'topic-2']));
  expect(copies.get('group')?.offsets.isEmpty).toBe(true);
  expect(copies.get('group')?.offsets.sizeBytes).toBe(0);
});
