// Reading over every seam there is: tail and objects, registered segments and rewritten objects, many epochs, trims, at
// every offset and with every limit, against a list of what was appended.
import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/index.ts';
import type { ReadResult, Stream, StreamReader } from '../../src/index.ts';
import { seededRandom, drawInteger } from '../../src/testkit/seeded-random.ts';
import { bytesOf, openSet, openView, textOf } from '../engine/world.ts';

interface Appended {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly text: string;
  readonly streamEpoch: number;
  readonly timestamp: number | undefined;
}

/** What a read has to give. */
function expected(
  batches: readonly Appended[],
  range: { start: number; end: number },
  from: number,
  to: number,
  maxBytes: number,
): { texts: string[]; nextOffset: number; stopped: string } {
  const texts: string[] = [];
  let [nextOffset, sizeBytes] = [from, 0];
  const limit = Math.min(to, range.end);
  for (const { startOffset, endOffset, text } of batches) {
    if (endOffset <= from || startOffset >= limit || startOffset >= range.end || nextOffset >= limit) continue;
    if (texts.length > 0 && sizeBytes + text.length > maxBytes) return { texts, nextOffset, stopped: 'max-bytes' };
    texts.push(text);
    sizeBytes += text.length;
    nextOffset = endOffset;
  }
  return { texts, nextOffset, stopped: nextOffset >= range.end ? 'end' : 'to' };
}

const shown = ({ batches, nextOffset, stopped }: ReadResult): unknown => ({
  texts: batches.map(({ bytes }) => textOf(bytes)),
  nextOffset,
  stopped,
});

test.each([1, 2, 3, 4])('a read gives the same over every seam (seed %i)', async (seed) => {
  const random = seededRandom(seed);
  const draw = (count: number): number => drawInteger(random, count);
  const store = new MemoryObjectStore();
  const sets = [await openSet(store), await openSet(store, { node: 'b' })];
  const appended: Appended[] = [];
  let owner = 0;
  let stream: Stream = await sets[0]!.create({ name: 's' });
  const noise = await sets[0]!.create();
  let start = 0;
  const check = async (reader: StreamReader): Promise<void> => {
    const range = { start, end: reader.endOffset };
    for (let n = 0; n < 12; n++) {
      const from = range.start + draw(range.end - range.start + 1);
      const to = draw(3) === 0 ? from + draw(20) : Number.MAX_SAFE_INTEGER;
      const maxBytes = draw(2) === 0 ? 1 + draw(60) : 1_000_000;
      const result = await reader.read(from, { to, maxBytes });
      expect(shown(result), JSON.stringify({ from, to, maxBytes })).toEqual(
        expected(appended, range, from, to, maxBytes),
      );
      for (const batch of result.batches)
        expect(batch).toMatchObject({
          streamEpoch: appended.find(({ startOffset }) => startOffset === batch.startOffset)?.streamEpoch,
        });
    }
    const moment = draw(120);
    const late = appended.find(
      ({ endOffset, timestamp }) =>
        endOffset > range.start && endOffset <= range.end && timestamp !== undefined && timestamp >= moment,
    );
    expect(await reader.offsetAt(moment)).toBe(
      late === undefined ? undefined : Math.max(late.startOffset, range.start),
    );
  };
  for (let step = 0; step < 60; step++) {
    const dice = draw(12);
    if (dice < 6) {
      const inputs = Array.from({ length: 1 + draw(4) }, () => ({
        text: `${step} `.padEnd(1 + draw(30), 'x'),
        count: 1 + draw(4),
        timestamp: draw(3) === 0 ? undefined : draw(100),
      }));
      let offset = stream.nextOffset;
      const { streamEpoch } = stream;
      await stream.appendAll(
        inputs.map(({ text, count, timestamp }) => ({
          bytes: bytesOf(text),
          count,
          ...(timestamp === undefined ? {} : { timestamp }),
        })),
      );
      for (const { text, count, timestamp } of inputs) {
        appended.push({ startOffset: offset, endOffset: offset + count, text, streamEpoch, timestamp });
        offset += count;
      }
      if (draw(3) === 0 && owner === 0) await noise.append(bytesOf('noise'));
    } else if (dice < 8) await sets[owner]!.upload();
    else if (dice === 8) {
      await stream.close();
      owner = draw(2);
      await sets[owner]!.sync();
      stream = await sets[owner]!.open('s');
    } else if (dice === 9 && stream.endOffset > start) {
      start += draw(Math.min(8, stream.endOffset - start) + 1);
      await stream.trim(start);
    }
    if (step % 4 === 0) await check(stream);
  }
  await check(stream);
  await stream.close();
  await check(await (await openView(store)).reader('s'));
});
