// The log suite under node's own runner, on the built package: the engine in simulated time.
import { test } from 'node:test';

const { MemoryObjectStore } = await import(`${process.env.QANAT_DIST}/index.js`);
const { logSuite, streamSetDriver } = await import(`${process.env.QANAT_DIST}/testkit.js`);

logSuite({
  test,
  simulate: true,
  runs: 10,
  open: ({ runtime }) => streamSetDriver({ store: new MemoryObjectStore(), runtime }),
});
