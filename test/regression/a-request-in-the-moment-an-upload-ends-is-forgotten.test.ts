// A close, or an upload, asked for in the microtasks between the last look of the uploader's loop and its end was never
// looked at: the set could not be closed any more. Found by the log suite: an append large enough to be uploaded, and
// then a clean restart.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

test('a set closes at whatever moment of a background upload it is asked to', async () => {
  for (let microtasks = 0; microtasks < 100; microtasks++) {
    const runtime = new SeededRuntime({ seed: 1 });
    const status = await runtime.run(async () => {
      const settings = { uploadSizeBytes: 1_000 };
      const set = await StreamSet.open({ node: 'node-1', store: new MemoryObjectStore(), runtime, settings });
      const stream = await set.create({ name: 'a' });
      await stream.append(new Uint8Array(2_000));
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      await set.close();
      return set.status;
    });
    expect(status).toBe('closed');
  }
});
