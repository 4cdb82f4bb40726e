// Servers that do one thing wrong are refused, by the check that is about it: when a set is opened, before anything is
// written, and by the doctor.
import { describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/cli/doctor.ts';
import { StreamSet } from '../../src/index.ts';
import { errorOf, openSet } from '../engine/world.ts';
import { credentials, startServer, storeAt } from './bad-places.ts';
import type { FakeDefects, FakeS3 } from './fake-s3.mjs';

const created = 'a key that is there is not created again';
const createdAtOnce = 'of 8 writers who create a key at once one succeeds';
const createdHalf = 'a key is not created twice while a body is on its way';
const replaced = 'a value is replaced over its etag, and over no other';
const replacedAtOnce = 'of 8 writers who replace a value at once one succeeds';
const replacedHalf = 'a value is not replaced twice while a body is on its way';

/** What a server does wrongly, and the checks that find it. */
const defects: readonly (readonly [string, FakeDefects, readonly string[]])[] = [
  ['creates what is there', { ignoreIfNoneMatch: true }, [created, createdAtOnce, createdHalf]],
  ['replaces over any etag', { ignoreIfMatch: true }, [replaced, replacedAtOnce, replacedHalf]],
  ['tests a condition when the body begins', { conditionAtStart: true }, [createdHalf, replacedHalf]],
  ['answers ranges that lie one further on', { wrongRange: 'shifted' }, ['ranges are the bytes that were asked for']],
  ['lists in reverse order', { unorderedList: true }, ['lists are whole and in order, at any page size']],
  ['lists late', { staleList: true }, ['keys can be listed']],
  ['keeps what it deletes', { deleteKeeps: true }, ['deleted objects are gone, and missing ones are no failure']],
];

async function doctored(fake: FakeS3): Promise<{ status: number; text: string }> {
  const lines: string[] = [];
  const { signal } = new AbortController();
  const status = await runDoctor(storeAt(fake.endpoint), { title: 'it', print: (line) => lines.push(line), signal });
  return { status, text: lines.join('\n') };
}

describe('a server', () => {
  test.each(defects)('is refused that %s', async (_, wrong, checks) => {
    const fake = await startServer({ defects: wrong, verifySignatures: false });
    const error = await errorOf(StreamSet.open({ node: 'a', store: storeAt(fake.endpoint) }));
    expect(error).toMatchObject({ code: 'STORE_UNSUITABLE', action: 'correct', outcome: 'none' });
    const failed = error['failedChecks'] as readonly { name: string; problem: string }[];
    expect(failed.map(({ name }) => name)).toEqual(checks);
    for (const { problem } of failed) {
      expect(problem).toContain('use a store that passes (docs/operations.md names some)');
      expect(error.message).toContain(problem);
    }
    expect([...fake.objects().keys()].filter((key) => !wrong.deleteKeeps || !key.startsWith('qanat-probe/'))).toEqual(
      [],
    );
    const { status, text } = await doctored(fake);
    expect(status).toBe(1);
    for (const check of checks) expect(text).toMatch(new RegExp(`^${check} +failed +[\\d.]+ ms$`, 'm'));
    expect(text).toMatch(/^failed: \d+ of \d+ checks failed; do not use this store$/m);
  });

  test.each([
    ['ignores ranges', { wrongRange: 'ignored' }],
    ['ignores ranges from the end', { wrongRange: 'suffix-ignored' }],
    ['compares etags without their quotes', { bareIfMatch: true }],
    ['gives etags without quotes', { etagWithoutQuotes: true }],
  ] as const)('is used that %s: the store takes what it needs', async (_, wrong) => {
    const fake = await startServer({ defects: wrong, verifySignatures: false });
    expect((await openSet(storeAt(fake.endpoint))).status).toBe('open');
    expect(await doctored(fake)).toMatchObject({ status: 0 });
  });

  test('is used that bears few requests at a time', async () => {
    const fake = await startServer({ concurrentMax: 2, latencyMs: 2, verifySignatures: false, credentials });
    expect(await doctored(fake)).toMatchObject({ status: 0 });
    expect((await openSet(storeAt(fake.endpoint))).status).toBe('open');
  });
});
