import { channel } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import type { DiagnosticMessage } from '../../src/index.ts';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { qanatEventNames } from '../../src/model/events.ts';

test('every event is published on a channel of its own, beside the observer', async () => {
  const published: string[] = [];
  const observed: string[] = [];
  const listeners = qanatEventNames.map((name) => {
    const listener = (message: unknown): void => {
      expect((message as DiagnosticMessage).node).toBe('watched');
      published.push(name);
    };
    channel(`qanat:${name}`).subscribe(listener);
    return () => channel(`qanat:${name}`).unsubscribe(listener);
  });
  const observer = Object.fromEntries(qanatEventNames.map((name) => [name, () => observed.push(name)]));
  try {
    const set = await StreamSet.open({ node: 'watched', store: new MemoryObjectStore(), observer });
    const stream = await set.create({ name: 'a' });
    await stream.append(Buffer.from('tea'));
    await set.close();
  } finally {
    for (const stop of listeners) stop();
  }
  expect(published).toEqual(observed);
  for (const name of ['storeRequest', 'walSegmentStored', 'uploaded', 'streamOpened', 'streamClosed', 'statusChanged'])
    expect(published).toContain(name);
});

test('an observer that throws harms nobody, and hears of the next event all the same', async () => {
  let calls = 0;
  const observer = {
    storeRequest: () => {
      calls += 1;
      throw new Error('the observer is broken');
    },
  };
  const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore(), observer });
  const stream = await set.create();
  await stream.append(Buffer.from('tea'));
  await set.close();
  expect(calls).toBeGreaterThan(3);
});

test('stats tell what waits, and since when', async () => {
  const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore() });
  const stream = await set.create();
  const append = stream.append(Buffer.alloc(100, 1));
  expect(set.stats().writing).toMatchObject({ pendingAppends: 1, unuploadedBytes: 100, unreleasedSegments: 0 });
  await append;
  const durable = set.stats().writing;
  expect(durable).toMatchObject({ pendingAppends: 0, oldestPendingMs: 0, unuploadedBytes: 100, unreleasedSegments: 1 });
  expect(durable?.unuploadedAgeMs).toBeGreaterThanOrEqual(0);
  await set.upload();
  expect(set.stats().writing).toMatchObject({ unuploadedBytes: 0, unuploadedAgeMs: 0, unreleasedSegments: 0 });
  const shares = Object.entries(set.stats().writing?.shares ?? {}).filter(([name]) => name !== 'unuploaded');
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  expect(total).toBeLessThanOrEqual(256 * 1024 * 1024);
  await set.close();
});
