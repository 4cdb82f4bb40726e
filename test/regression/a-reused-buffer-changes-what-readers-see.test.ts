// Large batches were kept by reference in the tail: a caller that reused its buffer after the acknowledgement, as it
// may, changed what readers saw until the batch was read from its object. Found by the log suite.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';

test.each([100, 9_000])('a batch of %i bytes stays as it was when its buffer is used again', async (size) => {
  const set = await StreamSet.open({ node: 'node-1', store: new MemoryObjectStore() });
  const stream = await set.create({ name: 'a' });
  const buffer = new Uint8Array(size).fill(7);
  await stream.append(buffer);
  buffer.fill(0);
  const { batches } = await stream.read(0);
  expect(batches[0]?.bytes).toEqual(new Uint8Array(size).fill(7));
  await set.close();
});
