// The log suite under node's own runner, on the built package: the engine in simulated time.
import { describe, test } from 'node:test';

const { MemoryObjectStore } = await import(`${process.env.QANAT_DIST}/index.js`);
const { logSuite, streamSetDriver } = await import(`${process.env.QANAT_DIST}/testkit.js`);

void describe('a stream set', () => {
  logSuite({
    test,
    simulate: true,
    runs: 10,
    requestsPerOperationMax: 8,
    open: ({ runtime }) => streamSetDriver({ store: new MemoryObjectStore(), runtime }),
  });
});

/** A driver that has only what every driver must have. */
async function withoutOptions(opening) {
  const driver = await opening;
  const names = ['create', 'open', 'append', 'range', 'read', 'trim', 'closeStream', 'delete', 'reopen', 'close'];
  return Object.fromEntries(names.map((name) => [name, (...given) => driver[name](...given)]));
}

void describe('a log that has nothing besides', () => {
  logSuite({
    test,
    simulate: true,
    runs: 5,
    open: ({ runtime }) => withoutOptions(streamSetDriver({ store: new MemoryObjectStore(), runtime })),
  });
});
