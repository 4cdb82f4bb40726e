// Runs a world's script, and judges what came of it: what clients did and saw (checkHistory), that every call is
// answered with something that makes sense, and that in the end, when everything is quiet, the cluster works and has
// what it should.
import { createHash } from 'node:crypto';
import type { FileWalOptions, ObjectStore, Stream, StreamReader, WalFactory } from '../index.ts';
import { checkHistory } from './check-history.ts';
import type { History } from './history.ts';
import { HistoryRecorder } from './history-recorder.ts';
import type { LogReadBatch } from './log-driver.ts';
import type { SimNode } from './sim-machine.ts';
import { SimWorld } from './sim-world.ts';
import { WorldCalls, type WorldFinding } from './world-calls.ts';
import { finishWorld } from './world-end.ts';
import { WorldKeyValue } from './world-key-value.ts';
import { newestProcess, WorldMembers, type Member } from './world-members.ts';
import { describeStep, type WorldScript, type WorldStep } from './world-script.ts';

/** What a run may be given. */
export interface RunWorldOptions {
  /** Makes the file WALs; `fileWal` unless given. */
  readonly fileWal?: ((options: FileWalOptions) => WalFactory) | undefined;
  /** Makes the bucket of a world, empty; one in memory unless given. */
  readonly bucket?: (() => ObjectStore) | undefined;
}

/** What came of a world. */
export interface WorldOutcome {
  readonly findings: readonly WorldFinding[];
  /** What was asked and answered, with the world's time in milliseconds. */
  readonly lines: readonly string[];
  readonly history: History;
  /** Of everything that happened: the same for the same script, wherever it runs. */
  readonly digest: string;
  readonly counts: WorldCounts;
}

/** What happened in a world, in numbers. */
export interface WorldCounts {
  readonly calls: number;
  readonly acknowledged: number;
  readonly starts: number;
  readonly crashes: number;
  readonly simulatedMs: number;
  /** Faults of the connections to the bucket, by kind; and stops, cuts and jumps, as steps name them. */
  readonly faults: Readonly<Record<string, number>>;
}

/** Runs a script in a fresh world. */
export async function runWorld(script: WorldScript, options: RunWorldOptions = {}): Promise<WorldOutcome> {
  const { seed, faults } = script;
  const { fileWal, bucket } = options;
  const world = new SimWorld({ seed, faults, fileWal, bucket: bucket?.(), runMaxMs: 10 * 24 * 60 * 60 * 1000 });
  const calls = new WorldCalls(world, faults);
  const recorder = new HistoryRecorder();
  const run = new WorldRun(world, calls, recorder, script);
  try {
    await world.run(() => run.run());
  } catch (cause) {
    calls.find('surprise', String(cause), (cause as Error).stack);
  }
  for (const finding of checkHistory(recorder.history)) calls.find(finding.verdict, finding.message);
  const { lines, findings } = calls;
  const digest = createHash('sha256').update(lines.join('\n')).update(JSON.stringify(recorder.history)).digest('hex');
  return { findings, lines, history: recorder.history, digest, counts: run.counts() };
}

type StepOf<D extends WorldStep['do']> = Extract<WorldStep, { readonly do: D }>;

class WorldRun {
  readonly #world: SimWorld;
  readonly #calls: WorldCalls;
  readonly #recorder: HistoryRecorder;
  readonly #script: WorldScript;
  readonly #members: WorldMembers;
  readonly #keyValue: WorldKeyValue;
  readonly #disturbances: Record<string, number> = {};
  /** Steps that nobody waits for. */
  readonly #underWay: Promise<void>[] = [];
  #readers = 0;

  constructor(world: SimWorld, calls: WorldCalls, recorder: HistoryRecorder, script: WorldScript) {
    this.#world = world;
    this.#calls = calls;
    this.#recorder = recorder;
    this.#script = script;
    this.#members = new WorldMembers(world, calls, recorder, script);
    this.#keyValue = new WorldKeyValue(calls, recorder);
  }

