// Logs that are wrong on purpose, each in one way. Those of the engine are planted through its seams (the store's
// connection, the WAL, the driver), so that nothing in the engine knows of them; those of the array log break a promise
// in plain sight.
import { isQanatError, MemoryObjectStore, objectWal, qanatError } from '../../src/index.ts';
import type { PutOptions, PutResult, Runtime, StreamBatch, Wal, WalFactory } from '../../src/index.ts';
import type {
  LogBatch,
  LogDriver,
  LogRange,
  LogReadBatch,
  LogReadResult,
  LogWorld,
} from '../../src/testkit/log-driver.ts';
import type { LogProperty } from '../../src/testkit/log-violation.ts';
import { streamSetDriver, type StreamSetDriverOptions } from '../../src/testkit/stream-set-driver.ts';
import { ArrayLog } from './array-log.ts';

/** Opens a wrong log. */
export type OpenWrong = (world: LogWorld) => Promise<LogDriver>;

type Put = (key: string, body: Uint8Array, options: PutOptions) => Promise<PutResult>;

/** The engine with something between it and its bucket. */
export function onPut(wrong: (put: Put, runtime: Runtime) => Put): OpenWrong {
  return ({ runtime }) => {
    const bucket = new MemoryObjectStore();
    return engine(runtime, {
      connect: (connection) => {
        const put: Put = (key, body, options) => connection.put(key, body, options);
        const wrongPut = wrong(put, runtime);
        return {
          put: wrongPut,
          get: (key, options) => connection.get(key, options),
          list: (options) => connection.list(options),
          delete: (keys, options) => connection.delete(keys, options),
        };
      },
      store: bucket,
    });
  };
}

export function engine(runtime: Runtime, options: Partial<StreamSetDriverOptions>): Promise<LogDriver> {
  const faults = [{ fault: { kind: 'latency', minMs: 1, maxMs: 4 } }] as const;
  return streamSetDriver({ store: new MemoryObjectStore(), runtime, faults, ...options });
}

/** The engine with a WAL that is wrong. */
function withWal(wrong: (factory: WalFactory) => WalFactory): OpenWrong {
  return ({ runtime }) => engine(runtime, { wal: () => wrong(objectWal()) });
}

