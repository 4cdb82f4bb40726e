// The broker dies at any moment, again and again, and clients go on: what was acknowledged is there once, and topics
// are as whoever changed them last was told.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, systemRuntime } from '../../../src/index.ts';
import type { ObjectStore } from '../../../src/index.ts';
import { resolveBrokerSettings } from '../../../src/kafka/broker-settings.ts';
import { silentLog } from '../../../src/kafka/broker-log.ts';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { BrokerConfigs } from '../../../src/kafka/topics/broker-configs.ts';
import { Partitions } from '../../../src/kafka/topics/partitions.ts';
import { topicIdOfStream } from '../../../src/kafka/topics/topic.ts';
import { Topics } from '../../../src/kafka/topics/topics.ts';
import { FaultyObjectStore } from '../../../src/testkit/faulty-object-store.ts';
import type { UnderWay } from '../../../src/testkit/store-faults.ts';
import { later } from '../../engine/world.ts';
import { batchOf, textsOf } from './world.ts';

interface Life {
  readonly set: StreamSet;
  readonly topics: Topics;
  readonly partitions: Partitions;
}

/** A broker's parts on a connection to a store; its WAL is in that store. */
async function live(store: ObjectStore): Promise<Life> {
  const settings = { storeDeadlineMs: 1_000, segmentSizeMinBytes: 1 };
  const set = await StreamSet.open({ node: 'a', store, settings });
  later(() => set.close());
  const common = { streams: set, runtime: systemRuntime, settings: resolveBrokerSettings(), log: silentLog };
  const configs = await BrokerConfigs.load({ ...common, nodeId: 1 });
  const topics = await Topics.load({ ...common, configs });
  return { set, topics, partitions: await Partitions.load({ ...common, topics }) };
}

function dyingAt(store: ObjectStore, nth: number, underWay: UnderWay): FaultyObjectStore {
  const faults = [{ nth, fault: { kind: 'crash', underWay } as const }];
  return new FaultyObjectStore(store, { runtime: systemRuntime, seed: nth, faults });
}

async function strayStreams({ set, topics }: Life): Promise<string[]> {
  const stray: string[] = [];
  for await (const { name = '' } of set.list({ prefix: 'kafka/' })) {
    const id = topicIdOfStream(name);
    if (id !== undefined && topics.byId(id) === undefined) stray.push(name);
  }
  return stray;
}

test.each<UnderWay>(['lands', 'vanishes'])(
  'topics are created, used, deleted and created again by a broker that dies at any call, where what is under way %s',
  async (underWay) => {
    let deaths = 0;
    for (let nth = 1; ; nth += 1) {
      const store = new MemoryObjectStore();
      const connection = dyingAt(store, nth, underWay);
      /** What the client was told last. */
      let told = 'nothing' as 'nothing' | 'created' | 'written' | 'deleted' | 'created again';
      const story = async (): Promise<void> => {
        const { topics, partitions } = await live(connection);
        const topic = await topics.create({ name: 't', partitionCount: 2, overrides: { 'retention.ms': '-1' } });
        told = 'created';
        const partition = await partitions.of(topic, 1);
        await partition.append(batchOf({ values: ['old'], producer: { id: 1, sequence: 0 } }));
        told = 'written';
        await topics.delete('t');
        told = 'deleted';
        await topics.create({ name: 't', partitionCount: 1, overrides: {} });
        told = 'created again';
        await topics.settled();
      };
      await story().catch(() => {});
      if (!connection.crashed) break;
      deaths += 1;
      const after = await live(store);
      await after.topics.settled();
      expect(await strayStreams(after), `death at call ${nth}`).toEqual([]);
      const topic = after.topics.byName('t');
      const seen = topic === undefined ? 'none' : topic.partitionCount === 2 ? 'first' : 'second';
      const possible = {
        nothing: ['none', 'first'],
        created: ['first'],
        written: ['first', 'none'],
        deleted: ['none', 'second'],
        'created again': ['second'],
      }[told];
      expect(possible, `death at call ${nth}, after ${told}`).toContain(seen);
      if (seen === 'second') expect(await textsOf(await after.partitions.of(topic!, 0))).toEqual([]);
      if (seen === 'first' && told === 'written')
        expect(await textsOf(await after.partitions.of(topic!, 1))).toEqual(['old']);
    }
    expect(deaths).toBeGreaterThan(15);
  },
);

test('an idempotent producer whose broker dies again and again has each record in the log once, and in order', async () => {
  for (let seed = 1; seed <= 3; seed += 1) {
    const store = new MemoryObjectStore();
    const first = await live(store);
    await first.topics.create({ name: 't', partitionCount: 1, overrides: {} });
    await first.set.close();
    const total = 200;
    /** The first batch that is not acknowledged, and the offsets of those that are. */
    let acknowledged = 0;
    const offsets: number[] = [];
    let lives = 0;
    for (; acknowledged < total; lives += 1) {
      const underWay = (seed + lives) % 2 === 0 ? 'lands' : 'vanishes';
      // Later each time: it takes more and more calls to find out what the dead have left.
      const connection = dyingAt(store, 25 + 5 * lives + ((seed * 7 + lives * 11) % 20), underWay);
      const produce = async (): Promise<void> => {
        const { topics, partitions } = await live(connection);
        const partition = await partitions.of(topics.byName('t')!, 0);
        while (acknowledged < total) {
          // Five requests under way, as a real producer has; those behind a failure fail, too.
          const sequences = Array.from({ length: Math.min(5, total - acknowledged) }, (_, i) => acknowledged + i);
          const sent = sequences.map((sequence) =>
            partition.append(batchOf({ values: [`${sequence}`], producer: { id: 9, sequence } })),
          );
          for (const [i, result] of (await Promise.allSettled(sent)).entries()) {
            if (result.status === 'rejected') throw result.reason as Error;
            offsets[sequences[i] as number] = result.value.baseOffset;
            acknowledged += 1;
          }
        }
      };
      await produce().catch((cause: unknown) => {
        if (!connection.crashed) throw cause;
      });
      expect(lives, `seed ${seed}`).toBeLessThan(100);
    }
    const last = await live(store);
    const partition = await last.partitions.of(last.topics.byName('t')!, 0);
    const { batches } = await partition.read(0, 10_000_000, { minOneBatch: true });
    const sequences = batches.map((bytes) => readBatchHeader(bytes).baseSequence);
    expect(sequences, `seed ${seed}`).toEqual(Array.from({ length: total }, (_, i) => i));
    expect(offsets, `seed ${seed}`).toEqual(sequences);
    expect(lives, `seed ${seed}`).toBeGreaterThan(2);
  }
});
