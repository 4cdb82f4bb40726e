// Logs that are wrong on purpose in what a log may have besides: retries, take-overs, look-ups, signals, numbers about
// itself. Most are the log of arrays with one method spoilt; where the engine can be spoilt through a seam, it is.
import { MemoryObjectStore, type Runtime } from '../../src/index.ts';
import type { LogBatch, LogCallOptions, LogRange, LogUsurped } from '../../src/testkit/log-driver.ts';
import { ArrayLog, type ArrayBatch } from './array-log.ts';
import { FullArrayLog, untilAborted } from './full-array-log.ts';
import { array, engine, fault, withDriver, type OpenWrong, type PlantedFault } from './planted-faults.ts';

class RegistersWhatIsNotDurable extends FullArrayLog {
  override async registeredEnd(name: string): Promise<number> {
    return this.stream(name).batches.at(-1)?.endOffset ?? 0;
  }
}

class ForgetsWhatIsRegistered extends FullArrayLog {
  #starts = 0;
  override async registeredEnd(name: string): Promise<number> {
    return Math.max(0, (await super.registeredEnd(name)) - this.#starts);
  }
  override startAnew(): void {
    this.#starts += 1;
    super.startAnew();
  }
}

class AppendsRetriesAgain extends FullArrayLog {
  override appendOnce(name: string, _id: string, batch: LogBatch): Promise<LogRange> {
    return this.append(name, batch);
  }
}

class ForgetsIdsInACrash extends FullArrayLog {
  override async crash(): Promise<void> {
    for (const stream of this.streams.values()) {
      stream.batches = stream.batches.map((batch): ArrayBatch => ({ ...batch, id: undefined }));
    }
    return super.crash();
  }
}

class LetsTheUsurpedGoOn extends FullArrayLog {
  override async usurp(): Promise<LogUsurped> {
    return { ...(await super.usurp()), append: (name, batch) => this.append(name, batch) };
  }
}

class RefusesTheUsurpedAndAppends extends FullArrayLog {
  override async usurp(): Promise<LogUsurped> {
    const usurped = await super.usurp();
    const append = async (name: string, batch: LogBatch): Promise<LogRange> => {
      this.stream(name).isOpen = true;
      await this.append(name, batch);
      return usurped.append(name, batch);
    };
    return { ...usurped, append };
  }
}

class LetsTheUsurpedTrim extends FullArrayLog {
  override async usurp(): Promise<LogUsurped> {
    const usurped = await super.usurp();
    const trim = async (name: string, startOffset: number): Promise<void> => {
      await this.trim(name, startOffset);
      return usurped.trim(name, startOffset);
    };
    return { ...usurped, trim };
  }
}

class TakesWhateverComes extends FullArrayLog {
  override appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    this.countPut();
    return ArrayLog.prototype.appendAll.call(this, name, batches);
  }
}

class AsksForEverythingTenTimes extends FullArrayLog {
  override countGet(key: string): void {
    super.countGet(key);
    this.made.gets += 9;
    this.said.gets += 9;
  }
  override countPut(): void {
    for (let put = 0; put < 10; put += 1) super.countPut();
  }
}

class NeverRests extends FullArrayLog {
  constructor(runtime: Runtime) {
    super(runtime);
    const poll = (): void => {
      this.made.gets += 1;
      this.said.gets += 1;
      runtime.timers.after(40, poll);
    };
    poll();
  }
}

class LooksUpTheLast extends FullArrayLog {
  override async offsetAt(name: string, timestamp: number, options?: LogCallOptions): Promise<number | undefined> {
    if ((await super.offsetAt(name, timestamp, options)) === undefined) return undefined;
    const { batches, durableCount } = this.stream(name);
    const late = batches.slice(0, durableCount).filter((batch) => (batch.timestamp ?? -1) >= timestamp);
    return late.at(-1)?.startOffset;
  }
}

