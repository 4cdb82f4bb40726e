// The retrying store before stores that do what they like, drawn by chance.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { away, backoff, deafStore, forbidUnhandledRejections } from './deaf-store.ts';

const read = { purpose: 'read' } as const;

forbidUnhandledRejections();

test('whatever a store does, every call ends in time, with a true answer, and nothing is left', async () => {
  const outcome = fc.oneof(
    fc.record({ kind: fc.constant('answers' as const), ms: fc.integer({ min: 0, max: 30_000 }) }),
    fc.record({ kind: fc.constant('fails' as const), ms: fc.integer({ min: 0, max: 30_000 }) }),
    fc.record({ kind: fc.constant('hangs' as const), ms: fc.constant(Infinity) }),
  );
  const drawn = fc.record({
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 6 }),
    hears: fc.boolean(),
    deadlineMs: fc.constantFrom(0, 500, 3_000, 60_000),
    abortMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
    seed: fc.nat(),
  });
  const body = fc.asyncProperty(drawn, async ({ outcomes, hears, deadlineMs, abortMs, seed }) => {
    const runtime = new SeededRuntime({ seed });
    let tries = 0;
    let underWay = 0;
    const answers: { readonly atMs: number; readonly number: number }[] = [];
    const inner: ObjectStore = {
      ...deafStore().store,
      get: (_, { signal }) => {
        const number = tries++;
        const { kind, ms } = outcomes[Math.min(number, outcomes.length - 1)]!;
        underWay += 1;
        expect(underWay === 1 || !hears).toBe(true); // One try at a time.
        return new Promise((resolve, reject) => {
          const end = (finish: () => void): void => {
            timer?.cancel();
            underWay -= 1;
            finish();
          };
          const value = { bytes: new Uint8Array([number]), etag: 'e', size: 1 };
          const timer =
            kind === 'hangs'
              ? undefined
              : runtime.timers.after(ms, () =>
                  end(() => {
                    answers.push({ atMs: runtime.clock.monotonic(), number });
                    if (kind === 'answers') resolve(value);
                    else reject(away);
                  }),
                );
          signal?.addEventListener('abort', () => hears && end(() => reject(signal.reason as Error)));
        });
      },
    };
    const store = new RetryingObjectStore(inner, { runtime, deadlineMs, backoff });
    const controller = new AbortController();
    const reason = new Error('enough');
    await runtime.run(async () => {
      const abort = abortMs === undefined ? undefined : runtime.timers.after(abortMs, () => controller.abort(reason));
      const result = await store.get('a', { ...read, range: { last: 1 }, signal: controller.signal }).then(
        (value) => ({ value }),
        (cause: unknown) => ({ cause }),
      );
      abort?.cancel();
      const endMs = runtime.clock.monotonic();
      expect(endMs).toBeLessThanOrEqual(Math.max(deadlineMs, 1_000) + 1_000);
      if ('value' in result) {
        // It is the answer of the last try, in the moment it came.
        expect((result.value as { bytes: Uint8Array }).bytes[0]).toBe(tries - 1);
        expect(answers.at(-1)).toEqual({ atMs: endMs, number: tries - 1 });
      } else if (result.cause === reason) expect(endMs).toBe(abortMs);
      else expect(result.cause).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      // Its timers are gone at once; only the store's own remain.
      if (hears) expect([runtime.pendingTimers, underWay]).toEqual([0, 0]);
    });
  });
  await fc.assert(body, { numRuns: 300, seed: 20_261_121 });
});
