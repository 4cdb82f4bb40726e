// Hedged reads: a late answer is asked for again, within a budget; the first answer counts and the other is aborted.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KiB, MiB } from '../../src/base/bytes.ts';
import { Hedger } from '../../src/store/hedging.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

/** What becomes of one request: so long, then an answer or an error; Infinity: never. */
interface Fate {
  readonly ms: number;
  readonly error?: string;
  readonly deaf?: boolean;
}

const unhandled: unknown[] = [];
const note = (cause: unknown): void => void unhandled.push(cause);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** A hedger, and requests whose fates are given; each answers with its number. */
function open(more: { readonly isSuspended?: () => boolean } = {}) {
  const runtime = new SeededRuntime({ seed: 1 });
  const hedger = new Hedger({ runtime, ...more });
  const requests: { readonly atMs: number; abortedAtMs?: number; reason?: unknown }[] = [];
  let underWay = 0;
  const reader = (fates: readonly Fate[]) => {
    let next = 0;
    return (signal: AbortSignal): Promise<number> => {
      const number = next++;
      const { ms, error, deaf = false } = fates[number] ?? { ms: 1 };
      const request: (typeof requests)[number] = { atMs: runtime.clock.monotonic() };
      requests.push(request);
      underWay += 1;
      return new Promise((resolve, reject) => {
        const end = (finish: () => void): void => {
          timer?.cancel();
          underWay -= 1;
          finish();
        };
        const timer =
          ms === Infinity
            ? undefined
            : runtime.timers.after(ms, () =>
                end(() => (error === undefined ? resolve(number) : reject(new Error(error)))),
              );
        signal.addEventListener('abort', () => {
          request.abortedAtMs = runtime.clock.monotonic();
          request.reason = signal.reason;
          if (!deaf) end(() => reject(signal.reason as Error));
        });
      });
    };
  };
  const read = (fates: readonly Fate[], sizeBytes = MiB, signal?: AbortSignal): Promise<number> =>
    hedger.run(reader(fates), { sizeBytes, signal });
  const learn = async (count = 200, ms = 40, sizeBytes = MiB): Promise<void> => {
    for (let i = 0; i < count; i++) await read([{ ms }], sizeBytes);
    requests.length = 0;
  };
  return { runtime, hedger, requests, read, learn, stillOpen: () => underWay };
}

