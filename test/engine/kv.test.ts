import { expect, test } from 'vitest';
import { isQanatError, MemoryObjectStore, StreamSet } from '../../src/index.ts';

test('deleting an absent key is no failure, unless a version was asked for', async () => {
  const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore() });
  await set.kv.delete('nothing');
  await set.kv.delete('nothing', { ifVersion: 0 });
  const conflict = await set.kv.delete('nothing', { ifVersion: 3 }).catch((cause: unknown) => cause);
  expect(conflict).toMatchObject({ code: 'CONFLICT', currentVersion: 0 });
  expect(conflict).not.toHaveProperty('currentEpoch');
  await set.close();
});

test('a conflict names the version or the epoch that stands, whichever was asked for', async () => {
  const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore() });
  const version = await set.kv.put('key', Buffer.from('1'));
  const ofKey = await set.kv.put('key', Buffer.from('2'), { ifVersion: version + 1 }).catch((cause: unknown) => cause);
  expect(ofKey).toMatchObject({ code: 'CONFLICT', currentVersion: version });
  const stream = await set.create({ name: 'orders' });
  await stream.close();
  const ofEpoch = await set.open('orders', { expectedEpoch: 7 }).catch((cause: unknown) => cause);
  expect(ofEpoch).toMatchObject({ code: 'CONFLICT', currentEpoch: 1 });
  const attributes = await set.setAttributes('orders', { a: 'b' }, { ifVersion: 9 }).catch((cause: unknown) => cause);
  expect(attributes).toMatchObject({ code: 'CONFLICT', currentVersion: 1 });
  const taken = await set.create({ name: 'orders' }).catch((cause: unknown) => cause);
  expect(isQanatError(taken, 'STREAM_EXISTS')).toBe(true);
  expect(taken).toMatchObject({ name: 'QanatError', streamName: 'orders' });
  await set.close();
});

test('calls on a set that has failed are refused: nothing was done, and opening anew helps', async () => {
  const inner = new MemoryObjectStore();
  let isDown = false;
  const store = new Proxy(inner, {
    get: (target, name) =>
      name === 'put' && isDown
        ? () => Promise.resolve({ outcome: 'unknown' })
        : (Reflect.get(target, name) as (() => unknown) | undefined)?.bind(target),
  });
  const set = await StreamSet.open({ node: 'a', store, settings: { storeDeadlineMs: 200 } });
  const stream = await set.create();
  isDown = true;
  const lost = await stream.append(Buffer.from('lost')).catch((cause: unknown) => cause);
  expect(lost).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
  expect(set.status).toBe('failed');
  const refused = await stream.append(Buffer.from('refused')).catch((cause: unknown) => cause);
  expect(refused).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'none', action: 'reopen' });
  await expect(set.closed).resolves.toMatchObject({ status: 'failed', error: { outcome: 'unknown' } });
  await set.close();
});
