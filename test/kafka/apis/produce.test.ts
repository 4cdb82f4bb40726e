// Produce over the wire: what is acknowledged and how, what is refused, and the order of what was sent at once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaErrors } from '../../../src/kafka/kafka-error.ts';
import { initProducerIdApi } from '../../../src/kafka/messages/init-producer-id.ts';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { startBroker, type BrokerInTest } from '../broker-in-test.ts';
import { platformaticBatch } from '../records/make-batches.ts';
import { batchOf, createTopic, fetchFrom, produceTo, recordsOf } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';

let broker: BrokerInTest;
let client: WireClient;
beforeAll(async () => {
  broker = await startBroker();
  client = await broker.client();
  await createTopic(client, 't', 4);
});
afterAll(() => broker.close());

describe('an acknowledgement', () => {
  it.each([3, 5, 8, 9, 11])('says where the records are, in version %i', async (version) => {
    const before = (await fetchFrom(client, [{ topic: 't' }]))[0]?.highWatermark;
    const answer = await produceTo(client, 't', batchOf('a', 'b'), { version });
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: before, logAppendTimeMs: -1 });
    expect((await fetchFrom(client, [{ topic: 't', offset: before! }]))[0]?.highWatermark).toBe(before! + 2);
  });

  it.each([1, -1])('comes with acks=%i when the records can be read', async (acks) => {
    const { baseOffset, errorCode } = await produceTo(client, 't', batchOf('x'), { acks });
    expect(errorCode).toBe(0);
    const [found] = await fetchFrom(client, [{ topic: 't', offset: baseOffset }]);
    expect(readBatchHeader(recordsOf(found)).baseOffset).toBe(baseOffset);
  });

  it('does not come with acks=0, and the next request is answered', async () => {
    const other = await broker.client();
    const before = (await fetchFrom(other, [{ topic: 't', partition: 1 }]))[0]?.highWatermark;
    const unanswered = produceTo(other, 't', batchOf('quiet'), { partition: 1, acks: 0 });
    unanswered.catch(() => {}); // The next answer is taken for its own, and does not fit.
    const [found] = await fetchFrom(client, [{ topic: 't', partition: 1, offset: before! }], { maxWaitMs: 5_000 });
    expect(found?.highWatermark).toBe(before! + 1);
  });

  it('says when the broker has given the records their time', async () => {
    await createTopic(client, 'stamped', 1, { 'message.timestamp.type': 'LogAppendTime' });
    const since = Date.now();
    const answer = await produceTo(client, 'stamped', batchOf({ value: 'a', timestamp: 1_000 }));
    expect(answer.logAppendTimeMs).toBeGreaterThanOrEqual(since);
    const [found] = await fetchFrom(client, [{ topic: 'stamped' }]);
    expect(readBatchHeader(recordsOf(found)).maxTimestamp).toBe(answer.logAppendTimeMs);
  });
});

describe('what was sent at once', () => {
  it('comes in its order, to partitions that nobody has used yet, too', async () => {
    await createTopic(client, 'fresh', 3);
    const values = Array.from({ length: 60 }, (_, i) => `value-${i}`);
    const partitions = values.map((_, i) => (i === 0 ? 0 : i % 3));
    const answers = await Promise.all(
      values.map((value, i) => produceTo(client, 'fresh', batchOf(value), { partition: partitions[i]! })),
    );
    for (const partition of [0, 1, 2]) {
      const offsets = answers.filter((_, i) => partitions[i] === partition).map(({ baseOffset }) => baseOffset);
      expect(offsets).toEqual(offsets.map((_, i) => i));
    }
  });
});

