// A store whose requests wait until a test lets them go: when a request takes effect, when it is answered, and whether
// its answer gets lost are three decisions. What is not held goes straight through.
import { sequenceOfKey } from '../../src/model/object-key.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreRequestOptions,
} from '../../src/store/object-store.ts';
import { turn } from './wal-place.ts';

export type Operation = 'put' | 'get' | 'list' | 'delete';

/** A request under way. */
export class HeldRequest {
  readonly operation: Operation;
  readonly keys: readonly string[];
  readonly body: Uint8Array | undefined;
  readonly purpose: string;
  readonly answered: Promise<unknown>;
  isAnswered = false;
  readonly #run: () => Promise<unknown>;
  #effect: Promise<unknown> | undefined;
  #resolve: (result: unknown) => void = () => {};
  #reject: (cause: Error) => void = () => {};

  constructor(
    operation: Operation,
    keys: readonly string[],
    body: Uint8Array | undefined,
    purpose: string,
    run: () => Promise<unknown>,
  ) {
    this.operation = operation;
    this.keys = keys;
    this.body = body;
    this.purpose = purpose;
    this.#run = run;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get sequence(): number | undefined {
    return sequenceOfKey(this.keys[0] ?? '');
  }

  /** It takes effect now; nobody is told. */
  async effect(): Promise<unknown> {
    this.#effect ??= this.#run();
    return this.#effect;
  }

  /** It is answered truly, after it has taken effect. */
  async answer(): Promise<void> {
    await this.effect();
    this.isAnswered = true;
    this.#resolve(await this.#effect);
    await turn();
  }

  /** The answer of a put gets lost. Its effect may have come, or may come later, or never. */
  async lose(): Promise<void> {
    this.isAnswered = true;
    this.#resolve({ outcome: 'unknown' });
    await turn();
  }

  async fail(cause: Error): Promise<void> {
    this.isAnswered = true;
    this.#reject(cause);
    await turn();
  }
}

export class SimHeldStore implements ObjectStore {
  readonly inner: MemoryObjectStore;
  /** Every request that was held, in order. */
  readonly requests: HeldRequest[] = [];
  holds: (request: HeldRequest) => boolean = () => true;

  constructor(inner: MemoryObjectStore = new MemoryObjectStore()) {
    this.inner = inner;
  }

  /** Requests that wait for their answer. */
  waiting(operation?: Operation, sequence?: number): HeldRequest[] {
    return this.requests.filter(
      (request) =>
        !request.isAnswered &&
        (operation === undefined || request.operation === operation) &&
        (sequence === undefined || request.sequence === sequence),
    );
  }

  /** The first request of this kind that waits; waits for it to be made. */
  async next(operation: Operation, sequence?: number): Promise<HeldRequest> {
    for (let turns = 0; turns < 2_000; turns += 1) {
      const found = this.waiting(operation, sequence)[0];
      if (found !== undefined) return found;
      await turn();
    }
    throw new Error(`no ${operation} of ${sequence ?? 'anything'} was made`);
  }

  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const copy = Uint8Array.from(body);
    return this.#hold('put', [key], copy, options.purpose, () => this.inner.put(key, copy, options));
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    return this.#hold('get', [key], undefined, options.purpose, () => this.inner.get(key, options));
  }

  async list(options: ListOptions): Promise<ListResult> {
    return this.#hold('list', [], undefined, options.purpose, () => this.inner.list(options));
  }

  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    return this.#hold('delete', keys, undefined, options.purpose, () => this.inner.delete(keys, options));
  }

  async #hold<T>(
    operation: Operation,
    keys: readonly string[],
    body: Uint8Array | undefined,
    purpose: string,
    run: () => Promise<T>,
  ): Promise<T> {
    const request = new HeldRequest(operation, keys, body, purpose, run);
    if (!this.holds(request)) return run();
    this.requests.push(request);
    return request.answered as Promise<T>;
  }
}