class TakesTimesForSorted extends FullArrayLog {
  override async offsetAt(name: string, timestamp: number, options?: LogCallOptions): Promise<number | undefined> {
    const { batches, durableCount } = this.stream(name);
    const last = batches.slice(0, durableCount).findLast((batch) => batch.timestamp !== undefined);
    return (last?.timestamp ?? -1) < timestamp ? undefined : super.offsetAt(name, timestamp, options);
  }
}

class LooksUpWhatIsTrimmed extends FullArrayLog {
  override async offsetAt(name: string, timestamp: number): Promise<number | undefined> {
    const { batches, durableCount } = this.stream(name);
    return batches.slice(0, durableCount).find((batch) => (batch.timestamp ?? -1) >= timestamp)?.startOffset;
  }
}

class KeepsAPartOfWhatWasAborted extends FullArrayLog {
  override append(name: string, batch: LogBatch, options: LogCallOptions = {}): Promise<LogRange> {
    options.signal?.addEventListener('abort', () => {
      const { batches, durableCount } = this.stream(name);
      const last = batches.at(-1);
      if (last === undefined || batches.length <= durableCount) return;
      const endOffset = last.startOffset + 1;
      batches[batches.length - 1] = { ...last, count: 1, endOffset };
    });
    return super.append(name, batch, options);
  }
}

class AppendsInSpiteOfTheSignal extends FullArrayLog {
  override async append(name: string, batch: LogBatch, options: LogCallOptions = {}): Promise<LogRange> {
    const appended = super.append(name, batch);
    return untilAborted(options, () => appended);
  }
}

class RejectsWithItsOwnReason extends FullArrayLog {
  override async trim(name: string, startOffset: number, options: LogCallOptions = {}): Promise<void> {
    if (options.signal?.aborted === true) throw new Error('that was aborted');
    return super.trim(name, startOffset, options);
  }
}

class TrimsLaterAfterAnAbort extends FullArrayLog {
  override async trim(name: string, startOffset: number, options: LogCallOptions = {}): Promise<void> {
    if (options.signal === undefined) return super.trim(name, startOffset);
    await untilAborted(options, async () => {});
    return super.trim(name, Math.max(0, startOffset - 1), options);
  }
}

class LeavesFollowersWaiting extends FullArrayLog {
  override async close(): Promise<void> {}
}

class AnswersNothingAfterItsClose extends FullArrayLog {
  #isClosed = false;
  override async close(): Promise<void> {
    await super.close();
    this.#isClosed = true;
  }
  override range(name: string): Promise<LogRange> {
    return this.#isClosed ? new Promise(() => {}) : super.range(name);
  }
}

class DropsAppendsWhenItIsClosed extends FullArrayLog {
  #isClosing = false;
  override async appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    const range = await super.appendAll(name, batches);
    return this.#isClosing ? new Promise(() => {}) : range;
  }
  override async close(): Promise<void> {
    this.#isClosing = true;
    return super.close();
  }
}

class ThrowsWhereItShouldReject extends FullArrayLog {
  override read(...[name, from, options]: Parameters<ArrayLog['read']>): ReturnType<ArrayLog['read']> {
    const { startOffset } = this.stream(name);
    if (from < startOffset) throw new RangeError(`${from} is below the start`);
    return super.read(name, from, options);
  }
}

class CountsPutsTwice extends FullArrayLog {
  override countPut(): void {
    super.countPut();
    this.said.puts += 1;
  }
}

class TellsMissesAsHits extends FullArrayLog {
  override countGet(key: string): void {
    const { misses } = this.said;
    super.countGet(key);
    this.said.hits += this.said.misses - misses;
    this.said.misses = misses;
  }
}

class KeepsNothingInMemory extends FullArrayLog {
  override countGet(): void {
    this.said.misses += 1;
    this.said.gets += 1;
    this.made.gets += 1;
  }
}

