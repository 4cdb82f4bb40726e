// The life of an embedded broker: how it starts, what it refuses, how it ends.
import { describe, expect, it } from 'vitest';
import { MemoryObjectStore, memoryWal, objectWal, StreamSet } from '../../src/index.ts';
import { Broker, KafkaRefusal, type BrokerOptions } from '../../src/kafka.ts';
import { startBroker } from './broker-in-test.ts';
import { batchOf, createTopic, produceTo } from './talk.ts';

describe('a broker', () => {
  it('refuses options that no broker can have, with a sentence', async () => {
    const streams = await StreamSet.open({ node: 'n', store: new MemoryObjectStore(), wal: memoryWal() });
    const wrong: readonly Partial<Record<keyof BrokerOptions, unknown>>[] = [
      { streams: undefined },
      { streams: {} },
      { nodeId: -1 },
      { nodeId: 1.5 },
      { nodeId: 2 ** 31 },
      { listen: { port: 65_536 } },
      { listen: { port: Number.NaN } },
      { listen: { host: '' } },
      { advertise: { host: 7 } },
      { settings: { 'num.partition': 1 } },
      { settings: { 'num.partitions': 0 } },
      { settings: { 'num.partitions': 'many' } },
      { settings: { 'auto.create.topics.enable': 'perhaps' } },
    ];
    for (const options of wrong) {
      const starting = Broker.start({ streams, listen: { port: 0 }, ...options } as BrokerOptions);
      const cause: unknown = await starting.catch((refused: unknown) => refused);
      expect(cause, JSON.stringify(options)).toBeInstanceOf(KafkaRefusal);
      expect((cause as KafkaRefusal).error).toBe('INVALID_CONFIG');
    }
    await streams.close();
  });

  it('that cannot listen says so, and leaves the stream set as it was', async () => {
    const first = await startBroker();
    const streams = await StreamSet.open({ node: 'n', store: new MemoryObjectStore(), wal: memoryWal() });
    const starting = Broker.start({ streams, listen: { host: '127.0.0.1', port: first.port } });
    await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(streams.status).toBe('open');
    await streams.close();
    await first.close();
  });

  it('ends when its stream set is fenced, and says why', async () => {
    const store = new MemoryObjectStore();
    const broker = await startBroker({ store, wal: objectWal() });
    const client = await broker.client();
    await createTopic(client, 't');
    const other = await StreamSet.open({ node: 'broker-1', store, wal: objectWal() });
    await produceTo(client, 't', batchOf('late')).catch(() => {}); // It is told, or its connection is closed.
    expect(await broker.broker.closed).toMatchObject({ status: 'fenced' });
    await client.closed;
    await broker.close();
    await other.close();
  });

  it('leaves the stream set open when it is closed, and can be started on it again', async () => {
    const first = await startBroker();
    const client = await first.client();
    await createTopic(client, 't');
    expect((await produceTo(client, 't', batchOf('a'))).baseOffset).toBe(0);
    await first.broker.close();
    await first.broker.close();
    expect(await first.broker.closed).toEqual({ status: 'closed' });
    const again = await Broker.start({ streams: first.streams, listen: { host: '127.0.0.1', port: 0 } });
    expect(first.streams.status).toBe('open');
    await again.close();
    await first.close();
  });
});
