// One try of a call, ended at its limit: by a signal of its own, which fires together with the caller's, and by waiting
// no longer, for a store that does not look at signals. What a try gives after that goes to nobody.
import { abortable } from '../base/abort.ts';
import type { Runtime } from '../base/runtime.ts';

/** There was no answer within the limit. */
export const late: unique symbol = Symbol('late');

/** Bounds of one try. */
export interface TryBounds {
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the try if it is given up before it has ended. */
  readonly onGivenUp?: ((attempt: Promise<unknown>) => void) | undefined;
}

/** Begins a try and waits for it; `late` if it took too long. Rejects with the reason of the caller's signal. */
export async function boundedTry<T>(
  runtime: Runtime,
  begin: (signal: AbortSignal) => Promise<T>,
  { limitMs, signal, onGivenUp }: TryBounds,
): Promise<T | typeof late> {
  return abortable<T | typeof late>((resolve, reject) => {
    const controller = new AbortController();
    let isOpen = true;
    const ask = async (): Promise<void> => {
      try {
        const answer = await begin(controller.signal);
        isOpen = false;
        resolve(answer);
      } catch (cause) {
        isOpen = false;
        reject(cause);
      }
    };
    const attempt = ask();
    // It keeps the process alive, for whoever waits: of a request that hangs nothing else may.
    const timer = runtime.timers.after(limitMs, () => resolve(late));
    return () => {
      timer.cancel();
      if (!isOpen) return;
      onGivenUp?.(attempt);
      controller.abort(signal?.reason);
    };
  }, signal);
}
