// kcat does on the broker what its users do in a shell, where it is installed.
import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openBroker } from './broker-process.ts';
import type { TestBroker } from './broker-process.ts';
import { kcatClient, lineWithHeaders } from './kcat-client.ts';
import { assertSame, someRecords, uniqueName } from './scenarios.ts';
import { errorCodes } from './test-client.ts';

const kcat = kcatClient();
const needs = kcat.lack === undefined ? '' : ` (needs ${kcat.lack})`;

describe.skipIf(kcat.lack !== undefined)(`kcat as a client${needs}`, () => {
  let broker: TestBroker | undefined;
  beforeAll(async () => {
    broker = await openBroker();
    await kcat.open(broker.bootstrap);
  });
  afterAll(() => broker?.close());

  test('makes a topic by writing to it, and lists it', async () => {
    const topic = uniqueName('kcat');
    const [record] = someRecords(kcat, 1);
    await kcat.produce(topic, record === undefined ? [] : [record]);
    assert.equal((await kcat.topics()).includes(topic), true);
  });

  test('reads keys, headers, tombstones and bytes as it wrote them', async () => {
    const topic = uniqueName('kcat');
    const records = someRecords(kcat, 20).slice(15);
    await kcat.produce(topic, records, { isIdempotent: true });
    assertSame(await kcat.consume(topic, records.length, lineWithHeaders), records);
  });

  test('asks for the offset at a time', async () => {
    const topic = uniqueName('kcat');
    const before = Date.now() - 60_000;
    await kcat.produce(topic, someRecords(kcat, 2));
    assert.equal(await kcat.offsetAt(topic, 0, before), 0);
  });

  test('is told when a record is too large', async () => {
    const large = [{ key: null, value: new Uint8Array(1_100_000), headers: [], partition: 0 }];
    const produced = kcat.produce(uniqueName('kcat'), large, { requestBytesMax: 4_000_000 });
    await assert.rejects(produced, { code: errorCodes.messageTooLarge });
  });

  test('goes on where its group has come to', async () => {
    const topic = uniqueName('kcat');
    const group = uniqueName('group');
    await kcat.produce(topic, someRecords(kcat, 4));
    const values = await kcat.consumeInGroup(group, topic, 4);
    assert.equal(values.length, 4);
    await kcat.produce(topic, someRecords(kcat, 2));
    assert.equal((await kcat.consumeInGroup(group, topic, 2)).length, 2);
  });
});
