// The tables against frames that Kafka's own Java client encoded, for every API, version and direction.
import { describe, expect, test } from 'vitest';
import { goldenCorrelationId, goldenFrames, readFrame, writeFrame } from './golden.ts';
import { servedApis, versionsOf } from './served-apis.ts';

/** A value as the golden ones are written: bytes in base64, and fields only where the golden one has them. */
function asGolden(value: unknown, golden: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) {
    if (typeof golden === 'string') return Buffer.concat(value as Uint8Array[]).toString('base64');
    return value.map((one, i) => asGolden(one, Array.isArray(golden) ? golden[i] : undefined));
  }
  if (typeof value !== 'object' || value === null || typeof golden !== 'object' || golden === null) return value;
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(golden).map(([name, one]) => [name, asGolden(fields[name], one)]));
}

describe('the tables of messages', () => {
  test('the golden frames have every API in every version and both directions', () => {
    const given = new Set(goldenFrames.map(({ api, version, is }) => `${api.name} ${version} ${is}`));
    const served = servedApis.flatMap((api) =>
      versionsOf(api).flatMap((version) => [`${api.name} ${version} request`, `${api.name} ${version} response`]),
    );
    expect([...given].toSorted()).toEqual(served.toSorted());
  });

  for (const api of servedApis) {
    test(`${api.name} is read and written as Kafka does, in every version`, () => {
      for (const golden of goldenFrames) {
        if (golden.api !== api) continue;
        const what = `${golden.is} of version ${golden.version}`;
        const read = readFrame(golden, golden.frame);
        expect(asGolden(read.value, golden.value), what).toEqual(golden.value);
        expect(read, what).toMatchObject({
          correlationId: goldenCorrelationId,
          clientId: golden.is === 'request' ? 'golden' : null,
          rest: 0,
        });
        expect(Buffer.from(writeFrame(golden, read)).toString('hex'), what).toBe(
          Buffer.from(golden.frame).toString('hex'),
        );
      }
    });
  }
});
