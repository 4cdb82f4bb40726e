// Fetch over the wire: its limits, its waits, and what it says when something is wrong.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaErrors } from '../../../src/kafka/kafka-error.ts';
import { deleteTopicsApi } from '../../../src/kafka/messages/delete-topics.ts';
import { fetchApi } from '../../../src/kafka/messages/fetch.ts';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { zeroUuid } from '../../../src/kafka/wire/schema.ts';
import { startBroker, type BrokerInTest } from '../broker-in-test.ts';
import { javaBatch } from '../records/make-batches.ts';
import { batchOf, createTopic, fetchFrom, fetchRequest, produceTo, recordsOf } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';

let broker: BrokerInTest;
let client: WireClient;
let next = 0;
const newName = (): string => `topic-${next++}`;

beforeAll(async () => {
  broker = await startBroker({ settings: { 'fetch.max.bytes': 100_000 } });
  client = await broker.client();
});
afterAll(() => broker.close());

/** A topic with batches in it, one after the other. */
async function filled(...batches: readonly Uint8Array[]): Promise<string> {
  const topic = newName();
  await createTopic(client, topic);
  for (const batch of batches) expect((await produceTo(client, topic, batch)).errorCode).toBe(0);
  return topic;
}

/** Offsets at which the batches of an answer begin. */
function offsetsIn(records: Uint8Array): readonly number[] {
  const offsets: number[] = [];
  for (let at = 0; at < records.byteLength;) {
    const { baseOffset, sizeBytes } = readBatchHeader(records, at);
    offsets.push(baseOffset);
    at += sizeBytes;
  }
  return offsets;
}

const ofSize = (bytes: number): Uint8Array => batchOf('x'.repeat(bytes));

describe('what is given', () => {
  it.each([4, 7, 11, 12])('is the batches as they are stored, in version %i', async (version) => {
    const topic = await filled(batchOf('a', 'b'), batchOf('c'));
    const [found] = await fetchFrom(client, [{ topic }], { version });
    expect(found).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, abortedTransactions: null });
    expect(offsetsIn(recordsOf(found))).toEqual([0, 2]);
  });

  it('is the same by the id of a topic', async () => {
    const topic = newName();
    const topicId = await createTopic(client, topic);
    await produceTo(client, topic, batchOf('a'));
    const { responses } = await client.send(fetchApi, 17, fetchRequest([{ topicId }]));
    expect(responses[0]).toMatchObject({ topicId, partitions: [{ errorCode: 0, highWatermark: 1 }] });
  });

  it('begins with the batch that holds the offset', async () => {
    const topic = await filled(batchOf('a', 'b', 'c'), batchOf('d'));
    const [found] = await fetchFrom(client, [{ topic, offset: 2 }]);
    expect(offsetsIn(recordsOf(found))).toEqual([0, 3]);
  });

  it('is nothing at the end', async () => {
    const topic = await filled(batchOf('a'));
    const [found] = await fetchFrom(client, [{ topic, offset: 1 }]);
    expect(found).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(recordsOf(found).byteLength).toBe(0);
  });

  it('lists aborted transactions, of which there are none, for who reads what is committed', async () => {
    const topic = await filled(batchOf('a'));
    const [found] = await fetchFrom(client, [{ topic }], { isolationLevel: 1 });
    expect(found?.abortedTransactions).toEqual([]);
  });
});

describe('limits', () => {
  it('of a partition hold, but for its first batch', async () => {
    const topic = await filled(ofSize(1_000), ofSize(1_000), ofSize(1_000));
    const [two] = await fetchFrom(client, [{ topic, maxBytes: 2_500 }]);
    expect(offsetsIn(recordsOf(two))).toEqual([0, 1]);
    const [one] = await fetchFrom(client, [{ topic, maxBytes: 10 }]);
    expect(offsetsIn(recordsOf(one))).toEqual([0]);
  });

  it('of an answer hold over all partitions, and only the first batch of all may be larger', async () => {
    const first = await filled(ofSize(1_000), ofSize(1_000));
    const second = await filled(ofSize(1_000), ofSize(1_000));
    const wanted = [{ topic: first }, { topic: second }];
    const some = await fetchFrom(client, wanted, { maxBytes: 3_500 });
    expect(some.map((found) => offsetsIn(recordsOf(found)))).toEqual([[0, 1], [0]]);
    const one = await fetchFrom(client, wanted, { maxBytes: 1 });
    expect(one.map((found) => offsetsIn(recordsOf(found)))).toEqual([[0], []]);
    const other = await fetchFrom(client, [{ topic: first, offset: 2 }, { topic: second }], { maxBytes: 1 });
    expect(other.map((found) => offsetsIn(recordsOf(found)))).toEqual([[], [0]]);
  });

  it('of the broker hold, whatever a client asks for', async () => {
    const topic = await filled(ofSize(60_000), ofSize(60_000));
    const [found] = await fetchFrom(client, [{ topic }], { maxBytes: 2 ** 31 - 1 });
    expect(offsetsIn(recordsOf(found))).toEqual([0]);
  });
});