  async run(): Promise<void> {
    for (const step of this.#script.steps) {
      this.#calls.note(`- ${describeStep(step)}`);
      await this.#step(step);
      this.#checkMemory();
    }
    const atRest = async (): Promise<void> => {
      await Promise.all(this.#underWay);
    };
    await finishWorld(this.#world, this.#members, this.#calls, this.#recorder, this.#keyValue, atRest);
  }

  counts(): WorldCounts {
    const faults: Record<string, number> = { ...this.#disturbances };
    const processes = this.#members.all.flatMap(({ machine }) => machine.processes);
    for (const { faultLog } of processes) for (const { kind } of faultLog) faults[kind] = (faults[kind] ?? 0) + 1;
    const acknowledged = this.#recorder.history.filter((one) => one.do === 'append' && one.outcome === 'ok').length;
    return {
      calls: this.#calls.count,
      acknowledged,
      starts: processes.length,
      crashes: (faults['kill'] ?? 0) + (faults['cut-power'] ?? 0),
      simulatedMs: this.#world.runtime.clock.monotonic(),
      faults,
    };
  }

  async #step(step: WorldStep): Promise<void> {
    if (step.do === 'sleep') return this.#world.sleep(step.ms);
    const member = this.#members.member(step.node);
    const process = newestProcess(member);
    if (process !== undefined && afflictions.has(step.do)) this.#count(step.do);
    switch (step.do) {
      case 'kill':
        if (process !== undefined) await this.#members.kill(member, process, step.underWay);
        return;
      case 'cut-power':
        return this.#members.cutPower(member);
      case 'stop':
        process?.stop();
        return;
      case 'wake':
        process?.wake();
        member.zombies.find((zombie) => zombie.process.state === 'stopped')?.process.wake();
        return;
      case 'cut-off':
        process?.cutOff(step.how);
        return;
      case 'reconnect':
        process?.reconnect();
        return;
      case 'jump-clock':
        process?.jumpClock(step.ms);
        return;
      default: {
        const work = this.#act(step, member);
        return step.wait ? work : this.#background(work);
      }
    }
  }

  /** A step that is not waited for still begins before the next one. */
  async #background(work: Promise<void>): Promise<void> {
    const ended = work.catch((cause: unknown) => this.#calls.find('surprise', String(cause), (cause as Error).stack));
    this.#underWay.push(ended);
    await Promise.resolve();
  }

  async #act(
    step: Exclude<WorldStep, { do: 'sleep' } | { readonly underWay: unknown }>,
    member: Member,
  ): Promise<void> {
    if (step.do === 'start') {
      this.#count(`start ${step.wal ?? 'own'}`);
      const { wal, abandon, breaksLock } = step;
      await this.#calls.ask({
        what: `${member.node}: start again`,
        act: () => this.#members.start(member, { wal, abandon, breaksLock }),
      });
      return;
    }
    const zombie = step.do === 'append' && step.zombie === true ? member.zombies.at(-1) : undefined;
    const node = zombie ?? (await this.#members.running(member));
    if (node === undefined) return;
    switch (step.do) {
      case 'append':
        return this.#append(node, step, zombie !== undefined);
      case 'trim':
        return this.#trim(node, step);
      case 'read':
        return this.#read(node, step);
      case 'look-up':
        return this.#lookUp(node, step);
      case 'follow':
        return this.#follow(node, step);
      case 'create':
      case 'open':
        await this.#open(node, step.stream, step.do);
        return;
      case 'close':
        return this.#close(node, step.stream);
      case 'delete':
        return this.#delete(node, step.stream);
      case 'recover':
        return this.#recover(node, step);
      case 'kv':
        return this.#keyValue.begin(node, step);
      case 'upload':
      case 'sync': {
        const act = (): Promise<unknown> =>
          node.call<unknown>((set) => (step.do === 'upload' ? set.upload() : set.sync()));
        await this.#calls.ask({ what: `${node.process.name}: ${step.do}`, act });
        return;
      }
      case 'shut-down':
        this.#members.handles(node).mayBeOvertaken = true; // Others may open its streams before it knows that it may.
        await this.#calls.ask({ what: `${node.process.name}: close`, act: () => node.call((set) => set.close()) });
        return;
      default:
    }
  }

