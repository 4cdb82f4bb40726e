// The first read of a small object fetches its directory and its blocks in one request. That was no hit.
import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/index.ts';
import { runLogScript } from '../../src/testkit/log-check.ts';
import type { LogOperation } from '../../src/testkit/log-script.ts';
import { streamSetDriver } from '../../src/testkit/stream-set-driver.ts';

const operations: readonly LogOperation[] = [
  { do: 'append', stream: 'a', count: 1, sizeBytes: 40, wait: false },
  { do: 'close', stream: 'a' },
  { do: 'read-twice', stream: 'a', at: 0 },
];

test('hits and misses tell whether a read was free', async () => {
  const { violation } = await runLogScript(
    { seed: 0, operations },
    { simulate: true, open: async ({ runtime }) => streamSetDriver({ store: new MemoryObjectStore(), runtime }) },
  );
  expect(violation).toBeUndefined();
});
