// The processes of the failover drill, and what the conductor knows of them: who runs, who is stopped, which node each
// stream is assigned to. What it knows is only what it did and was told; the engine has to be right also where that is
// out of date.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pause } from './failover-payload.mjs';

const scripts = { node: 'failover-node.mjs', reader: 'failover-reader.mjs' };

/** How long anything may take that has to happen in the end, on a machine that is busy with other things. */
export const patienceMs = 60_000;

/** One process. */
export class Player {
  name;
  process;
  /** 'starting', 'open', 'ended' (its set was fenced), 'gone'. */
  status = 'starting';
  epoch;
  isStopped = false;
  /** It is meant to end. */
  isLeaving = false;
  gone;
  #child;
  #answers = [];
  #note;

  constructor(kind, name, process, options, { onLine, onGone, note }) {
    this.name = name;
    this.process = process;
    this.#note = (what) => note(`process ${process} (${name}) ${what}`);
    this.#note('is started');
    const args = Object.entries({ ...options, name, process }).flatMap(([key, value]) => [`--${key}`, String(value)]);
    const script = fileURLToPath(new URL(scripts[kind], import.meta.url));
    this.#child = spawn(globalThis.process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin.on('error', () => {}); // It may be dead already.
    let errors = '';
    this.#child.stderr.on('data', (chunk) => (errors += chunk));
    let rest = '';
    this.#child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) this.#hear(line, onLine);
    });
    this.gone = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.status = 'gone';
        this.#note(`is gone: ${code ?? signal}`);
        for (const { settle } of this.#answers.splice(0)) settle('gone');
        onGone(this, code, signal, errors);
        resolve();
      });
    });
  }

  get isUsable() {
    return this.status === 'open' && !this.isStopped && !this.isLeaving;
  }

  send(line) {
    if (this.status === 'gone') return;
    this.#note(`is told: ${line}`);
    this.#child.stdin.write(`${line}\n`);
  }

  /** Sends a line; resolves with the first line that begins with `word`, or with 'gone'. */
  ask(line, word) {
    return new Promise((settle) => {
      if (this.status === 'gone') settle('gone');
      this.#answers.push({ word, settle });
      this.send(line);
    });
  }

  kill() {
    this.isLeaving = true;
    this.#child.kill('SIGKILL');
    return this.gone;
  }

  /** Ends as a process should: its set is closed. */
  async leave() {
    this.isLeaving = true;
    const answer = await this.ask('end', 'done');
    await this.gone;
    return answer;
  }

  stop() {
    this.isStopped = true;
    this.#note('is stopped');
    this.#child.kill('SIGSTOP');
  }

  wake() {
    this.isStopped = false;
    this.#note('is woken');
    this.#child.kill('SIGCONT');
  }

  #hear(line, onLine) {
    this.#note(`says: ${line}`);
    onLine(this, line);
    const index = this.#answers.findIndex(({ word }) => line.startsWith(word));
    if (index >= 0) this.#answers.splice(index, 1)[0].settle(line);
  }
}

export class Cast {
  /** The newest process of each name. */
  current = new Map();
  /** Every process that may still run. */
  players = new Set();
  /** The node that each stream is assigned to. */
  owner;
  /** Which process has said last that it has opened a stream. */
  openedBy = [];
  /** When a fault took a stream from its writer, until somebody appends to it again. */
  #takenAt = [];
  counts = { processes: 0, recoveries: 0, fenced: 0, moved: 0, takenOver: 0 };
  takeOversMs = [];
  #options;
  #dice;
  #violate;
  #note;
  #processes = 0;

  /** `options` go to every process; `violate` is called with whatever must not be, `note` with whatever happens. */
  constructor({ nodes, streams, options, dice, violate, note }) {
    this.names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
    this.owner = Array.from({ length: streams }, (_, stream) => this.names[stream % nodes]);
    [this.#options, this.#dice, this.#violate, this.#note] = [options, dice, violate, note];
  }

  /** Starts a process of a node; an older one of that name, if it lives, will find itself fenced. */
  start(name) {
    const player = this.#spawn('node', name, this.#options.node);
    this.current.set(name, player);
    return player;
  }

  startReader(name) {
    return this.#spawn('reader', name, this.#options.reader);
  }

  #spawn(kind, name, options) {
    const events = {
      note: this.#note,
      onLine: (player, line) => this.#hear(player, line),
      onGone: (player, code, signal, errors) => {
        this.players.delete(player);
        this.openedBy = this.openedBy.map((opener) => (opener === player ? undefined : opener));
        if (!player.isLeaving || errors !== '')
          this.#violate(`process ${player.process} (${name}) ended by itself: ${code ?? signal}\n${errors}`);
      },
    };
    this.counts.processes += 1;
    const player = new Player(kind, name, ++this.#processes, options, events);
    this.players.add(player);
    return player;
  }

  #hear(player, line) {
    const [word, ...words] = line.split(' ');
    const stream = Number(words[0]);
    if (word === 'broken') this.#violate(`process ${player.process} (${player.name}): ${words.join(' ')}`);
    else if (word === 'open') {
      player.status = 'open';
      player.epoch = Number(words[0]);
      const assigned = this.streamsOf(player.name);
      if (this.current.get(player.name) === player && assigned.length > 0) player.send(`want ${assigned.join(' ')}`);
    } else if (word === 'opened') this.openedBy[stream] = player;
    else if (word === 'closed' && this.openedBy[stream] === player) this.openedBy[stream] = undefined;
    else if (word === 'first') this.#onFirst(stream);
    else if (word === 'ended' && !player.isLeaving) void this.#onFenced(player);
  }

