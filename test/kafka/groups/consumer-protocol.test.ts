import { expect, test } from 'vitest';
import { sameTopics, subscribedTopicsOf, topicsOfAll } from '../../../src/kafka/groups/consumer-protocol.ts';
import { hashOf } from '../../../src/kafka/groups/groups.ts';
import { drawInteger, seededRandom } from '../../../src/testkit/seeded-random.ts';
import { subscription } from './group-world.ts';

test('the topics of a subscription are found', () => {
  expect(subscribedTopicsOf(subscription('orders', 'größe'))).toEqual(['orders', 'größe']);
  expect(subscribedTopicsOf(subscription())).toEqual([]);
  expect(topicsOfAll([subscription('a', 'b'), subscription('b', 'c')])).toEqual(new Set(['a', 'b', 'c']));
  expect(topicsOfAll([subscription('a'), new Uint8Array(3)])).toBeUndefined();
});

test('bytes that are no subscription are not read beyond their end, whatever they claim', () => {
  const bytes = subscription('orders', 'payments');
  for (let length = 0; length < 24; length++) expect(subscribedTopicsOf(bytes.subarray(0, length))).toBeUndefined();
  expect(subscribedTopicsOf(Buffer.from('00017fffffff0000', 'hex'))).toBeUndefined();
  expect(subscribedTopicsOf(Buffer.from('0001000000010004ffffffff', 'hex'))).toBeUndefined();
  const random = seededRandom(1);
  for (let i = 0; i < 5_000; i++) {
    const spoiled = Uint8Array.from(bytes);
    for (let n = 0; n < 3; n++) spoiled[drawInteger(random, spoiled.length)] = drawInteger(random, 256);
    const topics = subscribedTopicsOf(spoiled);
    if (topics !== undefined) expect(topics.join('').length).toBeLessThan(bytes.length);
  }
});

test('subscriptions are the same if their topics are, in whatever order and with whatever else they say', () => {
  expect(sameTopics(subscription('a', 'b'), subscription('b', 'a'))).toBe(true);
  expect(sameTopics(subscription('a'), Buffer.concat([subscription('a'), Buffer.from('more')]))).toBe(true);
  expect(sameTopics(subscription('a'), subscription('a', 'b'))).toBe(false);
  expect(sameTopics(subscription('a', 'b'), subscription('a'))).toBe(false);
  expect(sameTopics(Buffer.from('x'), Buffer.from('x'))).toBe(true);
  expect(sameTopics(Buffer.from('x'), Buffer.from('y'))).toBe(false);
});

test('a group is found in the same stream by every version', () => {
  expect(['group', 'größe', ''].map(hashOf)).toEqual([469_595_522, 237_989_284, 2_166_136_261]);
});
