// The nodes of a world's run: which of their processes counts, what each has open, and what was given up when a WAL was
// lost or abandoned, which is all that may ever be missing.
import { StreamSet } from '../index.ts';
import type { Observer, Stream, StreamReader } from '../index.ts';
import type { HistoryRecorder } from './history-recorder.ts';
import type { SimMachine, SimNode, SimStartOptions } from './sim-machine.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimWorld } from './sim-world.ts';
import type { WorldCalls } from './world-calls.ts';
import { WorldEpochs } from './world-epochs.ts';
import type { WorldMember, WorldScript } from './world-script.ts';

/** Where a WAL was looked for. */
export interface WalPlaceTried {
  readonly wal: WorldMember['wal'];
  readonly directory: string;
}

/** A node of the world, with all its processes. */
export interface Member {
  readonly node: string;
  readonly machine: SimMachine;
  /** What its last incarnation was started with. */
  wal: WorldMember['wal'];
  directory: string;
  current: SimNode | undefined;
  starting: Promise<SimNode | undefined> | undefined;
  /** What incarnations were started with, the last one last: one that failed may still have been registered. */
  readonly tried: WalPlaceTried[];
  /** Whether a start is under way that gives something up. */
  isLosing: boolean;
  /** Take-overs of it that are under way: they strike whichever incarnation they meet. */
  takeOvers: number;
  /** Earlier incarnations that are still there. */
  readonly zombies: SimNode[];
}

/** The process that a node's name stands for: the one that starts, or runs. */
export function newestProcess({ machine, current, starting }: Member): SimProcess | undefined {
  const process = starting === undefined ? current?.process : machine.processes.at(-1);
  return process?.state === 'dead' ? undefined : process;
}

/** What a process has open, by name of the stream. */
export interface Handles {
  readonly streams: Map<string, Stream>;
  readonly readers: Map<string, StreamReader>;
  /** Whether somebody may have taken over from it without its knowledge: then what it reads may be old. */
  mayBeOvertaken: boolean;
}

/** What the bucket says of a node. */
interface Registered {
  readonly ends: readonly { readonly stream: string; readonly endOffset: number }[];
  /** Undefined if nobody asked. */
  readonly epoch: number | undefined;
}

const nothingRegistered: Registered = { ends: [], epoch: undefined };

export class WorldMembers {
  readonly #world: SimWorld;
  readonly #calls: WorldCalls;
  readonly #recorder: HistoryRecorder;
  readonly #script: WorldScript;
  readonly #members = new Map<string, Member>();
  readonly #handles = new WeakMap<SimNode, Handles>();
  readonly epochs: WorldEpochs;
  #directories = 0;

  constructor(world: SimWorld, calls: WorldCalls, recorder: HistoryRecorder, script: WorldScript) {
    this.#world = world;
    this.#calls = calls;
    this.epochs = new WorldEpochs(calls);
    this.#recorder = recorder;
    this.#script = script;
    for (const { node, wal } of script.members) {
      const machine = world.machine(node);
      machine.disk.latencyMaxMs = world.runtime.random.fraction() < 0.3 ? 30 : 1;
      const started = { current: undefined, starting: undefined, isLosing: false, takeOvers: 0 };
      this.#members.set(node, { node, machine, wal, directory: '/disk/wal', ...started, tried: [], zombies: [] });
    }
  }

  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** A node by name; scripts that were changed by hand may name one that is not there. */
  member(node: string): Member {
    const member = this.#members.get(node);
    if (member === undefined) throw new TypeError(`the script has no member '${node}'`);
    return member;
  }

  handles(node: SimNode): Handles {
    const known = this.#handles.get(node);
    if (known !== undefined) return known;
    const fresh: Handles = { streams: new Map(), readers: new Map(), mayBeOvertaken: false };
    this.#handles.set(node, fresh);
    return fresh;
  }

  /** The running node, started if need be. Undefined if it cannot be had now. */
  async running(member: Member): Promise<SimNode | undefined> {
    const { current } = member;
    if (current !== undefined) {
      if (current.process.state !== 'dead' && current.set.status === 'open') return current;
      await this.kill(member, current.process, 'either');
    }
    if (member.starting === undefined) void this.start(member, {});
    return this.#calls.ask({ what: `${member.node}: wait for the start`, act: async () => member.starting });
  }