  async #append(
    node: SimNode,
    { stream: name, counts, sizeBytes }: StepOf<'append'>,
    isZombie: boolean,
  ): Promise<void> {
    const { process } = node;
    const stream = this.#handle(node, name) ?? (isZombie ? undefined : await this.#open(node, name, 'open-or-create'));
    if (stream === undefined) return;
    const now = process.runtime.clock.now();
    const batches = counts.map((count) => this.#recorder.batch(count, sizeBytes, now));
    const call = { client: process.name, stream: identityOf(stream) };
    const [first] = batches;
    const append = (): Promise<{ startOffset: number; endOffset: number }> =>
      batches.length === 1 && first !== undefined
        ? stream.append(first.bytes, { count: first.count, timestamp: now })
        : stream.appendAll(batches.map(({ bytes, count }) => ({ bytes, count, timestamp: now })));
    await this.#calls.ask({
      what: `${process.name}: append ${batches.map(({ id, count }) => `${id} (${count})`).join(' ')} to ${call.stream}`,
      mayFail: ['STREAM_CLOSED', 'STREAM_NOT_FOUND'],
      act: () => this.#recorder.append(call, batches, () => node.call(append)),
      done: ({ startOffset, endOffset }) => `[${startOffset}, ${endOffset})`,
    });
  }

  async #trim(node: SimNode, { stream: name, at }: StepOf<'trim'>): Promise<void> {
    const stream = this.#handle(node, name) ?? (await this.#open(node, name, 'open'));
    if (stream === undefined) return;
    const to = placeIn(stream, at);
    const call = { client: node.process.name, stream: identityOf(stream) };
    await this.#calls.ask({
      what: `${node.process.name}: trim ${call.stream} to ${to}`,
      mayFail: ['STREAM_CLOSED', 'STREAM_NOT_FOUND', 'OFFSET_OUT_OF_RANGE'],
      act: () => this.#recorder.trim(call, to, () => node.call(() => stream.trim(to))),
    });
  }

  async #read(node: SimNode, { stream: name, at }: StepOf<'read'>): Promise<void> {
    const found = await this.#reader(node, name);
    if (found === undefined) return;
    const { reader, client, mayLag } = found;
    const from = placeIn(reader, at);
    await this.#calls.ask({
      what: `${client}: read ${identityOf(reader)} from ${from}`,
      mayFail: ['STREAM_CLOSED', 'STREAM_NOT_FOUND', 'OFFSET_OUT_OF_RANGE'],
      act: () => {
        const read = (): Promise<Awaited<ReturnType<StreamReader['read']>>> => node.call(() => reader.read(from));
        return this.#recorder.read({ client, stream: identityOf(reader) }, from, read, { mayLag });
      },
      done: ({ batches, startOffset, endOffset }) => `${batches.length} batches of [${startOffset}, ${endOffset})`,
    });
  }

  async #lookUp(node: SimNode, { stream: name, timestamp }: StepOf<'look-up'>): Promise<void> {
    const found = await this.#reader(node, name);
    if (found === undefined) return;
    const { reader, client, mayLag } = found;
    const time = this.#world.runtime.clock.now() - Math.floor(this.#world.runtime.clock.monotonic()) + timestamp;
    const look = (): Promise<number | undefined> => node.call(() => reader.offsetAt(time));
    await this.#calls.ask({
      what: `${client}: look up ${timestamp} in ${identityOf(reader)}`,
      mayFail: ['STREAM_CLOSED', 'STREAM_NOT_FOUND', 'OFFSET_OUT_OF_RANGE'],
      act: () => this.#recorder.lookUp({ client, stream: identityOf(reader) }, time, look, { mayLag }),
      done: String,
    });
  }

  /** Follows until the stream, the set or the process ends. Nobody waits for that. */
  async #follow(node: SimNode, { stream: name }: StepOf<'follow'>): Promise<void> {
    const found = await this.#reader(node, name);
    if (found === undefined) return;
    const { reader } = found;
    this.#readers += 1;
    const client = `${node.process.name}/f${this.#readers}`;
    const stream = identityOf(reader);
    const from = reader.startOffset;
    const act = async (): Promise<number> => {
      const batches = reader.follow(from);
      let next = from;
      for (;;) {
        const calledAt = this.#recorder.tick();
        const { value, done } = await node.call(() => batches.next());
        if (done === true) return next;
        const batch: LogReadBatch = value;
        const startOffset = Math.min(reader.startOffset, batch.startOffset);
        const seen = { batches: [batch], startOffset, endOffset: batch.endOffset };
        this.#recorder.saw({ client, stream }, calledAt, next, seen, { mayLag: true });
        next = batch.endOffset;
      }
    };
    const mayFail = ['STREAM_CLOSED', 'STREAM_NOT_FOUND', 'OFFSET_OUT_OF_RANGE'];
    const what = `${client}: follow ${stream} from ${from}`;
    void this.#calls.start({ what, act, mayFail, done: (to) => `to ${to}`, isLasting: true });
  }

  async #open(node: SimNode, name: string, how: 'create' | 'open' | 'open-or-create'): Promise<Stream | undefined> {
    const { streams } = this.#members.handles(node);
    const act = (): Promise<Stream> =>
      node.call((set) => {
        if (how === 'create') return set.create({ name });
        return how === 'open' ? set.open(name) : set.openOrCreate(name);
      });
    const mayFail = ['STREAM_EXISTS', 'STREAM_NOT_FOUND', 'STREAM_OWNED', 'WAL_MISSING'];
    const what = `${node.process.name}: ${how} ${name}`;
    const done = (opened: Stream): string => this.#members.epochs.opened(node, opened);
    const stream = await this.#calls.ask({ what, act, mayFail, done });
    if (stream !== undefined) streams.set(name, stream);
    return stream;
  }

  async #close(node: SimNode, name: string): Promise<void> {
    const { streams } = this.#members.handles(node);
    const stream = streams.get(name);
    if (stream === undefined) return;
    streams.delete(name);
    const act = (): Promise<void> => node.call(() => stream.close());
    await this.#calls.ask({ what: `${node.process.name}: close ${identityOf(stream)}`, act });
  }

  async #delete(node: SimNode, name: string): Promise<void> {
    const what = `${node.process.name}: which stream is ${name}`;
    const describe = (): Promise<{ readonly id: StreamReader['id'] }> => node.call((set) => set.describe(name));
    const found = await this.#calls.ask({ what, act: describe, mayFail: ['STREAM_NOT_FOUND'] });
    if (found === undefined) return;
    const call = { client: node.process.name, stream: `${name}/${found.id}` };
    const { streams } = this.#members.handles(node);
    if (streams.get(name)?.id === found.id) streams.delete(name); // It is given up first: somebody else may open it.
    await this.#calls.ask({
      what: `${node.process.name}: delete ${call.stream}`,
      mayFail: ['STREAM_NOT_FOUND', 'STREAM_OWNED'],
      act: () => this.#recorder.delete(call, () => node.call((set) => set.delete(found.id))),
    });
  }

  async #recover(node: SimNode, { of, abandon = false }: StepOf<'recover'>): Promise<void> {
    const member = this.#members.member(of);
    if (of === node.set.node) return;
    await this.#members.recover(node, member, abandon);
  }

  /** The handle with which this process writes, if it has one that is not closed. */
  #handle(node: SimNode, name: string): Stream | undefined {
    return this.#members.handles(node).streams.get(name);
  }

  /** The handle with which a process reads: its own stream, or a reader of whoever writes it. */
  async #reader(
    node: SimNode,
    name: string,
  ): Promise<{ readonly reader: StreamReader; readonly client: string; readonly mayLag: boolean } | undefined> {
    const handles = this.#members.handles(node);
    const own = handles.streams.get(name);
    if (own !== undefined)
      return { reader: own, client: node.process.name, mayLag: this.#members.mayBeOvertaken(node) };
    const known = handles.readers.get(name);
    const client = `${node.process.name}/r`;
    if (known !== undefined) return { reader: known, client, mayLag: true };
    const act = (): Promise<StreamReader> => node.call((set) => set.reader(name));
    const what = `${node.process.name}: reader of ${name}`;
    const reader = await this.#calls.ask({ what, act, mayFail: ['STREAM_NOT_FOUND'], done: identityOf });
    if (reader === undefined) return undefined;
    handles.readers.set(name, reader);
    return { reader, client, mayLag: true };
  }

  /** Nobody holds more than the share that it has for what is not uploaded. */
  #checkMemory(): void {
    for (const { node, current } of this.#members.all) {
      const writing = current?.set.stats().writing;
      if (writing === undefined || writing.unuploadedBytes <= writing.shares.unuploadedMax) continue;
      this.#calls.find('memory', `${node} holds ${writing.unuploadedBytes} bytes that are not uploaded`);
    }
  }

  #count(what: string): void {
    this.#disturbances[what] = (this.#disturbances[what] ?? 0) + 1;
  }
}

/** A stream for ever: names can be given again, ids cannot. */
export function identityOf({ name, id }: Pick<StreamReader, 'name' | 'id'>): string {
  return `${name}/${id}`;
}

/** Steps that strike a process; they count where there is one. */
const afflictions: ReadonlySet<string> = new Set(['kill', 'cut-power', 'stop', 'cut-off', 'jump-clock']);

function placeIn({ startOffset, endOffset }: Pick<StreamReader, 'startOffset' | 'endOffset'>, at: number): number {
  return startOffset + Math.round(((endOffset - startOffset) * at) / 100);
}
