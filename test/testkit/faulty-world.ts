// A world with one store in memory and connections to it on which things go wrong, for the tests of the faulty store.
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { FaultRule } from '../../src/testkit/store-faults.ts';

export const probe: { readonly purpose: 'probe' } = { purpose: 'probe' };
export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export interface World {
  readonly inner: MemoryObjectStore;
  readonly store: FaultyObjectStore;
  /** Another process's connection to the same store. */
  readonly connect: (faults: readonly FaultRule[]) => FaultyObjectStore;
  readonly runtime: SeededRuntime;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Runs a body in a world whose store has these faults. */
export function world<T>(faults: readonly FaultRule[], body: (world: World) => Promise<T>): Promise<T> {
  const runtime = new SeededRuntime({ seed: 1 });
  const inner = new MemoryObjectStore();
  const connect = (rules: readonly FaultRule[]): FaultyObjectStore =>
    new FaultyObjectStore(inner, { runtime, seed: 2, faults: rules });
  const store = new FaultyObjectStore(inner, { runtime, seed: 1, faults });
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void runtime.timers.after(ms, resolve));
  return runtime.run(() => body({ inner, store, connect, runtime, sleep }));
}

export async function standing(inner: MemoryObjectStore, key: string): Promise<number[] | string> {
  const got = await inner.get(key, probe);
  return typeof got === 'string' ? got : [...got.bytes];
}

/** What became of a call by now: 'open', its value, or the code or message of its error. */
export function watch(call: Promise<unknown>): { readonly now: () => unknown } {
  let state: unknown = 'open';
  call.then(
    (value) => (state = value),
    (cause: { readonly code?: string; readonly message: string }) => (state = cause.code ?? cause.message),
  );
  return { now: () => state };
}
