// The memory of batches that were uploaded is used again for new ones, while readers hold what they were given, uploads
// read, appends are under way and streams are closed, trimmed and deleted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileWal, memoryWal, MemoryObjectStore, objectWal, StreamSet, type Stream } from '../../src/index.ts';

const batchSizeBytes = 40_000;
const MiB = 1 << 20;

/** Bytes that tell which batch of which stream they are. */
function bytesAt(stream: number, offset: number): Uint8Array {
  return new Uint8Array(batchSizeBytes).fill((stream * 101 + offset * 7 + 1) & 255);
}

function expectBytes(bytes: Uint8Array, stream: number, offset: number): void {
  if (Buffer.compare(bytes, bytesAt(stream, offset)) !== 0)
    expect.fail(`stream ${stream} at ${offset} begins with ${bytes.subarray(0, 4).join(' ')}`);
}

const directory = mkdtempSync(join(tmpdir(), 'qanat-recycled-'));

test.each([
  ['memory', memoryWal()],
  ['object', objectWal()],
  ['file', fileWal({ directory: join(directory, 'wal') })],
])('with the %s WAL nothing that was handed out or acknowledged is overwritten by later appends', async (_, wal) => {
  const settings = { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 2 * MiB };
  const set = await StreamSet.open({ node: 'node-1', store: new MemoryObjectStore(), wal, settings });
  const streams: Stream[] = [];
  for (let i = 0; i < 4; i++) streams.push(await set.create());
  const held: { readonly bytes: Uint8Array; readonly stream: number; readonly offset: number }[] = [];
  for (let round = 0; round < 12; round++) {
    const appends: Promise<unknown>[] = [];
    for (let i = 0; i < 64; i++) {
      const stream = i % streams.length;
      const { nextOffset } = streams[stream]!;
      const bytes = bytesAt(stream, nextOffset);
      appends.push(streams[stream]!.append(bytes).then(() => bytes.fill(0)));
    }
    if (round === 4) appends.push(streams.pop()!.close()); // With its batches under way.
    if (round === 6) appends.push(set.delete(streams.pop()!.id));
    await Promise.all(appends);
    if (round === 8) await streams[1]!.trim(20);
    if (round % 3 === 0)
      for (const [stream, { endOffset }] of streams.entries()) {
        const { batches } = await streams[stream]!.read(endOffset - 2);
        for (const { bytes, startOffset } of batches) held.push({ bytes, stream, offset: startOffset });
      }
  }
  await set.upload();
  expect(set.stats().writing?.tailSizeBytes).toBeLessThan(6 * MiB); // Of 30 MB that were appended.
  expect(held.length).toBe(24);
  for (const { bytes, stream, offset } of held) expectBytes(bytes, stream, offset);
  for (const [stream, { startOffset, endOffset }] of streams.entries()) {
    let next = startOffset;
    while (next < endOffset) {
      const { batches, nextOffset } = await streams[stream]!.read(next);
      for (const batch of batches) expectBytes(batch.bytes, stream, batch.startOffset);
      next = nextOffset;
    }
  }
  for (const { bytes, stream, offset } of held) expectBytes(bytes, stream, offset);
  await set.close();
  rmSync(directory, { recursive: true, force: true });
});