/** The engine on a bucket in which uploaded objects do not last. */
const losesObjects: OpenWrong = ({ runtime }) => {
  const store = new MemoryObjectStore();
  return engine(runtime, {
    store,
    connect: (connection) => ({
      put: async (key, body, options) => {
        const answer = await connection.put(key, body, options);
        if (options.purpose === 'upload')
          runtime.timers.after(30, () => void store.delete([key], { purpose: 'sweep' }));
        return answer;
      },
      get: (key, options) => connection.get(key, options),
      list: (options) => connection.list(options),
      delete: (keys, options) => connection.delete(keys, options),
    }),
  });
};

/** The engine with something that asks for every block twice and tells nobody. */
const getsTwice: OpenWrong = ({ runtime }) =>
  engine(runtime, {
    connect: (connection) => ({
      put: (key, body, options) => connection.put(key, body, options),
      get: async (key, options) => {
        await connection.get(key, options);
        return connection.get(key, options);
      },
      list: (options) => connection.list(options),
      delete: (keys, options) => connection.delete(keys, options),
    }),
  });

const triesWithoutLooking = withDriver((driver) => ({
  appendOnce: (name, _id, batch) => driver.append(name, batch),
}));

/** All of them: what is wrong, which promise that breaks, and which others it may be seen to break before. */
export const plantedOptionFaults: readonly PlantedFault[] = [
  fault('a log that registers what is not durable', array(RegistersWhatIsNotDurable), 'monotonic'),
  fault('a log that forgets in a restart what was registered', array(ForgetsWhatIsRegistered), 'monotonic'),
  fault('a log that appends retries again', array(AppendsRetriesAgain), 'once'),
  fault('a log that forgets in a crash what may be tried again', array(ForgetsIdsInACrash), 'once'),
  fault('a producer that tries again without looking', triesWithoutLooking, 'once'),
  fault('a log that lets the process go on that lost it', array(LetsTheUsurpedGoOn), 'fenced'),
  fault('a log that refuses such a process and appends', array(RefusesTheUsurpedAndAppends), 'fenced', 'offsets'),
  fault('a log that refuses such a process and trims', array(LetsTheUsurpedTrim), 'durable', 'trimmed'),
  fault('a bucket that loses objects that are referred to', losesObjects, 'referenced', 'durable', 'sensible'),
  fault('a log that takes whatever comes', array(TakesWhateverComes), 'bounded'),
  fault('a log that asks for everything ten times', array(AsksForEverythingTenTimes), 'frugal'),
  fault('a log that never rests', array(NeverRests), 'frugal'),
  fault('a look-up that gives the last batch', array(LooksUpTheLast), 'timely'),
  fault('a look-up that takes times for sorted', array(TakesTimesForSorted), 'timely'),
  fault('a look-up that gives what is trimmed', array(LooksUpWhatIsTrimmed), 'timely'),
  fault('an abort that keeps a part of a batch', array(KeepsAPartOfWhatWasAborted), 'offsets', 'abortable'),
  fault('an append in spite of an aborted signal', array(AppendsInSpiteOfTheSignal), 'abortable'),
  fault('an abort that rejects with another reason', array(RejectsWithItsOwnReason), 'abortable'),
  fault('a trim by half, if it has a signal', array(TrimsLaterAfterAnAbort), 'trimmed'),
  fault('a close that leaves those who follow waiting', array(LeavesFollowersWaiting), 'settles'),
  fault('a log that answers nothing after its close', array(AnswersNothingAfterItsClose), 'settles'),
  fault('a close that drops the appends under way', array(DropsAppendsWhenItIsClosed), 'settles'),
  fault('a read that throws where it should reject', array(ThrowsWhereItShouldReject), 'answers'),
  fault('a log that counts puts twice', array(CountsPutsTwice), 'truthful'),
  fault('a log that tells misses as hits', array(TellsMissesAsHits), 'truthful'),
  fault('a log that keeps nothing in memory', array(KeepsNothingInMemory), 'truthful', 'frugal'),
  fault('a connection that gets everything twice', getsTwice, 'truthful', 'frugal'),
];