  /** A fenced node takes part again: in the same process, or in a new one. */
  async #onFenced(player) {
    this.counts.fenced += 1;
    player.status = 'ended';
    this.openedBy = this.openedBy.map((opener) => (opener === player ? undefined : opener));
    if (this.current.get(player.name) === player && this.#dice(2) === 0) {
      player.status = 'starting';
      player.send('again');
      return;
    }
    await player.leave();
    if (this.current.get(player.name) === player) this.start(player.name);
  }

  #onFirst(stream) {
    const since = this.#takenAt[stream];
    if (since === undefined) return;
    this.#takenAt[stream] = undefined;
    this.counts.takenOver += 1;
    this.takeOversMs.push(performance.now() - since);
  }

  streamsOf(name) {
    return this.owner.flatMap((owner, stream) => (owner === name ? [stream] : []));
  }

  /** A fault takes a node's streams from it, now. */
  hit({ name }) {
    for (const stream of this.streamsOf(name)) this.#takenAt[stream] ??= performance.now();
  }

  /** Nodes that can be told something. */
  usable() {
    return this.names.map((name) => this.current.get(name)).filter((player) => player?.isUsable);
  }

  /** One of them, other than those given; undefined if there is none. */
  another(...others) {
    const names = new Set(others.map(({ name }) => name));
    const candidates = this.usable().filter(({ name }) => !names.has(name));
    return candidates[this.#dice(candidates.length)];
  }

  /** Assigns streams to nodes, at random among `players`; whoever had them is told to give them up. */
  assign(streams, players) {
    const given = new Map(players.map((player) => [player, []]));
    const taken = new Map();
    for (const stream of streams) {
      const player = players[this.#dice(players.length)];
      const before = this.current.get(this.owner[stream]);
      if (before?.isUsable && before !== player) taken.set(before, [...(taken.get(before) ?? []), stream]);
      this.owner[stream] = player.name;
      given.get(player).push(stream);
    }
    for (const [player, gone] of taken) player.send(`giveUp ${gone.join(' ')}`);
    for (const [player, came] of given) if (came.length > 0) player.send(`want ${came.join(' ')}`);
  }

  /** Wakes a node that nobody recovered meanwhile: it still has the streams that were moved while it could not hear. */
  wake(player) {
    player.wake();
    const moved = this.owner.flatMap((owner, stream) => (owner === player.name ? [] : [stream]));
    player.send(`giveUp ${moved.join(' ')}`);
  }

  /** One node recovers another; what it says: 'ok', 'already', a code, or 'gone' if it died meanwhile. */
  async recover(player, victim, epoch) {
    const line = `recover ${victim.name}${epoch === undefined ? '' : ` ${epoch}`}`;
    const answer = await this.inTime(player.ask(line, `recovered ${victim.name} `), `${player.name}: ${line}`, player);
    if (answer === 'gone') return answer;
    const result = answer.split(' ').slice(2).join(' ');
    if (result === 'ok') this.counts.recoveries += 1;
    else if (!['already', 'NODE_FENCED', 'CLOSED'].includes(result))
      this.#violate(`the recovery of ${victim.name} by process ${player.process} (${player.name}): ${result}`);
    return result;
  }

  /** Waits for what has to come; the time that a player is stopped does not count. */
  async inTime(promise, what, player) {
    let isDone = false;
    const done = promise.finally(() => (isDone = true));
    const watch = async () => {
      for (let leftMs = patienceMs; !isDone && leftMs > 0;) {
        await pause(100);
        if (!player?.isStopped) leftMs -= 100;
      }
      if (!isDone) this.#violate(`nothing has come of it in ${patienceMs} ms: ${what}`);
    };
    void watch();
    return done;
  }

  /** Resolves when every node runs and has all its streams open. */
  async settled() {
    const isSettled = () =>
      this.names.every((name) => this.current.get(name)?.isUsable) &&
      this.owner.every((name, stream) => this.openedBy[stream] === this.current.get(name));
    for (let leftMs = patienceMs; !isSettled(); leftMs -= 50) {
      if (leftMs <= 0) this.#violate(`nodes and streams are not back after ${patienceMs} ms: ${this.#missing()}`);
      await pause(50);
    }
  }

  #missing() {
    const nodes = this.names.filter((name) => !this.current.get(name)?.isUsable);
    const streams = this.owner.flatMap((name, stream) =>
      this.openedBy[stream] === this.current.get(name) ? [] : [`${stream} (of ${name})`],
    );
    return `nodes ${nodes.join(', ') || 'all here'}; streams ${streams.slice(0, 10).join(', ')}`;
  }

  async end() {
    const all = [...this.players];
    await Promise.all(all.map((player) => this.inTime(player.leave(), `the end of ${player.name}`)));
  }

  killAll() {
    for (const player of this.players) void player.kill();
  }
}
