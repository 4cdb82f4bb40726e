// Waiting that can be given up. An aborted wait rejects with `signal.reason` and undoes nothing.
import { setMaxListeners } from 'node:events';
import type { Runtime } from './runtime.ts';

/** Throws the reason of a signal that has already fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
}

/** Resolves after `delayMs`, or rejects with the signal's reason if that comes first. */
export function sleep(runtime: Runtime, delayMs: number, signal?: AbortSignal): Promise<void> {
  return abortable((resolve) => {
    const timer = runtime.timers.after(delayMs, resolve);
    return () => timer.cancel();
  }, signal);
}

/** Waits for `promise`, but no longer than the signal allows. The work behind the promise goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  promise.catch(() => {}); // If the signal wins, nobody else looks at a later rejection.
  return abortable((resolve, reject) => {
    promise.then(resolve, reject);
    return () => {};
  }, signal);
}

/**
 * A promise made of a start function that returns its own clean-up. The clean-up runs once, however the promise
 * settles; a firing signal settles it with its reason.
 */
export function abortable<T>(
  start: (resolve: (value: T) => void, reject: (cause: unknown) => void) => () => void,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    // Dozens of requests of one call wait on one signal, and each leaves it: that is no leak to warn about.
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
    let settled = false;
    let cleanUp: (() => void) | undefined;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', onAbort);
      cleanUp?.();
      finish();
    };
    const onAbort = (): void => settle(() => reject(signal?.reason as Error));
    signal?.addEventListener('abort', onAbort, { once: true });
    cleanUp = start(
      (value) => settle(() => resolve(value)),
      (cause) => settle(() => reject(cause as Error)),
    );
    if (settled) cleanUp(); // It settled while it started.
  });
}

/** A controller whose signal goes with many requests at once: that each of them listens is no leak to warn about. */
export function sharedAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