describe('an idempotent producer', () => {
  it('gets the same offset for what it sends again, and is told of a gap', async () => {
    const asked = { transactionalId: null, transactionTimeoutMs: 1_000, producerId: -1, producerEpoch: -1 };
    const { producerId, producerEpoch, errorCode } = await client.send(initProducerIdApi, 4, asked);
    expect(errorCode).toBe(0);
    const batch = (): Uint8Array =>
      platformaticBatch([{ value: 'once', timestamp: Date.now() }], { producerId: BigInt(producerId), producerEpoch });
    const first = await produceTo(client, 't', batch(), { partition: 2 });
    const again = await produceTo(client, 't', batch(), { partition: 2 });
    expect(first).toMatchObject({ errorCode: 0 });
    expect(again).toMatchObject({ errorCode: 0, baseOffset: first.baseOffset });
    expect((await fetchFrom(client, [{ topic: 't', partition: 2 }]))[0]?.highWatermark).toBe(first.baseOffset + 1);
  });

  it('is refused a transactional id in a way that is final', async () => {
    const asked = { transactionalId: 'tx', transactionTimeoutMs: 1_000, producerId: -1, producerEpoch: -1 };
    const { errorCode } = await client.send(initProducerIdApi, 4, asked);
    expect(errorCode).toBe(kafkaErrors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  });
});

describe('what is refused', () => {
  const codeOf = async (...args: Parameters<typeof produceTo>): Promise<number> => (await produceTo(...args)).errorCode;

  it('leaves nothing behind', async () => {
    const [before] = await fetchFrom(client, [{ topic: 't', partition: 3 }]);
    const spoiled = batchOf('a');
    spoiled[spoiled.length - 1]! ^= 1;
    const cut = batchOf('a').subarray(0, 65);
    const to = { partition: 3 };
    expect(await codeOf(client, 't', spoiled, to)).toBe(kafkaErrors.CORRUPT_MESSAGE);
    expect(await codeOf(client, 't', cut, to)).toBe(kafkaErrors.INVALID_RECORD);
    expect(await codeOf(client, 't', null, to)).toBe(kafkaErrors.INVALID_RECORD);
    expect(await codeOf(client, 't', batchOf('a'), { ...to, acks: 2 })).toBe(kafkaErrors.INVALID_REQUIRED_ACKS);
    expect(await codeOf(client, 't', batchOf('a'), { ...to, transactionalId: 'x' })).not.toBe(0);
    for (const version of [0, 1, 2])
      expect(await codeOf(client, 't', batchOf('a'), { ...to, version })).toBe(kafkaErrors.UNSUPPORTED_VERSION);
    const [after] = await fetchFrom(client, [{ topic: 't', partition: 3 }]);
    expect(after?.highWatermark).toBe(before?.highWatermark);
  });

  it('is a partition or topic that is not there', async () => {
    expect(await codeOf(client, 't', batchOf('a'), { partition: 4 })).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await codeOf(client, 't', batchOf('a'), { partition: -1 })).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await codeOf(client, 'nowhere', batchOf('a'))).toBe(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it('is what is larger than the topic allows', async () => {
    await createTopic(client, 'small', 1, { 'max.message.bytes': '1000' });
    expect(await codeOf(client, 'small', batchOf('x'.repeat(900)))).toBe(0);
    expect(await codeOf(client, 'small', batchOf('x'.repeat(1_000)))).toBe(kafkaErrors.MESSAGE_TOO_LARGE);
  });

  it('is told by closing the connection to who wants no acknowledgement', async () => {
    const other = await broker.client();
    produceTo(other, 'nowhere', batchOf('a'), { acks: 0 }).catch(() => {});
    await other.closed;
  });

  it('concerns its partition only', async () => {
    const { produceApi } = await import('../../../src/kafka/messages/produce.ts');
    const { responses } = await client.send(produceApi, 9, {
      ...{ transactionalId: null, acks: -1, timeoutMs: 5_000 },
      topicData: [
        { name: 'nowhere', partitionData: [{ index: 0, records: batchOf('a') }] },
        { name: 't', partitionData: [9, 0].map((index) => ({ index, records: batchOf('a') })) },
      ],
    });
    const codes = responses.map(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode));
    const unknown = kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION;
    expect(codes).toEqual([[unknown], [unknown, 0]]);
  });
});
