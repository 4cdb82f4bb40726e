// A body that stops in the middle until it is told to go on: with it a probe finds out whether a server tests the
// condition of a put when the body begins, or when it has come whole.
import type { Runtime } from '../base/runtime.ts';
import type { PutResult } from './object-store.ts';
import type { SlowPut } from './probe-folder.ts';

/** The half that was handed to the system needs a moment to arrive. */
const arrivalMs = 100;

/** Begins a put; `put` sends the pieces that it is given as the body. */
export function beginSlowPut(
  body: Uint8Array,
  runtime: Runtime,
  put: (pieces: AsyncIterable<Uint8Array>) => Promise<PutResult>,
): SlowPut {
  const middle = Math.ceil(body.byteLength / 2);
  let goOn = (): void => {};
  const told = new Promise<void>((resolve) => (goOn = resolve));
  let answer: Promise<PutResult> | undefined;
  const halfway = new Promise<void>((resolve, reject) => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield body.subarray(0, middle);
      runtime.timers.after(arrivalMs, resolve);
      await told;
      yield body.subarray(middle);
    }
    answer = put(pieces());
    answer.then(() => resolve(), reject); // A put that ends before has its answer all the same.
  });
  halfway.catch(() => {});
  return {
    halfway,
    finish: () => {
      goOn();
      return answer as Promise<PutResult>;
    },
  };
}
