import { expect, test } from 'vitest';
import { UploadBuffers } from '../../src/upload/upload-buffers.ts';

const MiB = 1024 * 1024;

/** Uses a buffer and gives its memory. */
const memoryOf = (buffers: UploadBuffers, sizeBytes: number): Promise<ArrayBufferLike> =>
  buffers.use(sizeBytes, ({ bytes }) => Promise.resolve(bytes.buffer));

test('the same memory is used again, also after a failure', async () => {
  const buffers = new UploadBuffers(8 * MiB);
  const first = await memoryOf(buffers, 3 * MiB);
  expect(await memoryOf(buffers, 1)).toBe(first);
  await expect(buffers.use(1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await memoryOf(buffers, 3 * MiB)).toBe(first);
});

test('memory that somebody may still read is not used again', async () => {
  const buffers = new UploadBuffers(8 * MiB);
  const first = await buffers.use(1, (buffer) => {
    buffer.abandon();
    return Promise.resolve(buffer.bytes.buffer);
  });
  const second = await memoryOf(buffers, 1);
  expect(second).not.toBe(first);
  expect(await memoryOf(buffers, 1)).toBe(second);
});

test('a buffer has what was asked for, in whole MiB, and never more than the most', async () => {
  const buffers = new UploadBuffers(9 * MiB);
  const sizes: number[] = [];
  for (const sizeBytes of [1, MiB + 1, 8 * MiB, 100 * MiB, 1])
    await buffers.use(sizeBytes, ({ bytes }) => Promise.resolve(void sizes.push(bytes.byteLength / MiB)));
  expect(sizes).toEqual([1, 2, 8, 9, 9]);
  expect(() => new UploadBuffers(8 * MiB - 1)).toThrow('any batch fits');
});

test('there is one at a time: who comes later waits', async () => {
  const buffers = new UploadBuffers(8 * MiB);
  const events: string[] = [];
  const use = (name: string): Promise<void> =>
    buffers.use(1, async () => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      events.push(`${name} ends`);
    });
  await Promise.all([use('a'), use('b')]);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});
