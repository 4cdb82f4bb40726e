// The engine's own suites on real servers: the journal, the write-ahead log, and whole stream sets, in real time.
import { describe, test } from 'vitest';
import { drawId, systemRuntime } from '../../src/base/runtime.ts';
import { objectWal } from '../../src/index.ts';
import { recordKey } from '../../src/journal/journal-key.ts';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import { journalSuite } from '../../src/testkit/journal-suite.ts';
import { logSuite } from '../../src/testkit/log-suite.ts';
import { streamSetDriver } from '../../src/testkit/stream-set-driver.ts';
import { walSuite } from '../../src/testkit/wal-suite.ts';
import { describeOnServer, mainServer, testServers } from './test-bucket.ts';

for (const server of testServers) {
  const isMain = server === mainServer;

  describeOnServer('the engine', server, (bucket) => {
    let used = 0;
    const nextPrefix = (): string => `store-${++used}`;

    describe('the journal in a bucket', () => {
      journalSuite({
        test,
        open: async () => {
          const prefix = nextPrefix();
          const clusterId = drawId(systemRuntime.random);
          const store = bucket().open(prefix);
          // Each handle has connections of its own, as another process would have.
          const openPeer = (): Promise<ObjectJournal> =>
            ObjectJournal.open({ store: bucket().open(prefix), clusterId });
          return {
            journal: await openPeer(),
            openPeer,
            haunt: async (index, bytes) => {
              await store.put(recordKey(clusterId, index), bytes, { purpose: 'journal' });
            },
          };
        },
      });
    });

    describe('the write-ahead log in a bucket', () => {
      walSuite({
        test,
        patienceMs: 30_000,
        open: async () => {
          const clusterId = drawId(systemRuntime.random);
          const store = bucket().open(nextPrefix());
          const place = { store, clusterId, node: 'a', nodeEpoch: 3, runtime: systemRuntime, observer: {} };
          return { walFactory: objectWal(), place };
        },
      });
    });

    describe('a stream set in a bucket, in real time', () => {
      logSuite({
        test,
        runs: isMain ? 6 : 2,
        commands: 25,
        open: async () => {
          const disturbances = ['crash', 'slow', 'lost-answers'] as const;
          const driver = await streamSetDriver({ store: bucket().open(nextPrefix()), disturbances, timeScale: 0.02 });
          return Object.assign(driver, { memory: undefined, takesSignals: false }); // In simulated time they cost less.
        },
      });
    });
  });
}