describe('Hedger', () => {
  test('asks a second time when the answer is late, takes the first answer and aborts the other request', async () => {
    const { runtime, hedger, requests, read, learn, stillOpen } = open();
    await runtime.run(async () => {
      await learn();
      expect(hedger.delayMs(MiB)).toBe(60);
      const startedAt = runtime.clock.monotonic();
      expect(await read([{ ms: 5_000 }, { ms: 30 }])).toBe(1);
      expect(runtime.clock.monotonic() - startedAt).toBe(90);
      expect(requests.map(({ atMs }) => atMs - startedAt)).toEqual([0, 60]);
      expect(requests[0]!.abortedAtMs).toBe(startedAt + 90);
      expect(requests[1]!.abortedAtMs).toBeUndefined();
      // The first one may be faster after all.
      expect(await read([{ ms: 70 }, { ms: 5_000 }])).toBe(0);
      expect(requests[3]!.abortedAtMs).toBe(runtime.clock.monotonic());
    });
    expect(hedger.counts()).toEqual({ reads: 202, hedges: 2, won: 1 });
    expect([runtime.pendingTimers, stillOpen()]).toEqual([0, 0]);
  });

  test('asks once while too little is known of answers of this size', async () => {
    const { runtime, hedger, requests, read, learn } = open();
    await runtime.run(async () => {
      await learn(200, 40, 64 * KiB);
      await learn(31);
      expect(hedger.delayMs(MiB)).toBeUndefined();
      expect(hedger.delayMs(16 * KiB)).toBe(60);
      expect(await read([{ ms: 60_000 }])).toBe(0);
      expect(requests).toHaveLength(1);
      expect(hedger.delayMs(MiB)).toBe(60);
    });
  });

  test('learns what is usual, and forgets what was', async () => {
    const { runtime, hedger, learn } = open();
    await runtime.run(async () => {
      for (const [ms, delayMs] of [
        [1, 20],
        [100, 150],
        [10_000, 2_000],
        [40, 60],
      ] as const) {
        await learn(136, ms);
        expect(hedger.delayMs(MiB), `after answers in ${ms} ms`).toBe(delayMs);
      }
    });
  });

  test('asks a second time for one in twenty reads at most, however late all answers are', async () => {
    const { runtime, hedger, read, learn } = open();
    await runtime.run(async () => {
      await learn();
      for (let i = 0; i < 500; i++) await read([{ ms: 3_000 }, { ms: 1 }], 300 * KiB);
    });
    const { reads, hedges } = hedger.counts();
    expect(hedges).toBeLessThanOrEqual(reads / 20);
    expect(hedges).toBeGreaterThan(reads / 20 - 10);
  });

  test('begins no more than four second requests at once, and no more than 8 MiB of them', async () => {
    for (const [sizeBytes, expected] of [
      [MiB, 4],
      [3 * MiB, 2],
      [9 * MiB, 0],
    ] as const) {
      const { runtime, hedger, requests, read, learn } = open();
      await runtime.run(async () => {
        await learn(200, 40, sizeBytes);
        await Promise.all(Array.from({ length: 20 }, () => read([{ ms: 1_000 }, { ms: 1_000 }], sizeBytes)));
        expect(requests).toHaveLength(20 + expected);
        expect(hedger.counts().hedges).toBe(expected);
        // Those have ended, and others may begin, as far as there are any saved.
        for (let i = 0; i < 100; i++) await read([{ ms: 40 }], sizeBytes);
        await read([{ ms: 60_000 }, { ms: 1 }], sizeBytes);
        expect(hedger.counts().hedges).toBe(expected === 0 ? 0 : expected + 1);
      });
    }
  });

  test('asks once while the store asks for less', async () => {
    let isSuspended = true;
    const { runtime, requests, read, learn } = open({ isSuspended: () => isSuspended });
    await runtime.run(async () => {
      await learn();
      expect(await read([{ ms: 900 }, { ms: 1 }])).toBe(0);
      expect(requests).toHaveLength(1);
      isSuspended = false;
      expect(await read([{ ms: 900 }, { ms: 1 }])).toBe(1);
    });
  });

  test('goes by the other answer when one request fails', async () => {
    const { runtime, hedger, read, learn } = open();
    await runtime.run(async () => {
      await learn();
      expect(await read([{ ms: 80, error: 'reset' }, { ms: 300 }])).toBe(1);
      expect(await read([{ ms: 300 }, { ms: 10, error: 'reset' }])).toBe(0);
    });
    expect(hedger.counts()).toMatchObject({ hedges: 2, won: 1 });
  });

  test('fails at once when there is no second request, and with the first error when both have failed', async () => {
    const { runtime, requests, read, learn } = open();
    await runtime.run(async () => {
      await learn();
      await expect(read([{ ms: 30, error: 'refused' }])).rejects.toThrow('refused');
      expect(requests).toHaveLength(1);
      await expect(
        read([
          { ms: 100, error: 'first' },
          { ms: 100, error: 'second' },
        ]),
      ).rejects.toThrow('first');
      await expect(
        read([
          { ms: 200, error: 'last' },
          { ms: 100, error: 'earlier' },
        ]),
      ).rejects.toThrow('earlier');
    });
    expect(runtime.pendingTimers).toBe(0);
  });

  test('fails when the request cannot even begin', async () => {
    const { runtime, hedger } = open();
    const thrown = new Error('no such thing');
    const run = hedger.run(
      () => {
        throw thrown;
      },
      { sizeBytes: 1 },
    );
    await expect(run).rejects.toBe(thrown);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('ends both requests when the caller gives up, with the reason of the signal', async () => {
    for (const afterMs of [0, 30, 100]) {
      const { runtime, requests, read, learn, stillOpen } = open();
      const controller = new AbortController();
      await runtime.run(async () => {
        await learn();
        const startedAt = runtime.clock.monotonic();
        runtime.timers.after(afterMs, () => controller.abort(new Error('enough')));
        await expect(read([{ ms: 5_000 }, { ms: 5_000 }], MiB, controller.signal)).rejects.toThrow('enough');
        expect(runtime.clock.monotonic() - startedAt).toBe(afterMs);
        expect(requests).toHaveLength(afterMs === 100 ? 2 : 1);
        for (const { reason } of requests) expect(reason).toBe(controller.signal.reason);
        await expect(read([{ ms: 1 }], MiB, controller.signal)).rejects.toThrow('enough');
      });
      expect([runtime.pendingTimers, stillOpen()]).toEqual([0, 0]);
    }
  });

  test('learns nothing from an answer that comes after the one that counted', async () => {
    const { runtime, hedger, read, learn } = open();
    await runtime.run(async () => {
      await learn();
      for (let i = 0; i < 9; i++) {
        await read([{ ms: 70 }, { ms: 100, deaf: true }]);
        await learn(20);
      }
      await new Promise<void>((resolve) => {
        runtime.timers.after(1_000, resolve);
      });
    });
    expect(hedger.counts()).toEqual({ reads: 389, hedges: 9, won: 0 });
  });

  test('does not wait for a request that does not honour its signal, and counts it while it is there', async () => {
    const { runtime, hedger, read, learn } = open();
    await runtime.run(async () => {
      await learn();
      for (let i = 0; i < 4; i++) expect(await read([{ ms: 20_000, deaf: true }, { ms: 1 }])).toBe(1);
      await learn(80);
      expect(await read([{ ms: 900 }, { ms: 1 }])).toBe(0);
      await new Promise<void>((resolve) => {
        runtime.timers.after(20_000, resolve);
      });
      expect(await read([{ ms: 900 }, { ms: 1 }])).toBe(1);
    });
    expect(hedger.counts()).toMatchObject({ hedges: 5, won: 5 });
  });
});

test('whatever becomes of the requests of many reads, each read has its right answer, and nothing is left', async () => {
  const fate = fc.record(
    {
      ms: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.integer({ min: 60, max: 3_000 })),
      error: fc.constantFrom('reset', 'refused'),
      deaf: fc.boolean(),
    },
    { requiredKeys: ['ms'] },
  );
  const one = fc.record({
    fates: fc.tuple(fate, fate),
    afterMs: fc.integer({ min: 0, max: 500 }),
    abortMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
    sizeBytes: fc.constantFrom(KiB, MiB, 3 * MiB),
  });
  const body = fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 30 }), async (reads) => {
    const { runtime, hedger, requests, read, learn, stillOpen } = open();
    let begun = 0;
    await runtime.run(async () => {
      for (const sizeBytes of [KiB, MiB, 3 * MiB]) await learn(40, 40, sizeBytes);
      await Promise.all(
        reads.map(async ({ fates, afterMs, abortMs, sizeBytes }) => {
          await new Promise<void>((resolve) => {
            runtime.timers.after(afterMs, resolve);
          });
          const controller = new AbortController();
          const reason = new Error('enough');
          if (abortMs !== undefined) runtime.timers.after(abortMs, () => controller.abort(reason));
          begun += 1;
          const startedAt = runtime.clock.monotonic();
          const delayMs = hedger.delayMs(sizeBytes)!;
          const result = await read(fates, sizeBytes, controller.signal).then(
            (number) => ({ number }),
            (cause: unknown) => ({ cause }),
          );
          const tookMs = runtime.clock.monotonic() - startedAt;
          if ('number' in result) {
            const { ms, error } = fates[result.number]!;
            expect(error).toBeUndefined();
            expect(tookMs).toBe(result.number === 0 ? ms : delayMs + ms);
            return;
          }
          if (result.cause === reason) {
            expect(tookMs).toBe(abortMs);
            return;
          }
          expect(fates.map(({ error }) => error)).toContain((result.cause as Error).message);
          expect(fates[0].error).toBeDefined();
        }),
      );
      // Deaf requests go on.
      await new Promise<void>((resolve) => {
        runtime.timers.after(10_000, resolve);
      });
    });
    const { hedges } = hedger.counts();
    expect(requests).toHaveLength(begun + hedges);
    expect(hedges).toBeLessThanOrEqual((120 + begun) / 20);
    expect([runtime.pendingTimers, stillOpen()]).toEqual([0, 0]);
  });
  await fc.assert(body, { numRuns: 60, seed: 20_261_121 });
});
