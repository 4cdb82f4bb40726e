// What comes over a connection that is no request, or half of one, or too much: the connection is closed or held back,
// what is kept for it is bounded, and nobody else notices.
import { afterEach, describe, expect, test } from 'vitest';
import type { BrokerMeter } from '../../../src/kafka/broker-meter.ts';
import { silentMeter } from '../../../src/kafka/broker-meter.ts';
import { kafkaErrors } from '../../../src/kafka/kafka-error.ts';
import { apiVersionsApi } from '../../../src/kafka/messages/api-versions.ts';
import { deleteGroupsApi } from '../../../src/kafka/messages/delete-groups.ts';
import { fetchApi } from '../../../src/kafka/messages/fetch.ts';
import { produceApi } from '../../../src/kafka/messages/produce.ts';
import { type Api, requestElementsMax } from '../../../src/kafka/wire/api.ts';
import { readResponseHeader, writeRequestHeader } from '../../../src/kafka/wire/headers.ts';
import { WireReader } from '../../../src/kafka/wire/wire-reader.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';
import { startBroker, type BrokerInTest, type BrokerInTestOptions } from '../broker-in-test.ts';
import { servedApis } from '../messages/served-apis.ts';
import { batchOf, createTopic, fetchFrom, fetchRequest, metadataOf, produceTo, recordsOf } from '../talk.ts';
import { openRaw, type RawSocket, withLength } from './raw-socket.ts';

/** A broker that is closed after the test, and why it closed connections. */
interface Watched extends BrokerInTest {
  readonly reasons: string[];
  raw(): Promise<RawSocket>;
}

let open: Watched | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function watchedBroker(options: BrokerInTestOptions = {}): Promise<Watched> {
  const reasons: string[] = [];
  const meter: BrokerMeter = { ...silentMeter, connectionRefused: (reason) => void reasons.push(reason) };
  const broker = await startBroker({ ...options, meter });
  const sockets: RawSocket[] = [];
  open = {
    ...broker,
    reasons,
    raw: async () => {
      const raw = await openRaw(broker.port);
      sockets.push(raw);
      return raw;
    },
    close: async () => {
      for (const { socket } of sockets) socket.destroy();
      await broker.close();
    },
  };
  return open;
}

/** A request as it goes over the wire. */
function requestOf<Q>(api: Api<Q>, version: number, request: Q, key = api.key): Uint8Array {
  const writer = new WireWriter();
  writeRequestHeader(writer, api as Api, { apiVersion: version, correlationId: 7, clientId: 'bad' });
  api.writeRequest(writer, Math.min(version, api.maxVersion), request);
  const bytes = Buffer.concat(writer.frame());
  bytes.writeInt16BE(key, 4);
  return bytes;
}

const hello = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };

/** That a client is served while something else goes on. */
async function expectServed(broker: BrokerInTest): Promise<void> {
  const client = await broker.client();
  expect(await metadataOf(client, null)).toEqual([]);
  await client.close();
}

describe('what is no request closes the connection', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['a frame that is larger than allowed', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 0]), 'oversized'],
    ['a frame of a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff]), 'oversized'],
    ['an empty frame', Buffer.from([0, 0, 0, 0]), 'oversized'],
    ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'oversized'],
    ['the hello of TLS', Buffer.from('16030100c8010000c40303', 'hex'), 'oversized'],
    ['a frame that ends within its header', withLength(Buffer.from([0, 18, 0])), 'malformed'],
    ['an API that is not known', requestOf(apiVersionsApi as Api, 3, hello, 999), 'malformed'],
    ['an API of a negative number', requestOf(apiVersionsApi as Api, 3, hello, -1), 'malformed'],
    ['a version that is too new', requestOf(produceApi as Api, 99, { topicData: [] }), 'malformed'],
    ['a version that is too old', requestOf(fetchApi as Api, 3, fetchRequest([])), 'malformed'],
    [
      'a client name longer than the frame',
      withLength(Buffer.from([0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff])),
      'malformed',
    ],
  ];
  test.each(cases)('%s', async (_, bytes, reason) => {
    const broker = await watchedBroker();
    const raw = await broker.raw();
    raw.socket.write(bytes);
    await raw.closed;
    expect(raw.received()).toHaveLength(0);
    expect(broker.reasons).toEqual([reason]);
    await expectServed(broker);
  });

  test('a request behind good ones closes it after their answers', async () => {
    const broker = await watchedBroker();
    const raw = await broker.raw();
    raw.socket.write(requestOf(apiVersionsApi as Api, 0, hello));
    await raw.whenReceived(4);
    raw.socket.write(Buffer.from([0x80, 0, 0, 0]));
    await raw.closed;
    const reader = new WireReader(raw.received());
    expect(reader.int32()).toBe(reader.remaining);
    expect(readResponseHeader(reader, apiVersionsApi as Api, 0)).toBe(7);
  });
});