describe('waiting', () => {
  it('ends when the time is over', async () => {
    const topic = await filled();
    const since = performance.now();
    const [found] = await fetchFrom(client, [{ topic }], { maxWaitMs: 200 });
    expect(found?.errorCode).toBe(0);
    expect(performance.now() - since).toBeGreaterThan(190);
    expect(performance.now() - since).toBeLessThan(2_000);
  });

  it('ends at once when records arrive, in any of the partitions', async () => {
    const [first, second] = [await filled(), await filled()];
    const other = await broker.client();
    const since = performance.now();
    const waiting = fetchFrom(client, [{ topic: first }, { topic: second }], { maxWaitMs: 20_000 });
    await produceTo(other, second, batchOf('late'));
    const found = await waiting;
    expect(found.map((one) => offsetsIn(recordsOf(one)))).toEqual([[], [0]]);
    expect(performance.now() - since).toBeLessThan(5_000);
  });

  it('goes on until there are as many bytes as are wanted', async () => {
    const topic = await filled(ofSize(1_000));
    const other = await broker.client();
    let isAnswered = false;
    const waiting = fetchFrom(client, [{ topic }], { maxWaitMs: 20_000, minBytes: 2_500 });
    void waiting.then(() => (isAnswered = true));
    await produceTo(other, topic, ofSize(1_000));
    await fetchFrom(other, [{ topic, offset: 2 }], { maxWaitMs: 50 });
    expect(isAnswered).toBe(false);
    await produceTo(other, topic, ofSize(1_000));
    const [found] = await waiting;
    expect(offsetsIn(recordsOf(found))).toEqual([0, 1, 2]);
  });

  it('is not for what is not wanted: where partitions are full, an answer cannot grow', async () => {
    const topic = await filled(ofSize(1_000), ofSize(1_000));
    const other = await broker.client();
    const since = performance.now();
    const limits = { maxWaitMs: 4_000, minBytes: 50_000 };
    const [found] = await fetchFrom(client, [{ topic, maxBytes: 1_500 }], limits);
    expect(offsetsIn(recordsOf(found))).toEqual([0]);
    expect(performance.now() - since).toBeLessThan(2_000);
    // Beside one that waits for more, it takes nobody's time.
    const empty = await filled();
    const waiting = fetchFrom(client, [{ topic, maxBytes: 1_500 }, { topic: empty }], { ...limits, maxWaitMs: 1_500 });
    const asked = performance.now();
    for (let i = 0; i < 20; i++) await fetchFrom(other, [{ topic: empty }]);
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect((await waiting).map((one) => offsetsIn(recordsOf(one)))).toEqual([[0], []]);
  });

  it('does not happen where one of many partitions errs', async () => {
    const topic = await filled();
    const found = await fetchFrom(client, [{ topic }, { topic: 'nobody-made-it' }], { maxWaitMs: 20_000 });
    expect(found.map(({ errorCode }) => errorCode)).toEqual([0, kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION]);
  });

  it('ends when the topic is deleted', async () => {
    const topic = await filled();
    const other = await broker.client();
    const waiting = fetchFrom(client, [{ topic }], { maxWaitMs: 20_000 });
    await fetchFrom(other, [{ topic }]);
    await other.send(deleteTopicsApi, 4, { topicNames: [topic], topics: [], timeoutMs: 5_000 });
    const [found] = await waiting;
    expect(found?.errorCode).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('what is wrong', () => {
  it('is said of an offset before the start or beyond the end', async () => {
    const topic = await filled(batchOf('a'));
    for (const offset of [-1, 2, Number.MAX_SAFE_INTEGER]) {
      const [found] = await fetchFrom(client, [{ topic, offset }]);
      expect(found).toMatchObject({ errorCode: kafkaErrors.OFFSET_OUT_OF_RANGE, highWatermark: -1 });
    }
  });

  it('is said of partitions and ids that are not there', async () => {
    const topic = await filled();
    const [beyond, before] = await fetchFrom(client, [
      { topic, partition: 1 },
      { topic, partition: -1 },
    ]);
    expect(beyond?.errorCode).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    expect(before?.errorCode).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    const { responses } = await client.send(fetchApi, 13, fetchRequest([{ topicId: zeroUuid }]));
    expect(responses[0]?.partitions[0]?.errorCode).toBe(kafkaErrors.UNKNOWN_TOPIC_ID);
  });

  it('is said of a leader epoch that is over, or not yet', async () => {
    const topic = await filled(batchOf('a'));
    const codes = async (leaderEpoch: number): Promise<number | undefined> =>
      (await fetchFrom(client, [{ topic, leaderEpoch }]))[0]?.errorCode;
    expect(await codes(1_000_000)).toBe(kafkaErrors.UNKNOWN_LEADER_EPOCH);
    expect(await codes(0)).toBe(kafkaErrors.FENCED_LEADER_EPOCH);
  });

  it('is said of zstd to versions that do not know it', async () => {
    const topic = await filled(batchOf('plain'));
    const zstd = javaBatch('mixed', 'zstd');
    const old = await produceTo(client, topic, Uint8Array.from(zstd), { version: 6 });
    expect(old.errorCode).toBe(kafkaErrors.UNSUPPORTED_COMPRESSION_TYPE);
    expect((await produceTo(client, topic, zstd, { version: 7 })).errorCode).toBe(0);
    const codeOf = async (version: number): Promise<number | undefined> =>
      (await fetchFrom(client, [{ topic, offset: 1 }], { version }))[0]?.errorCode;
    expect(await codeOf(9)).toBe(kafkaErrors.UNSUPPORTED_COMPRESSION_TYPE);
    expect(await codeOf(10)).toBe(0);
  });

  it('is said of sessions, which are not kept: a full fetch gets none, and none goes on', async () => {
    const topic = await filled(batchOf('a'));
    const full = await client.send(fetchApi, 11, fetchRequest([{ topic }], { sessionId: 0, sessionEpoch: 0 }));
    expect(full).toMatchObject({ errorCode: 0, sessionId: 0 });
    const on = await client.send(fetchApi, 11, fetchRequest([], { sessionId: 7, sessionEpoch: 1 }));
    expect(on).toMatchObject({ errorCode: kafkaErrors.FETCH_SESSION_ID_NOT_FOUND, responses: [] });
    const last = await client.send(fetchApi, 11, fetchRequest([{ topic }], { sessionId: 7, sessionEpoch: -1 }));
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0 });
  });
});