/** The engine behind a driver that is wrong. */
export function withDriver(wrong: (driver: LogDriver) => Partial<LogDriver>): OpenWrong {
  return async ({ runtime }) => {
    const driver = await engine(runtime, {});
    const spoilt = wrong(driver);
    return new Proxy(driver, {
      get: (target, name) => {
        if (Object.hasOwn(spoilt, name)) return spoilt[name as keyof LogDriver];
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  };
}

const stored = (n: number): PutResult => ({ outcome: 'stored', etag: `never ${n}` });

/** Every n-th put of a purpose is answered 'stored' and never made. */
function losing(purpose: string, nth: number): OpenWrong {
  let puts = 0;
  return onPut((put) => async (key, body, options) => {
    if (options.purpose !== purpose || ++puts % nth !== 0) return put(key, body, options);
    return stored(puts);
  });
}

const acknowledgesBeforeThePut = onPut((put, runtime) => async (key, body, options) => {
  if (options.purpose !== 'wal') return put(key, body, options);
  runtime.timers.after(20, () => void put(key, body, options).catch(() => {}));
  return stored(0);
});

const overwrites = onPut((put) => (key, body, { purpose, if: condition }) => {
  return put(key, body, condition === 'absent' ? { purpose } : { purpose, if: condition });
});

/** A WAL whose appends pass through `wrong`, which sees all batches of one turn at once. */
function withAppends(wrong: (batches: readonly StreamBatch[]) => readonly StreamBatch[]): OpenWrong {
  return withWal((factory) => ({
    ...factory,
    open: async (context) => {
      let lost = 0;
      const { sink } = context;
      const wal = await factory.open({
        ...context,
        sink: {
          durable: (count, segment) => {
            sink.durable(count + lost, segment);
            lost = 0;
          },
          ended: (end) => sink.ended(end),
        },
      });
      let turn: StreamBatch[] = [];
      const pass = (): void => {
        const given = turn;
        turn = [];
        const kept = wrong(given);
        lost += given.length - kept.length;
        for (const batch of kept) wal.append(batch);
      };
      return proxied(wal, {
        append: (batch) => {
          if (turn.push(batch) === 1) queueMicrotask(pass);
        },
        flush: async () => {
          if (turn.length > 0) pass();
          await wal.flush();
        },
      });
    },
  }));
}

function proxied(wal: Wal, over: Partial<Wal>): Wal {
  return new Proxy(wal, {
    get: (target, name) => {
      if (Object.hasOwn(over, name)) return over[name as keyof Wal];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

const losesTheLastBatch = withAppends((batches) => (batches.length > 1 ? batches.slice(0, -1) : batches));

const reorders = withAppends((batches) => {
  const swapped = [...batches];
  for (let i = 1; i < swapped.length; i += 1) {
    const [one, two] = [swapped[i - 1] as StreamBatch, swapped[i] as StreamBatch];
    if (one.stream !== two.stream || one.count !== two.count) continue;
    swapped[i - 1] = { ...one, bytes: two.bytes };
    swapped[i] = { ...two, bytes: one.bytes };
    break;
  }
  return swapped;
});

const ignoresTheLastSegment = withWal((factory) => ({
  ...factory,
  seal: async (context) => {
    const sealed = await factory.seal(context);
    if (sealed === undefined || sealed.segments.length === 0) return sealed;
    return { ...sealed, sealedAt: sealed.sealedAt - 1, segments: sealed.segments.slice(0, -1) };
  },
}));

const recoversTooLate = withWal((factory) => ({
  ...factory,
  seal: async (context) => {
    const sealed = await factory.seal(context);
    if (sealed === undefined || sealed.segments.length < 2) return sealed;
    return { ...sealed, segments: sealed.segments.slice(1) };
  },
}));

const forgetsTrims = withDriver((driver) => {
  const starts = new Map<string, number>();
  const cut = (name: string, range: LogRange): LogRange => {
    return { ...range, startOffset: Math.max(range.startOffset, starts.get(name) ?? 0) };
  };
  const anew = (): void => starts.clear();
  return {
    trim: async (name, startOffset) => {
      const range = await driver.range(name);
      if (startOffset > range.endOffset) return driver.trim(name, startOffset);
      starts.set(name, Math.max(starts.get(name) ?? 0, startOffset));
    },
    range: async (name) => cut(name, await driver.range(name)),
    read: async (name, from, options) => {
      if (from >= (starts.get(name) ?? 0))
        return { ...(await driver.read(name, from, options)), ...cut(name, await driver.range(name)) };
      const facts = { offset: from, ...cut(name, await driver.range(name)) };
      throw qanatError('OFFSET_OUT_OF_RANGE', 'below the start', facts);
    },
    create: (name) => {
      starts.delete(name);
      return driver.create(name);
    },
    crash: (meanwhile) => {
      anew();
      return (driver.crash as NonNullable<LogDriver['crash']>)(meanwhile);
    },
    reopen: () => {
      anew();
      return driver.reopen();
    },
  };
});

/** Reads that are spoilt now and then. */
function onRead(
  nth: number,
  spoil: (batches: readonly LogReadBatch[], from: number) => readonly LogReadBatch[],
): OpenWrong {
  return withDriver((driver) => {
    let reads = 0;
    return {
      read: async (name, from, options): Promise<LogReadResult> => {
        const result = await driver.read(name, from, options);
        return ++reads % nth === 0 ? { ...result, batches: spoil(result.batches, from) } : result;
      },
    };
  });
}

const missesOneAtTheSeam = withDriver((driver) => ({
  follow: (name, from) => {
    const batches = (driver.follow as NonNullable<LogDriver['follow']>)(name, from);
    const seam = driver.range(name).then(
      ({ endOffset }) => endOffset,
      () => 0,
    );
    let missed = false;
    return {
      next: async () => {
        const result = await batches.next();
        if (missed || result.done === true || result.value.startOffset < (await seam) || from >= (await seam))
          return result;
        missed = true;
        return batches.next();
      },
      return: async () => (await batches.return?.()) ?? { done: true, value: undefined },
    };
  },
}));

const readsWhatWasDeleted = withDriver((driver) => {
  const first = new Map<string, LogReadResult>();
  const deleted = new Map<string, LogReadResult>();
  return {
    delete: async (name) => {
      await driver.delete(name);
      const old = first.get(name);
      if (old !== undefined) deleted.set(name, old);
      first.delete(name);
    },
    read: async (name, from, options) => {
      const result = await driver.read(name, from, options);
      const old = deleted.get(name);
      const isStale = old !== undefined && from === 0 && old.endOffset <= result.endOffset && old.batches.length > 0;
      if (isStale) return old;
      if (from === 0) first.set(name, result);
      return result;
    },
  };
});

const refusesAndAppends = withDriver((driver) => ({
  appendAt: async (name, expectedOffset, batch) => {
    try {
      return await (driver.appendAt as NonNullable<LogDriver['appendAt']>)(name, expectedOffset, batch);
    } catch (cause) {
      if (isQanatError(cause, 'OFFSET_MISMATCH')) await driver.append(name, batch);
      throw cause;
    }
  },
}));

const forgetsToAnswer = withDriver((driver) => {
  let appends = 0;
  return {
    append: async (name, batch) => {
      const range = await driver.append(name, batch);
      return ++appends % 15 === 0 ? new Promise<never>(() => {}) : range;
    },
  };
});

/** Array logs with one method spoilt. */
class ForgetsItsTail extends ArrayLog {
  override async crash(): Promise<void> {
    for (const stream of this.streams.values())
      stream.durableCount = Math.min(stream.durableCount, stream.batches.length - 1);
    return super.crash();
  }
}

class KeepsHoles extends ArrayLog {
  override async crash(): Promise<void> {
    for (const stream of this.streams.values()) {
      const under = stream.batches.slice(stream.durableCount);
      if (under.length < 2) continue;
      let at = stream.batches[stream.durableCount - 1]?.endOffset ?? 0;
      const kept = under.slice(1).map((batch) => {
        const startOffset = at;
        at += batch.count;
        return { ...batch, startOffset, endOffset: at };
      });
      stream.batches.splice(stream.durableCount, under.length, ...kept);
      stream.durableCount = stream.batches.length;
    }
    return super.crash();
  }
}

class KeepsAFirstPartOfAll extends ArrayLog {
  override async appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    const { startOffset } = await super.appendAll(name, batches.slice(0, 2));
    return { startOffset, endOffset: batches.reduce((end, { count }) => end + count, startOffset) };
  }
}

class KeepsTheCallersBytes extends ArrayLog {
  override async appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    const range = super.appendAll(name, batches);
    const stream = this.streams.get(name);
    const from = (stream?.batches.length ?? 0) - batches.length;
    batches.forEach(({ bytes }, i) => Object.assign(stream?.batches[from + i] ?? {}, { bytes }));
    return range;
  }
}

class ReadsWhatIsNotDurable extends ArrayLog {
  override async read(...[name, from, options]: Parameters<ArrayLog['read']>): Promise<LogReadResult> {
    const stream = this.stream(name);
    const { durableCount } = stream;
    stream.durableCount = stream.batches.length;
    const result = super.read(name, from, options);
    stream.durableCount = durableCount;
    return result;
  }
}

class BringsBackTheDeleted extends ArrayLog {
  readonly #deleted = new Map<
    string,
    { batches: LogReadBatch[]; startOffset: number; durableCount: number; isOpen: boolean }
  >();
  override async delete(name: string): Promise<void> {
    const stream = this.streams.get(name);
    if (stream !== undefined) this.#deleted.set(name, stream);
    return super.delete(name);
  }
  override async crash(): Promise<void> {
    for (const [name, stream] of this.#deleted) if (!this.streams.has(name)) this.streams.set(name, stream);
    return super.crash();
  }
}

export const array =
  (log: new (runtime: Runtime) => LogDriver): OpenWrong =>
  async ({ runtime }) =>
    new log(runtime);

/** A planted fault, and the promises that it may be seen to break. */
export interface PlantedFault {
  readonly name: string;
  readonly breaks: readonly LogProperty[];
  readonly open: OpenWrong;
}

const twice = (batches: readonly LogReadBatch[]): readonly LogReadBatch[] =>
  batches.flatMap((batch, i) => (i === 1 ? [batch, batch] : [batch]));
const without = (batches: readonly LogReadBatch[]): readonly LogReadBatch[] => batches.filter((_, i) => i !== 1);
const behind = (batches: readonly LogReadBatch[], from: number): readonly LogReadBatch[] =>
  batches.filter(({ startOffset }) => startOffset >= from);

export const fault = (name: string, open: OpenWrong, ...breaks: readonly LogProperty[]): PlantedFault => ({
  name,
  breaks,
  open,
});

/** Those about what every log has: what is wrong, and which promises that may be seen to break. */
export const plantedFaults: readonly PlantedFault[] = [
  fault('a WAL that acknowledges before its PUT', acknowledgesBeforeThePut, 'durable', 'sensible'),
  fault('a bucket that loses a WAL segment it answered stored', losing('wal', 7), 'durable', 'sensible'),
  fault('a bucket that loses a journal record it answered stored', losing('journal', 9), 'durable', 'sensible'),
  fault('a bucket that overwrites in spite of its condition', overwrites, 'durable', 'sensible'),
  fault('a WAL that loses the last batch of a turn', losesTheLastBatch, 'durable', 'sensible'),
  fault('a WAL that swaps two batches', reorders, 'durable', 'oneHistory'),
  fault('a recovery that ignores the last segment', ignoresTheLastSegment, 'durable', 'monotonic'),
  fault('a recovery that starts one segment too late', recoversTooLate, 'durable', 'sensible'),
  fault('a trim that is forgotten by a restart', forgetsTrims, 'trimmed'),
  fault('a read that gives a batch twice', onRead(5, twice), 'offsets'),
  fault('a read that leaves a batch out', onRead(5, without), 'offsets', 'durable'),
  fault('a read that begins behind the batch asked for', onRead(5, behind), 'wholeBatch', 'durable'),
  fault('a follower that misses a batch between old and new', missesOneAtTheSeam, 'followed'),
  fault('a read of what was deleted, after the name was created again', readsWhatWasDeleted, 'nothingOld', 'durable'),
  fault('an append that is refused and done all the same', refusesAndAppends, 'refused', 'offsets'),
  fault('an append that is never answered', forgetsToAnswer, 'answers', 'settles'),
  fault('a log that forgets its last batch in a crash', array(ForgetsItsTail), 'durable'),
  fault('a log that keeps later batches and not earlier ones', array(KeepsHoles), 'offsets', 'durable'),
  fault('a log that keeps a first part of what it acknowledged', array(KeepsAFirstPartOfAll), 'durable'),
  fault("a log that keeps the caller's own bytes", array(KeepsTheCallersBytes), 'oneHistory'),
  fault('a log that shows what is not durable', array(ReadsWhatIsNotDurable), 'monotonic', 'oneHistory', 'durable'),
  fault('a log that brings back what was deleted', array(BringsBackTheDeleted), 'nothingOld'),
];