  /** Starts the node: it takes the place of the process that runs, which goes on without knowing. */
  start(
    member: Member,
    {
      wal = 'own',
      abandon = false,
      breaksLock = false,
    }: {
      readonly wal?: 'own' | 'other' | 'empty' | WalPlaceTried | undefined;
      readonly abandon?: boolean | undefined;
      readonly breaksLock?: boolean | undefined;
    },
  ): Promise<SimNode | undefined> {
    // Whoever gives something up must be alone with it: what is begun meanwhile would be given up without being said.
    const isAlone = abandon || member.wal === 'memory' || member.isLosing;
    const before = isAlone ? member.starting : undefined;
    member.isLosing = isAlone;
    const starting = (before ?? Promise.resolve())
      .then(() => this.#start(member, wal, abandon, breaksLock))
      .finally(() => {
        if (member.starting !== starting) return;
        member.starting = undefined;
        member.isLosing = false;
      });
    member.starting = starting;
    return starting;
  }

  async #start(
    member: Member,
    how: 'own' | 'other' | 'empty' | WalPlaceTried,
    abandon: boolean,
    breaksLock: boolean,
  ): Promise<SimNode | undefined> {
    await this.#loseMemory(member);
    const options = this.#startOptions(member, how, breaksLock);
    member.tried.push({ wal: options.wal, directory: options.directory });
    const gone = member.machine.processes.every(({ state }) => state === 'dead');
    const walMissing = abandon && gone ? ('abandon' as const) : ('refuse' as const);
    const calledAt = this.#recorder.tick();
    const { ends } = walMissing === 'abandon' ? await this.#registered(member) : nothingRegistered;
    let process: SimProcess | undefined;
    let abandoned = false;
    const act = async (): Promise<SimNode> => {
      const name = `${member.node}${member.machine.processes.length + 1}`;
      const observer: Observer = {
        walAbandoned: () => (abandoned = true),
        backgroundFailed: ({ work, cause }) => this.#calls.judgeFailure(`${name}, in the background: ${work}`, cause),
      };
      const opening = member.machine.start({ ...options, walMissing, observer });
      process = member.machine.processes.at(-1);
      return this.#takingOver(member, opening);
    };
    const what = `${member.node}: start with the ${options.wal} WAL in ${options.directory}, ${walMissing}`;
    const mayFail = ['WAL_MISSING', 'WAL_LOCKED'];
    const node = await this.#calls.start({ what, act, mayFail, done: ({ set }) => `epoch ${set.nodeEpoch}` });
    if (abandoned || node === undefined) this.#giveUp(member, ends, calledAt);
    if (node === undefined) {
      process?.kill();
      return undefined;
    }
    if (member.current !== undefined) member.zombies.push(member.current);
    member.current = node;
    member.wal = options.wal;
    member.directory = options.directory;
    return node;
  }

  /** A process dies; what was only in its memory is given up. */
  async kill(member: Member, process: SimProcess, underWay: 'lands' | 'vanishes' | 'either'): Promise<void> {
    this.#calls.note(`${process.name} dies (what is under way: ${underWay})`);
    const calledAt = this.#recorder.tick();
    process.kill(underWay);
    if (member.current?.process === process) member.current = undefined;
    if (member.wal === 'memory') await this.#giveUpMemory(member, calledAt);
  }

  /** Every process of a node dies. */
  async killAll(member: Member): Promise<void> {
    for (const process of member.machine.processes)
      if (process.state !== 'dead') await this.kill(member, process, 'either');
  }

