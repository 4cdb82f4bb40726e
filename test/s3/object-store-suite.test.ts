// The object store suite on S3ObjectStore: over the fake service, always, and over every real server there is.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3ObjectStore } from '../../src/s3.ts';
import { objectStoreSuite } from '../../src/testkit/object-store-suite.ts';
import type { ObjectStoreUnderTest } from '../../src/testkit/object-store-under-test.ts';
import { startFakeS3, type FakeS3 } from './fake-s3.mjs';
import { describeOnServer, softwareOf, testServers } from './test-bucket.ts';

const long = 'b/long'.padEnd(200, 'x');

/** With a prefix they would have more than 1,024 bytes, which is all that S3 takes. */
const longKeys = ['k'.repeat(1024), `${'k'.repeat(500)}/${'K'.repeat(523)}`, '\u{e9}'.repeat(512)];

/**
 * What MinIO cannot hold, or not beside other keys, found by trying. It takes keys for paths: those with empty parts,
 * '.', '..' or parts of more than 255 bytes are refused, or stored without their first slash. A value at 'a' hides the
 * keys below 'a/' from lists. Values beside the folder 'a/' that sort before it ('a-') let a list that goes on after a
 * key in the folder forget the rest of it. No two keys of the engine stand to each other in these ways.
 */
const notForMinio = [
  ...['.', '..', '../x', './x', 'x/../y', 'x/./y', '/', '/x', '//', 'x//y', '/etc/passwd'],
  ...['k'.repeat(256), ...longKeys],
  ...['.tmp', 'x~1', 'A', 'a', 'a/b', 'b', long, '\u{e9}', '\u{1f600}'],
  ...['a b', 'a!', 'a-', 'a-b', 'a.b', `${long}-`],
];

const offers = ['reopen', 'slowPut'] as const;

/** A store and its peers, each with connections of its own. */
function underTest(open: () => S3ObjectStore, clear: () => Promise<void>): ObjectStoreUnderTest {
  const opened: S3ObjectStore[] = [];
  const openPeer = async (): Promise<S3ObjectStore> => {
    const peer = open();
    opened.push(peer);
    return peer;
  };
  const store = open();
  opened.push(store);
  const close = async (): Promise<void> => {
    for (const each of opened) each.close();
    await clear();
  };
  return { store, openPeer, reopen: openPeer, slowPut: (...put) => store.slowPut(...put), close };
}

describe('the fake service', () => {
  let service: FakeS3;
  beforeAll(async () => {
    service = await startFakeS3({ verifySignatures: true });
  });
  afterAll(() => service.close());

  for (const prefix of ['', 'shared/part'])
    describe(prefix === '' ? 'a whole bucket' : 'a part of a bucket', () => {
      const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
      const open = (): S3ObjectStore =>
        new S3ObjectStore({ endpoint: service.endpoint, bucket: 'qanat-test', prefix, credentials });
      objectStoreSuite({
        test,
        offers,
        keysRefused: prefix === '' ? [] : longKeys,
        open: async () => underTest(open, async () => service.clear()),
      });
    });
});

for (const server of testServers) {
  const isMinio = (await softwareOf(server)) === 'MinIO';
  describeOnServer(
    'a whole bucket',
    server,
    (bucket) => {
      const open = async (): Promise<ObjectStoreUnderTest> =>
        underTest(
          () => bucket().open(),
          () => bucket().clear(),
        );
      // A put to MinIO has the key to itself from the first byte of its body: the suite's rival would wait for ever.
      const itsOffers = isMinio ? offers.filter((offer) => offer !== 'slowPut') : offers;
      objectStoreSuite({ test, offers: itsOffers, keysRefused: isMinio ? notForMinio : [], open });

      test('of a slow put and a quick one with the same condition exactly one is stored, whoever waits', async () => {
        const store = bucket().open();
        const asked = { purpose: 'probe' } as const;
        const before = await store.put('replaced', new Uint8Array(1), asked);
        if (before.outcome !== 'stored') throw new Error('not stored');
        const { etag } = before;
        for (const [key, condition] of [['fresh', 'absent'] as const, ['replaced', { etag }] as const]) {
          const slow = store.slowPut(key, new Uint8Array(256 * 1024), { ...asked, if: condition });
          await slow.halfway;
          const quick = bucket()
            .open()
            .put(key, new Uint8Array(2), { ...asked, if: condition });
          await Promise.race([quick, new Promise((resolve) => setTimeout(resolve, 300))]);
          const outcomes = [(await slow.finish()).outcome, (await quick).outcome];
          expect(outcomes.toSorted()).toEqual([condition === 'absent' ? 'exists' : 'changed', 'stored']);
          const standing = await store.get(key, asked);
          expect(standing).toMatchObject({ size: outcomes[0] === 'stored' ? 256 * 1024 : 2 });
        }
        await bucket().clear();
      });
    },
    { whole: true },
  );
}
