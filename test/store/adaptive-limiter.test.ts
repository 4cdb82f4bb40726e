// The limit of requests under way: it shrinks when the store asks for less, grows back, and lets everybody in in turn.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdaptiveLimiter, type Lease, type LeaseOutcome } from '../../src/store/adaptive-limiter.ts';

async function enterMany(limiter: AdaptiveLimiter, count: number): Promise<Lease[]> {
  return Promise.all(Array.from({ length: count }, () => limiter.enter()));
}

async function answer(limiter: AdaptiveLimiter, count: number, outcome: LeaseOutcome = 'ok'): Promise<void> {
  for (let i = 0; i < count; i++) (await limiter.enter()).leave(outcome);
}

/** Lets everything that is ready come to rest. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('AdaptiveLimiter', () => {
  test('lets in as many as its limit, and the others in the order of asking', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 2 });
    const leases = await enterMany(limiter, 2);
    const entered: number[] = [];
    const others = [1, 2, 3].map(async (number) => {
      const lease = await limiter.enter();
      entered.push(number);
      return lease;
    });
    await rest();
    expect([limiter.running, limiter.waiting, entered]).toEqual([2, 3, []]);
    leases[1]!.leave('ok');
    await rest();
    expect([limiter.running, limiter.waiting, entered]).toEqual([2, 2, [1]]);
    leases[0]!.leave('failed');
    (await others[0]!).leave('ok');
    await rest();
    expect([limiter.running, limiter.waiting, entered]).toEqual([2, 0, [1, 2, 3]]);
  });

  test('is halved when the store throttles, once for all that were under way', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 64 });
    const leases = await enterMany(limiter, 64);
    for (const lease of leases) lease.leave('throttled');
    expect(limiter.limit).toBe(32);
    expect(limiter.isReduced).toBe(true);
    for (const expected of [16, 8, 4, 2, 1, 1, 1]) {
      const some = await enterMany(limiter, limiter.limit);
      for (const lease of some) lease.leave('throttled');
      expect(limiter.limit).toBe(expected);
    }
  });

  test('never falls below its minimum', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 10, limitMin: 4 });
    await answer(limiter, 20, 'throttled');
    expect(limiter.limit).toBe(4);
  });

  test('grows by one for as many answers as it counts, up to its maximum', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 8 });
    await answer(limiter, 3, 'throttled');
    expect(limiter.limit).toBe(1);
    const answers: number[] = [];
    for (let limit = 1; limit < 8; limit++) {
      let count = 0;
      for (; limiter.limit === limit; count++) await answer(limiter, 1);
      answers.push(count);
      expect(limiter.limit).toBe(limit + 1);
    }
    for (const [i, count] of answers.entries()) expect(Math.abs(count - (i + 1)), String(answers)).toBeLessThan(2);
    await answer(limiter, 100);
    expect(limiter.limit).toBe(8);
    expect(limiter.isReduced).toBe(false);
  });

  test('stays as it is when requests fail for other reasons', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 8 });
    await answer(limiter, 100, 'failed');
    expect(limiter.limit).toBe(8);
    await answer(limiter, 1, 'throttled');
    await answer(limiter, 100, 'failed');
    expect(limiter.limit).toBe(4);
  });

  test('lets nobody in while more are under way than it has shrunk to', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 8 });
    const leases = await enterMany(limiter, 8);
    const ninth = limiter.enter();
    leases[0]!.leave('throttled');
    for (const lease of leases.slice(1, 4)) lease.leave('failed');
    await rest();
    expect([limiter.limit, limiter.running, limiter.waiting]).toEqual([4, 4, 1]);
    leases[4]!.leave('failed');
    (await ninth).leave('failed');
    expect([limiter.running, limiter.waiting]).toEqual([3, 0]);
  });

  test('counts a lease that is left twice once', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 4 });
    const [first, second] = await enterMany(limiter, 2);
    first!.leave('ok');
    first!.leave('throttled');
    first!.leave('ok');
    expect([limiter.limit, limiter.running]).toEqual([4, 1]);
    second!.leave('throttled');
    expect([limiter.limit, limiter.running]).toEqual([2, 0]);
  });

  test('forgets at once who gives up waiting, and rejects with the reason of the signal', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 1 });
    const lease = await limiter.enter();
    const controller = new AbortController();
    const given = [limiter.enter(controller.signal), limiter.enter(), limiter.enter(controller.signal)];
    expect(limiter.waiting).toBe(3);
    controller.abort(new Error('enough'));
    expect(limiter.waiting).toBe(1);
    await expect(given[0]).rejects.toThrow('enough');
    await expect(given[2]).rejects.toThrow('enough');
    await expect(limiter.enter(controller.signal)).rejects.toThrow('enough');
    expect(limiter.running).toBe(1);
    lease.leave('ok');
    (await given[1]!).leave('ok');
    expect([limiter.running, limiter.waiting]).toEqual([0, 0]);
  });

  test('takes no place for a signal that fires after the place was given', async () => {
    const limiter = new AdaptiveLimiter({ limitMax: 1 });
    const lease = await limiter.enter();
    const controller = new AbortController();
    const next = limiter.enter(controller.signal);
    lease.leave('ok');
    controller.abort(new Error('too late'));
    (await next).leave('ok');
    expect(limiter.running).toBe(0);
  });

  test('refuses limits that are none', () => {
    for (const [limitMax, limitMin] of [[0], [1.5], [Number.NaN], [Infinity], [4, 5], [4, 0], [4, 1.5]] as const) {
      expect(() => new AdaptiveLimiter({ limitMax: limitMax!, limitMin }), `${limitMax}`).toThrow(/a limit lies/);
    }
  });
});

describe('whatever happens, in whatever order, an AdaptiveLimiter', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('enter' as const), abortable: fc.boolean() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('leave' as const),
        which: fc.nat(),
        outcome: fc.constantFrom<LeaseOutcome>('ok', 'throttled', 'failed'),
        twice: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat() }) },
  );
  const limits = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 12 }));

  test('keeps within its bounds, in order, and lets everybody in in the end', async () => {
    const body = fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async ([limitMin, more], steps) => {
      const limitMax = limitMin + more;
      const limiter = new AdaptiveLimiter({ limitMax, limitMin });
      const held: Lease[] = [];
      const entered: number[] = [];
      const waiting = new Map<number, AbortController>();
      let asked = 0;
      let aborted = 0;
      for (const one of steps) {
        const before = limiter.running;
        if (one.kind === 'enter') {
          const number = asked++;
          const controller = new AbortController();
          waiting.set(number, controller);
          const take = async (): Promise<void> => {
            try {
              held.push(await limiter.enter(one.abortable ? controller.signal : undefined));
              entered.push(number);
            } catch {
              aborted += 1;
            }
            waiting.delete(number);
          };
          void take();
        } else if (one.kind === 'leave' && held.length > 0) {
          const lease = held.splice(one.which % held.length, 1)[0]!;
          lease.leave(one.outcome);
          if (one.twice) lease.leave('throttled');
        } else if (one.kind === 'abort' && waiting.size > 0) {
          [...waiting.values()][one.which % waiting.size]!.abort(new Error('enough'));
        }
        await rest();
        expect(limiter.running).toBe(held.length);
        expect(limiter.waiting).toBe(waiting.size);
        expect(limiter.limit).toBeGreaterThanOrEqual(limitMin);
        expect(limiter.limit).toBeLessThanOrEqual(limitMax);
        // Nobody is let in beyond the limit, and nobody waits below it.
        if (limiter.running > before) expect(limiter.running).toBeLessThanOrEqual(limiter.limit);
        if (limiter.waiting > 0) expect(limiter.running).toBeGreaterThanOrEqual(limiter.limit);
      }
      while (held.length > 0) {
        held.pop()!.leave('throttled');
        await rest();
      }
      expect([limiter.running, limiter.waiting, waiting.size]).toEqual([0, 0, 0]);
      expect(entered).toEqual([...entered].sort((a, b) => a - b));
      expect(entered.length + aborted).toBe(asked);
    });
    await fc.assert(body, { numRuns: 300, seed: 20_261_121 });
  });
});
