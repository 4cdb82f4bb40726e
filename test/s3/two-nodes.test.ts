// Restart and failover on real servers, through the public door: a node dies with appends under way, comes back or is
// replaced, and wakes up when its streams are with another one.
import { expect, test } from 'vitest';
import { isQanatError, StreamSet, systemRuntime, type ObjectStore, type Stream } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { describeOnServer, testServers, type TestBucket } from './test-bucket.ts';

const settings = { uploadAgeMaxMs: 300, catalogRefreshMs: 100 } as const;

/** A connection that can die. */
function connect(bucket: TestBucket, prefix: string): FaultyObjectStore {
  return new FaultyObjectStore(bucket.open(prefix), { runtime: systemRuntime, seed: 1, afterCrash: 'hangs' });
}

function openSet(node: string, store: ObjectStore): Promise<StreamSet> {
  return StreamSet.open({ node, store, settings });
}

/** Appends numbered batches; the promises of those that were begun, each of which may fail. */
function appendNumbers(stream: Stream, from: number, count: number): Promise<boolean>[] {
  return Array.from({ length: count }, (_, i) =>
    stream.append(Buffer.from(`${stream.name} ${from + i}`)).then(
      () => true,
      () => false,
    ),
  );
}

/** The numbers that a stream holds, in order. */
async function numbersOf(stream: Stream): Promise<number[]> {
  const numbers: number[] = [];
  for (let from = 0; from < stream.endOffset;) {
    const { batches, nextOffset } = await stream.read(from);
    for (const { bytes } of batches) numbers.push(Number(Buffer.from(bytes).toString().split(' ')[1]));
    from = nextOffset;
  }
  return numbers;
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

for (const server of testServers)
  describeOnServer('two nodes', server, (bucket) => {
    test('a node that died with appends under way has them after its restart, none twice and in order', async () => {
      const connection = connect(bucket(), 'restart');
      const before = await openSet('a', connection);
      const streams = await Promise.all(['x', 'y', 'z'].map((name) => before.create({ name })));
      const acknowledged = await Promise.all(streams.flatMap((stream) => appendNumbers(stream, 0, 50)));
      expect(acknowledged).toEqual(acknowledged.map(() => true));
      for (const stream of streams) void appendNumbers(stream, 50, 20);
      await new Promise((resolve) => setTimeout(resolve, 5));
      connection.crash({ underWay: 'lands' });

      const after = await openSet('a', bucket().open('restart'));
      expect(after.nodeEpoch).toBeGreaterThan(before.nodeEpoch);
      for (const { name } of streams) {
        const stream = await after.open(name as string);
        expect(stream.endOffset).toBeGreaterThanOrEqual(50);
        expect(await numbersOf(stream)).toEqual(upTo(stream.endOffset));
        await Promise.all(appendNumbers(stream, stream.endOffset, 5));
        expect(await numbersOf(stream)).toEqual(upTo(stream.endOffset));
      }
      await after.close();
    });

    test('a node takes over from one that is stopped, which learns it when it wakes', async () => {
      const connection = connect(bucket(), 'failover');
      const victim = await openSet('a', connection);
      const other = await openSet('b', bucket().open('failover'));
      const stream = await victim.create({ name: 'orders' });
      await Promise.all(appendNumbers(stream, 0, 100));
      await victim.upload();
      await Promise.all(appendNumbers(stream, 100, 100)); // Only in the log.
      const reader = await other.reader('orders');
      connection.pause();
      const late = appendNumbers(stream, 200, 10);

      const report = await other.recover('a');
      expect(report.streamCount).toBe(1);
      const taken = await other.open('orders');
      expect(taken.endOffset).toBe(200);
      await Promise.all(appendNumbers(taken, 200, 10));
      connection.resume();

      expect((await victim.closed).status).toBe('fenced');
      expect(await Promise.all(late)).toEqual(late.map(() => false));
      await expect(stream.append(Buffer.from('zombie'))).rejects.toSatisfy((cause) =>
        isQanatError(cause, 'NODE_FENCED'),
      );
      expect(await numbersOf(taken)).toEqual(upTo(210));
      expect(await reader.whenBeyond(209)).toBe(210);
      await victim.close();
      await other.close();
    });

    test('of four nodes that recover a dead one at once each finds all that it had', async () => {
      const connection = connect(bucket(), 'several');
      const victim = await openSet('a', connection);
      const stream = await victim.create({ name: 'orders' });
      const others = await Promise.all(['b', 'c', 'd', 'e'].map((node) => openSet(node, bucket().open('several'))));
      await Promise.all(appendNumbers(stream, 0, 300));
      connection.crash();
      await Promise.all(others.map((other) => other.recover('a')));
      const openings = await Promise.allSettled(others.map((other) => other.open('orders')));
      const opened = openings.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []));
      expect(opened).toHaveLength(1);
      for (const opening of openings)
        if (opening.status === 'rejected') expect(isQanatError(opening.reason, 'STREAM_OWNED')).toBe(true);
      expect(await numbersOf(opened[0] as Stream)).toEqual(upTo(300));
      for (const other of others) await other.close();
    });
  });
