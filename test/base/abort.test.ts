import { expect, test } from 'vitest';
import { abortable, sleep, untilAborted, sharedAbortController } from '../../src/base/abort.ts';
import { backoffDelayMs } from '../../src/base/backoff.ts';
import { Fifo } from '../../src/base/fifo.ts';
import { Limiter, mapLimited } from '../../src/base/limiter.ts';
import { systemRuntime } from '../../src/base/runtime.ts';
import { SingleFlight } from '../../src/base/single-flight.ts';

const later = (): Promise<void> => systemRuntime.timers.turn();

test('a wait rejects with the reason of its signal and cleans up once, whatever comes first', async () => {
  for (const first of ['value', 'failure', 'abort', 'aborted before'] as const) {
    const controller = new AbortController();
    const reason = new Error('enough');
    if (first === 'aborted before') controller.abort(reason);
    let cleanUps = 0;
    let settle: { resolve: (value: number) => void; reject: (cause: unknown) => void } | undefined;
    const wait = abortable<number>((resolve, reject) => {
      settle = { resolve, reject };
      return () => (cleanUps += 1);
    }, controller.signal);
    const outcome = wait.catch((cause: unknown) => cause);
    if (first === 'value') settle?.resolve(1);
    if (first === 'failure') settle?.reject(new Error('failed'));
    controller.abort(reason);
    settle?.resolve(2);
    if (first === 'value') expect(await outcome).toBe(1);
    else if (first === 'failure') expect(await outcome).toMatchObject({ message: 'failed' });
    else expect(await outcome).toBe(reason);
    expect(cleanUps).toBe(first === 'aborted before' ? 0 : 1);
  }
});

test('any number of waits share a signal, and the process is not warned of a leak', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const controller = new AbortController();
  const waits = Array.from({ length: 50 }, () => untilAborted(new Promise(() => {}), controller.signal));
  controller.abort(new Error('enough'));
  await Promise.allSettled(waits);
  await sleep(systemRuntime, 1);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

test('a wait that is over as it starts is cleaned up too', async () => {
  let cleanUps = 0;
  await abortable<void>((resolve) => {
    resolve();
    return () => (cleanUps += 1);
  }, undefined);
  expect(cleanUps).toBe(1);
});

test('sleeping ends early on abort, and leaves no timer', async () => {
  const controller = new AbortController();
  const asleep = sleep(systemRuntime, 60_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(asleep).rejects.toThrow('enough');
  await sleep(systemRuntime, 1);
});

test('a failure after its wait was given up is nobody’s', async () => {
  const controller = new AbortController();
  let fail: (cause: Error) => void = () => {};
  const work = new Promise<void>((_resolve, reject) => (fail = reject));
  const wait = untilAborted(work, controller.signal);
  controller.abort(new Error('enough'));
  await expect(wait).rejects.toThrow('enough');
  fail(new Error('late'));
  await later(); // An unhandled rejection would fail the run.
});

test('the delays of a backoff double up to their bound, with full jitter', () => {
  const range = { delayMinMs: 10, delayMaxMs: 1_000 };
  const at = (attempt: number, fraction: number): number =>
    backoffDelayMs(attempt, range, { fraction: () => fraction, bytes: () => new Uint8Array() });
  expect([1, 2, 3, 6, 7, 40, 5_000].map((attempt) => at(attempt, 0.999))).toEqual([19, 39, 79, 639, 999, 999, 999]);
  expect(at(7, 0)).toBe(0);
  expect(at(7, 0.5)).toBe(500);
});

test('a limiter runs so many at once, in order of arrival, failures included', async () => {
  const limiter = new Limiter(3);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      limiter.run(async () => {
        begun.push(i);
        most = Math.max(most, ++running);
        await later();
        running -= 1;
        if (i % 5 === 0) throw new Error(`${i}`);
        return i;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  expect(await mapLimited([3, 1, 2], 2, async (n, i) => (await later(), n * 10 + i))).toEqual([30, 11, 22]);
});

test('callers of one key share a flight; those who joined one that fails share one more; nothing is kept', async () => {
  const flights = new SingleFlight<string, number>();
  let starts = 0;
  let failing = 1;
  const start = async (): Promise<number> => {
    const number = ++starts;
    await later();
    if (number <= failing) throw new Error(`no ${number}`);
    return number;
  };
  const outcomes = async (callers: number): Promise<unknown[]> => {
    const all = await Promise.allSettled(Array.from({ length: callers }, () => flights.run('a', start)));
    return all.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as Error).message));
  };
  expect(await outcomes(4)).toEqual(['no 1', 2, 2, 2]);
  failing = 4;
  expect(await outcomes(4)).toEqual(['no 3', 'no 4', 'no 4', 'no 4']);
  expect(await outcomes(2)).toEqual([5, 5]);
  expect(await Promise.all([flights.run('a', start), flights.run('b', start)])).toEqual([6, 7]);
  expect(flights.isFlying('a')).toBe(false);
});

test('a queue gives back what it was given, in order, however it grows and shrinks', () => {
  const queue = new Fifo<number>();
  let [pushed, shifted] = [0, 0];
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < (round * 37) % 101; i++) queue.push(pushed++);
    for (let i = 0; i < (round * 53) % 97 && shifted < pushed; i++) {
      expect(queue.first).toBe(shifted);
      expect(queue.shift()).toBe(shifted++);
    }
    expect(queue.length).toBe(pushed - shifted);
  }
  while (queue.length > 0) expect(queue.shift()).toBe(shifted++);
  expect([queue.shift(), queue.first]).toEqual([undefined, undefined]);
});

test('a shared controller lets many listen without a warning', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const { signal } = sharedAbortController();
  for (let i = 0; i < 50; i += 1) signal.addEventListener('abort', () => {});
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  expect(warnings.filter((warning) => 'target' in warning && warning.target === signal)).toEqual([]);
});
