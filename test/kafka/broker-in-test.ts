// A broker inside the process of a test, on a store in memory unless another is given.
import { MemoryObjectStore, memoryWal, StreamSet, type ObjectStore, type WalFactory } from '../../src/index.ts';
import { Broker, type BrokerOptions } from '../../src/kafka.ts';
import { WireClient } from './wire-client.ts';

/** What a test may want otherwise. */
export interface BrokerInTestOptions extends Partial<Omit<BrokerOptions, 'streams'>> {
  readonly store?: ObjectStore;
  readonly wal?: WalFactory;
}

/** A broker, its streams, and clients that are closed with it. */
export interface BrokerInTest {
  readonly broker: Broker;
  readonly streams: StreamSet;
  readonly port: number;
  client(): Promise<WireClient>;
  close(): Promise<void>;
}

/** Starts one on a port of its own. Groups do not wait for more members. */
export async function startBroker(options: BrokerInTestOptions = {}): Promise<BrokerInTest> {
  const { store = new MemoryObjectStore(), wal = memoryWal(), settings, ...more } = options;
  const streams = await StreamSet.open({ node: 'broker-1', store, wal });
  const broker = await Broker.start({
    streams,
    listen: { host: '127.0.0.1', port: 0 },
    settings: { 'group.initial.rebalance.delay.ms': 0, ...settings },
    ...more,
  });
  const { port } = broker.address;
  const clients: WireClient[] = [];
  return {
    broker,
    streams,
    port,
    client: async () => {
      const client = await WireClient.open(port);
      clients.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await broker.close();
      await streams.close();
    },
  };
}
