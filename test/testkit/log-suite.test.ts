// The log suite on this package's own engine: in a simulated world over a bucket in memory, and in real time over files.
import { describe, test } from 'vitest';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { logSuite } from '../../src/testkit/log-suite.ts';
import { streamSetDriver } from '../../src/testkit/stream-set-driver.ts';

describe('a stream set over a MemoryObjectStore, simulated', () => {
  logSuite({
    test,
    simulate: true,
    runs: 100,
    open: ({ runtime }) => streamSetDriver({ store: new MemoryObjectStore(), runtime }),
  });
});
