// Frames of all APIs that are damaged in some way. Reading one gives a value or throws WireError, whatever is behind the
// frame in memory, and quickly. What was read can be written and read again: so round trips hold for every value that
// can arrive, not only for tidy ones.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameElementsMax, WireError, WireReader } from '../../../src/kafka/wire/wire-reader.ts';
import { fetchApi } from '../../../src/kafka/messages/fetch.ts';
import { metadataApi } from '../../../src/kafka/messages/metadata.ts';
import { offsetCommitApi } from '../../../src/kafka/messages/offset-commit.ts';
import { produceApi } from '../../../src/kafka/messages/produce.ts';
import { type GoldenFrame, goldenFrames, type ReadFrame, readFrame, writeFrame } from './golden.ts';
import { mutated, mutation } from './mutate.ts';
import { servedApis } from './served-apis.ts';

/** What is read of a frame that lies within a larger piece of memory; undefined where WireError is thrown. */
function readWithin(golden: GoldenFrame, frame: Uint8Array, around: number): ReadFrame | undefined {
  const memory = Buffer.alloc(frame.length + 512, around);
  memory.set(frame, 256);
  try {
    return readFrame(golden, memory.subarray(256, 256 + frame.length));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** By processor time, so that a busy machine does not count. */
function millisecondsOf(body: () => void): number {
  const before = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('reading a damaged frame', () => {
  for (const api of servedApis) {
    const frames = goldenFrames.filter((golden) => golden.api === api);
    test(`of ${api.name} gives a value or WireError, and a value goes round`, () => {
      let values = 0;
      let refusals = 0;
      const property = fc.property(
        fc.constantFrom(...frames),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (golden, mutations) => {
          const frame = mutated(golden.frame, mutations);
          const read = readWithin(golden, frame, 0x00);
          expect(readWithin(golden, frame, 0xff)).toEqual(read);
          if (read === undefined) return void refusals++;
          values++;
          const again = readFrame(golden, writeFrame(golden, read));
          expect(again).toEqual({ ...read, rest: 0 });
        },
      );
      fc.assert(property, { numRuns: 500 });
      expect(values).toBeGreaterThan(20);
      expect(refusals).toBeGreaterThan(20);
    });

    test(`of ${api.name} that is cut anywhere throws WireError`, () => {
      for (const golden of frames) {
        const complete = Buffer.from(golden.frame).toString('hex');
        for (let size = 0; size < golden.frame.length; size++) {
          const read = readWithin(golden, golden.frame.subarray(0, size), 0x01);
          expect(read, `${golden.is} ${golden.version}, ${size} bytes of ${complete}`).toBeUndefined();
        }
      }
    });
  }

  test('is over soon where it says that it has very many elements', () => {
    const elements = (count: number): Buffer => {
      const bytes = Buffer.alloc(4 + count);
      bytes.writeInt32BE(count);
      return bytes;
    };
    // A list of topics whose names are empty takes two bytes each, one of integers four.
    const many = Buffer.concat([elements(500_000), Buffer.alloc(2_000_000)]);
    const read = (): unknown => metadataApi.readRequest(new WireReader(many), 1);
    expect(millisecondsOf(() => expect(read).toThrow(WireError))).toBeLessThan(200);
    expect(millisecondsOf(() => expect(read).toThrow('more elements'))).toBeLessThan(200);
  });

  test('reads as many elements as are allowed, all together, and not one more', () => {
    const topics = (count: number): Uint8Array => {
      const bytes = Buffer.alloc(4 + 2 * count);
      bytes.writeInt32BE(count);
      return bytes;
    };
    const read = (bytes: Uint8Array): unknown => metadataApi.readRequest(new WireReader(bytes), 1);
    expect(read(topics(frameElementsMax))).toMatchObject({ topics: { length: frameElementsMax } });
    expect(() => read(topics(frameElementsMax + 1))).toThrow(WireError);
  });

  test('counts the elements of nested lists as well', () => {
    // One topic after the other with 1,000 partitions each.
    const partitions = Buffer.alloc(4 + 1_000 * 14);
    partitions.writeInt32BE(1_000);
    const topic = Buffer.concat([Buffer.from([0, 1, 0x74]), partitions]);
    const frame = (count: number): Buffer => {
      const head = Buffer.from([0, 1, 0x67, 0, 0, 0, 0]);
      head.writeInt32BE(count, 3);
      return Buffer.concat([head, ...Array.from({ length: count }, () => topic)]);
    };
    const read = (bytes: Uint8Array): unknown => offsetCommitApi.readRequest(new WireReader(bytes), 0);
    expect(read(frame(99))).toMatchObject({ topics: { length: 99 } });
    expect(() => read(frame(100))).toThrow(WireError);
  });

  test('does not believe a length that is larger than the frame', () => {
    const produce = Buffer.from([0xff, 0xff, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0x74, 0, 0, 0, 1, 0, 0, 0, 0]);
    const records = Buffer.alloc(4);
    for (const sizeBytes of [1, 0x7fff_ffff, 1_000_000]) {
      records.writeInt32BE(sizeBytes);
      const reader = new WireReader(Buffer.concat([produce, records]));
      expect(() => produceApi.readRequest(reader, 3)).toThrow(WireError);
    }
  });

  test('takes nothing for a list that must be there and is null', () => {
    // The topics of a fetch: −1 elements.
    const start = Buffer.alloc(25);
    const reader = new WireReader(Buffer.concat([start, Buffer.from([0xff, 0xff, 0xff, 0xff])]));
    expect(() => fetchApi.readRequest(reader, 7)).toThrow(WireError);
  });
});
