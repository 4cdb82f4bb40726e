// A store that can be probed: in memory, with a probe that says what it is told to say.
import { probeStore } from '../../src/store/probe-store.ts';
import { MemoryObjectStore, systemRuntime } from '../../src/index.ts';
import type { GetOptions, GetResult, ListOptions, ListResult, ProbeCheck, ProbeReport } from '../../src/index.ts';
import type { ObjectStore, PutOptions, PutResult, StoreRequestOptions } from '../../src/index.ts';

type ProbeOptions = Parameters<NonNullable<ObjectStore['probe']>>[0];

/** Tells its tally of each request, as a store does that may make several a call. */
export class ProbedMemoryStore extends MemoryObjectStore {
  /** Probes that were run. */
  probes = 0;
  /** What the next probes do before the store is really probed; the last one stays. */
  answers: (() => readonly ProbeCheck[] | undefined)[] = [];
  /** Keys and prefixes asked for, by purpose. */
  readonly asked: string[] = [];

  async probe(options: ProbeOptions = {}): Promise<ProbeReport> {
    this.probes += 1;
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    const checks = answer?.();
    return checks === undefined ? probeStore(this, { runtime: systemRuntime, ...options }) : { checks };
  }

  override async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    this.#tell('put', key, body.byteLength, options);
    return super.put(key, body, options);
  }

  override async get(key: string, options: GetOptions): Promise<GetResult> {
    this.#tell('get', key, 0, options);
    const got = await super.get(key, options);
    if (typeof got !== 'string') options.tally?.received(got.bytes.byteLength);
    return got;
  }

  override async list(options: ListOptions): Promise<ListResult> {
    this.#tell('list', options.prefix, 0, options);
    return super.list(options);
  }

  #tell(operation: 'put' | 'get' | 'list', key: string, bytes: number, { tally, purpose }: StoreRequestOptions): void {
    this.asked.push(`${operation} ${purpose} ${key}`);
    tally?.sent(operation, bytes);
  }
}