describe('a client that asks in an unknown version what is served', () => {
  test.each([5, 99, 32_767, -1])('is told so in the oldest version, with the list: %i', async (version) => {
    const broker = await watchedBroker();
    const raw = await broker.raw();
    const asked = Buffer.from(requestOf(apiVersionsApi as Api, 4, hello));
    asked.writeInt16BE(version, 6);
    raw.socket.write(asked);
    await raw.whenReceived(4);
    const reader = new WireReader(raw.received());
    expect(reader.int32()).toBe(reader.remaining);
    expect(reader.int32()).toBe(7);
    const { errorCode, apiKeys } = apiVersionsApi.readResponse(reader, 0);
    expect(reader.remaining).toBe(0);
    expect(errorCode).toBe(kafkaErrors.UNSUPPORTED_VERSION);
    const told = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]));
    expect(told).toEqual(new Map(servedApis.map((api) => [api.key, [api.minVersion, api.maxVersion]])));
    raw.socket.write(requestOf(apiVersionsApi as Api, 0, hello)); // The connection goes on.
    const soFar = raw.received().length;
    await raw.whenReceived(soFar + 4);
  });
});

describe('a produce that wants no answer', () => {
  test('and is refused closes the connection, which is no fault of the broker', async () => {
    const levels: string[] = [];
    const broker = await watchedBroker({ log: { log: (level) => void levels.push(level) } });
    const raw = await broker.raw();
    const topicData = [{ name: 'unknown', partitionData: [{ index: 0, records: batchOf('a') }] }];
    raw.socket.write(requestOf(produceApi as Api, 9, { transactionalId: null, acks: 0, timeoutMs: 1_000, topicData }));
    await raw.closed;
    expect(broker.reasons).toEqual(['refused']);
    expect(levels).not.toContain('error');
    await expectServed(broker);
  });
});

describe('a request that does not arrive', () => {
  test('is waited for only so long', async () => {
    const broker = await watchedBroker({ settings: { 'qanat.transfer.max.ms': 100 } });
    const silent = await broker.raw();
    const halfLength = await broker.raw();
    silent.socket.write(requestOf(apiVersionsApi as Api, 3, hello).subarray(0, 11));
    halfLength.socket.write(Buffer.from([0, 0]));
    await Promise.all([silent.closed, halfLength.closed]);
    expect(broker.reasons).toEqual(['slow', 'slow']);
  });

  test('is waited for only so long even if a byte comes now and then', async () => {
    const broker = await watchedBroker({ settings: { 'qanat.transfer.max.ms': 200 } });
    const raw = await broker.raw();
    const bytes = withLength(Buffer.alloc(10_000));
    let at = 0;
    const timer = setInterval(() => raw.socket.write(bytes.subarray(at, ++at)), 20);
    await raw.closed;
    clearInterval(timer);
    expect(broker.reasons).toEqual(['slow']);
  });

  test('is served when it has come byte by byte in time', async () => {
    const broker = await watchedBroker();
    const raw = await broker.raw();
    for (const byte of requestOf(apiVersionsApi as Api, 3, hello)) {
      raw.socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await raw.whenReceived(100);
  });

  test('takes memory for what has come, not for what it announces', async () => {
    const broker = await watchedBroker();
    const before = process.memoryUsage().arrayBuffers;
    const raws = await Promise.all(Array.from({ length: 20 }, () => broker.raw()));
    const announced = Buffer.alloc(1_000);
    announced.writeInt32BE(100 * 1_048_576);
    for (const { socket } of raws) socket.write(announced);
    await expectServed(broker);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 1_048_576);
  });
});