  /** One node recovers another. What it gives up by that is said, and is of no incarnation that lives or will live. */
  async recover(node: SimNode, member: Member, wantsAbandon: boolean): Promise<void> {
    await this.#loseMemory(member);
    const gone = member.starting === undefined && member.machine.processes.every(({ state }) => state === 'dead');
    const abandon = wantsAbandon && gone;
    const calledAt = this.#recorder.tick();
    const { ends, epoch } = abandon || member.wal === 'memory' ? await this.#registered(member) : nothingRegistered;
    const suffix = `${epoch === undefined ? '' : ` in epoch ${epoch}`}${abandon ? ', abandon' : ''}`;
    const report = await this.#calls.ask({
      what: `${node.process.name}: recover ${member.node}${suffix}`,
      mayFail: ['NODE_NOT_FOUND', 'WAL_MISSING'],
      act: () =>
        this.#takingOver(
          member,
          node.call((set) => set.recover(member.node, { abandon, epoch })),
        ),
      done: ({ segmentCount, alreadyDone }) => `${segmentCount} segments${alreadyDone ? ', already done' : ''}`,
    });
    if (report?.abandoned ?? abandon) this.#giveUp(member, ends, calledAt);
  }

  /** The machine of a node loses its power. */
  async cutPower(member: Member): Promise<void> {
    this.#calls.note(`${member.node}: power cut`);
    const calledAt = this.#recorder.tick();
    member.machine.cutPower();
    member.current = undefined;
    if (member.wal === 'memory') await this.#giveUpMemory(member, calledAt);
  }

  /** Whether what this process reads of its own streams may be old, because somebody else may write them by now. */
  mayBeOvertaken(node: SimNode): boolean {
    return this.handles(node).mayBeOvertaken || this.member(node.set.node).takeOvers > 0;
  }

  /** Somebody takes over from a node, now or when he gets to it: he may meet any process that there is until then. */
  async #takingOver<T>(member: Member, work: Promise<T>): Promise<T> {
    member.takeOvers += 1;
    this.#overtake(member);
    try {
      return await work;
    } finally {
      member.takeOvers -= 1;
      this.#overtake(member);
    }
  }

  #overtake(member: Member): void {
    for (const node of [...member.zombies, ...(member.current === undefined ? [] : [member.current])])
      this.handles(node).mayBeOvertaken = true;
  }

  /** Before a node with a memory WAL is taken over: what it holds is lost by design; it ends here, and that is said. */
  async #loseMemory(member: Member): Promise<void> {
    if (member.wal === 'memory') await this.killAll(member);
  }

  async #giveUpMemory(member: Member, calledAt: number): Promise<void> {
    const { ends } = await this.#registered(member);
    this.#giveUp(member, ends, calledAt);
  }

  #giveUp({ node: client }: Member, ends: Registered['ends'], calledAt: number): void {
    for (const { stream, endOffset } of ends) this.#recorder.giveUp({ client, stream }, calledAt, endOffset);
  }

  #startOptions(
    member: Member,
    how: 'own' | 'other' | 'empty' | WalPlaceTried,
    breaksLock: boolean,
  ): SimStartOptions & Pick<Member, 'wal' | 'directory'> {
    const { settings } = this.#script;
    const { wal, directory } = member;
    if (typeof how === 'object') return { ...how, breaksLock, settings };
    if (how === 'own' || wal === 'memory') return { wal, directory, breaksLock, settings };
    if (how === 'other') return { wal: wal === 'file' ? 'object' : 'file', directory, breaksLock, settings };
    this.#directories += 1;
    return { wal: 'file', directory: `/disk/wal-${this.#directories}`, breaksLock, settings };
  }

  /** What is registered of every stream that this node or nobody has open, and the node's epoch. */
  async #registered(member: Member): Promise<Registered> {
    const ends: { stream: string; endOffset: number }[] = [];
    const { bucket, runtime } = this.#world;
    try {
      const view = await StreamSet.openReadOnly({ store: bucket, runtime });
      for await (const { id, name, owner, endOffset } of view.list())
        if (owner === undefined || owner === member.node) ends.push({ stream: `${name}/${id}`, endOffset });
      const found = (await view.nodes()).find(({ node }) => node === member.node);
      await view.close();
      return { ends, epoch: found?.nodeEpoch ?? 1 };
    } catch (cause) {
      // Nothing was ever stored.
      if (!['STORE_UNSUITABLE', 'OBJECT_CORRUPT'].includes((cause as { code: string }).code)) throw cause;
      return { ends, epoch: 1 };
    }
  }
}
