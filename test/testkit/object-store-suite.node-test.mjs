// The object store suite under node:test, on the built package: run by object-store-suite.node.test.ts as
// `node --test object-store-suite.node-test.mjs`, with the address of dist in QANAT_DIST.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const { FileObjectStore, MemoryObjectStore } = await import(`${process.env.QANAT_DIST}/index.js`);
const { objectStoreSuite } = await import(`${process.env.QANAT_DIST}/testkit.js`);

void describe('MemoryObjectStore', () => {
  objectStoreSuite({ test, open: async () => ({ store: new MemoryObjectStore() }) });
});

void describe('FileObjectStore', () => {
  objectStoreSuite({
    test,
    offers: ['reopen'],
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-node-test-'));
      const openPeer = async () => new FileObjectStore(directory);
      return {
        store: await openPeer(),
        openPeer,
        reopen: openPeer,
        close: () => rm(directory, { recursive: true, force: true }),
      };
    },
  });
});
