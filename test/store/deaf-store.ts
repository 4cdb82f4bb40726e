// A store whose calls end when they are told to, or never, and which does not look at signals; and the retrying store
// before it.
import { afterEach, beforeEach, expect } from 'vitest';
import { qanatError } from '../../src/model/errors.ts';
import type { ObjectStore, StoreRequestOptions } from '../../src/store/object-store.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

export const backoff = { delayMinMs: 100, delayMaxMs: 2000 } as const;

/** What a store fails with that is away for a while. */
export const away = qanatError('STORE_UNAVAILABLE', 'not now', { operation: 'any', key: undefined });

/** Fails each test of the file in which a promise is rejected that nobody looks at. */
export function forbidUnhandledRejections(): void {
  const unhandled: unknown[] = [];
  const note = (cause: unknown): void => void unhandled.push(cause);
  beforeEach(() => void process.on('unhandledRejection', note));
  afterEach(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled.splice(0)).toEqual([]);
  });
}

/** One call that waits for its end by hand, and may not look at its signal. */
export interface OpenCall {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly signal: AbortSignal | undefined;
  readonly end: (answer: unknown) => void;
  readonly fail: (cause: Error) => void;
}

export function deafStore(): { readonly calls: OpenCall[]; readonly store: ObjectStore } {
  const calls: OpenCall[] = [];
  const call = (name: string, ...args: readonly unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      const { signal } = args.at(-1) as StoreRequestOptions;
      calls.push({ name, args, signal, end: resolve as (answer: unknown) => void, fail: reject });
    });
  const store: ObjectStore = {
    put: (...args) => call('put', ...args),
    get: (...args) => call('get', ...args),
    list: (...args) => call('list', ...args),
    delete: (...args) => call('delete', ...args),
  };
  return { calls, store };
}

export function overDeafStore(deadlineMs = 120_000, more: Partial<ObjectStore> = {}) {
  const runtime = new SeededRuntime({ seed: 1 });
  const { calls, store: inner } = deafStore();
  const store = new RetryingObjectStore({ ...inner, ...more }, { runtime, deadlineMs, backoff });
  const after = (delayMs: number): Promise<void> =>
    new Promise((resolve) => void runtime.timers.after(delayMs, resolve));
  return { runtime, calls, store, after };
}