describe('many connections', () => {
  test('that are silent, a thousand of them, disturb nobody and are closed when they are idle for long', async () => {
    const broker = await watchedBroker({ settings: { 'connections.max.idle.ms': 2_500 } });
    const raws = await Promise.all(Array.from({ length: 1_000 }, () => broker.raw()));
    const client = await broker.client();
    await createTopic(client, 'topic');
    const until = Date.now() + 4_000;
    let rounds = 0;
    while (Date.now() < until && broker.reasons.length < 1_000) {
      expect((await produceTo(client, 'topic', batchOf('a'))).baseOffset).toBe(rounds++);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(raws.map(({ closed }) => closed));
    expect(broker.reasons).toEqual(Array.from({ length: 1_000 }, () => 'idle'));
    expect(rounds).toBeGreaterThan(10);
    await expect(produceTo(client, 'topic', batchOf('a'))).resolves.toMatchObject({ errorCode: 0 });
  });

  test('beyond those that may be there are closed at once', async () => {
    const broker = await watchedBroker({ settings: { 'max.connections': 3 } });
    const raws = await Promise.all([broker.raw(), broker.raw(), broker.raw()]);
    const tooMany = await broker.raw();
    await tooMany.closed;
    expect(broker.reasons).toEqual(['too-many']);
    raws[0]?.socket.destroy();
    await raws[0]?.closed;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expectServed(broker);
  });
});

describe('a client that does not take its answers', () => {
  test('is asked for nothing more, and is closed; another reads meanwhile', async () => {
    const broker = await watchedBroker({ settings: { 'qanat.transfer.max.ms': 1_500 } });
    const client = await broker.client();
    await createTopic(client, 'topic');
    const large = batchOf('x'.repeat(900_000));
    for (let i = 0; i < 8; i++) await produceTo(client, 'topic', large);
    const before = process.memoryUsage().arrayBuffers;
    const raws = await Promise.all(Array.from({ length: 4 }, () => broker.raw()));
    const asked = requestOf(fetchApi as Api, 11, fetchRequest([{ topic: 'topic', maxBytes: 50_000_000 }]));
    for (const { socket } of raws) {
      socket.pause();
      for (let i = 0; i < 200; i++) socket.write(asked); // It asks for more than a gigabyte.
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [found] = await fetchFrom(client, [{ topic: 'topic' }]);
    expect(recordsOf(found).length).toBeGreaterThan(900_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150 * 1_048_576);
    await expect.poll(() => broker.reasons, { timeout: 10_000 }).toEqual(['slow', 'slow', 'slow', 'slow']);
  });
});

describe('a request about very many things', () => {
  test('is served up to a number that no client needs', async () => {
    const broker = await watchedBroker();
    const client = await broker.client();
    const groups = Array.from({ length: requestElementsMax }, (_, i) => `group-${i}`);
    const { results } = await client.send(deleteGroupsApi, 2, { groupsNames: groups });
    expect(results).toHaveLength(requestElementsMax);
    const more = client.send(deleteGroupsApi, 2, { groupsNames: [...groups, 'one more'] });
    await expect(more).rejects.toThrow('closed');
    expect(broker.reasons).toEqual(['malformed']);
  });
});

describe('a fetch of very many partitions', () => {
  const fetchOf = (count: number): Uint8Array => {
    const [topic] = fetchRequest([{ topic: 'unknown' }]).topics;
    const partitions = Array.from({ length: count }, (_, i) => ({ ...topic?.partitions[0], partition: i }));
    const topics = [{ topic: 'unknown', partitions }];
    return requestOf(fetchApi as Api, 11, { ...fetchRequest([]), topics });
  };

  test('of a million is no request', async () => {
    const broker = await watchedBroker();
    const raw = await broker.raw();
    raw.socket.write(fetchOf(1_000_000));
    await raw.closed;
    expect(broker.reasons).toEqual(['malformed']);
    await expectServed(broker);
  });

  test('of as many as may be is answered, each with its error', async () => {
    const broker = await watchedBroker();
    const raw = await broker.raw();
    const before = process.cpuUsage();
    raw.socket.write(fetchOf(99_000));
    await raw.whenReceived(4);
    const sizeBytes = Buffer.from(raw.received()).readInt32BE();
    await raw.whenReceived(4 + sizeBytes);
    const { user, system } = process.cpuUsage(before);
    const reader = new WireReader(raw.received());
    reader.skip(8);
    const { responses } = fetchApi.readResponse(reader, 11);
    expect(responses[0]?.partitions).toHaveLength(99_000);
    expect(responses[0]?.partitions[98_999]).toMatchObject({ errorCode: kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION });
    expect((user + system) / 1_000).toBeLessThan(2_500);
    await expectServed(broker);
  });
});
