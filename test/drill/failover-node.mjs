// A process of the failover drill that writes: a node with its stream set, which opens, closes and recovers what it is
// told on stdin, appends to all it has open at a bounded rate, and writes down what became of every append before it
// goes on. It is killed, stopped and fenced at any moment.
//
// What it writes down, one line each: `a stream start end number mark` for an acknowledged batch, and
// `f stream offset number code outcome` for one that failed.
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isQanatError, objectWal, StreamSet } from 'qanat';
import { openStore } from './drill-store.mjs';
import { Followers } from './failover-follow.mjs';
import { countOf, diceOf, markOf, nameOf, pause, payloadOf } from './failover-payload.mjs';
import { readArguments } from './payload.mjs';

const given = readArguments({
  ...{ directory: '', store: '', name: '', process: 0, streams: 0, followers: 0, seed: 0 },
  ...{ rate: 100, uploadAgeMaxMs: 500 },
});
const dice = diceOf(given.seed * 1009 + given.process);
const log = openSync(join(given.directory, 'logs', `${given.name}-${given.process}.log`), 'a');
const say = (line) => void process.stdout.write(`${line}\n`);
const codeOf = (cause) => (isQanatError(cause) ? cause.code : undefined);

const tickMs = 25;
/** Appends without an answer at which a node waits, so that a slow store is not flooded. */
const pendingMax = 300;
/** What an append may fail with while others take this node over, or its streams are moved. */
const appendFailures = new Set(['NODE_FENCED', 'STREAM_CLOSED', 'CLOSED', 'OVERLOADED']);

/** Batches that this process has tried to append. */
let tried = 0;
let isQuiet = false;

/** One stream set from its opening to its end. */
class Life {
  set;
  pending = 0;
  #isOver = false;
  /** Streams that this node is told to have open. */
  #wanted = new Set();
  /** Those it has. */
  #open = new Map();
  #kept = new Set();

  async run() {
    this.set = await StreamSet.open({
      node: given.name,
      store: await openStore(given.store, join(given.directory, 'store')),
      wal: objectWal(),
      settings: { uploadAgeMaxMs: given.uploadAgeMaxMs, catalogRefreshMs: 150 },
    });
    const followers = new Followers({ view: this.set, log, process: given.process, dice, streams: given.streams, say });
    followers.start(given.followers, (stream) => !this.#wanted.has(stream));
    const ticks = setInterval(() => this.#tick(), tickMs);
    say(`open ${this.set.nodeEpoch}`);
    const { status, error } = await this.set.closed;
    this.#isOver = true;
    clearInterval(ticks);
    followers.stop();
    await this.set.close();
    await pause(0);
    if (this.pending > 0) say(`broken ${this.pending} appends were never answered, and the set is closed`);
    if (status === 'failed') say(`broken the set failed: ${error?.stack?.replaceAll('\n', ' | ')}`);
    else say(`ended ${status}`);
  }

  want(streams) {
    for (const stream of streams) {
      this.#wanted.add(stream);
      void this.#keep(stream);
    }
  }

  giveUp(streams) {
    for (const stream of streams) {
      this.#wanted.delete(stream);
      void this.#keep(stream);
    }
  }

  async recover(node, epoch) {
    try {
      const { alreadyDone } = await this.set.recover(node, epoch === undefined ? {} : { epoch });
      say(`recovered ${node} ${alreadyDone ? 'already' : 'ok'}`);
    } catch (cause) {
      say(`recovered ${node} ${codeOf(cause) ?? `broken: ${String(cause?.stack).replaceAll('\n', ' | ')}`}`);
    }
  }

  /** Brings one stream to where it is wanted, however often that changes meanwhile. */
  async #keep(stream) {
    if (this.#kept.has(stream)) return;
    this.#kept.add(stream);
    try {
      while (!this.#isOver && this.#wanted.has(stream) !== this.#open.has(stream)) {
        if (this.#wanted.has(stream)) await this.#openStream(stream);
        else await this.#closeStream(stream);
      }
    } catch (cause) {
      if (!['NODE_FENCED', 'CLOSED'].includes(codeOf(cause)))
        say(`broken stream ${stream} could not be opened or closed: ${String(cause?.stack).replaceAll('\n', ' | ')}`);
    } finally {
      this.#kept.delete(stream);
    }
  }

  async #openStream(stream) {
    try {
      this.#open.set(stream, { handle: await this.set.openOrCreate(nameOf(stream)), isNew: true });
      say(`opened ${stream}`);
    } catch (cause) {
      if (codeOf(cause) !== 'STREAM_OWNED') throw cause;
      await pause(20 + dice(80)); // Its owner is to give it up, or to be recovered.
    }
  }

  async #closeStream(stream) {
    const { handle } = this.#open.get(stream);
    this.#open.delete(stream);
    await handle.close();
    say(`closed ${stream}`);
  }

  #tick() {
    if (isQuiet || this.#open.size === 0) return;
    const streams = [...this.#open.keys()];
    for (let left = (given.rate * tickMs) / 1_000; left > 0 && this.pending < pendingMax; left--) {
      if (left < 1 && dice(1_000) >= left * 1_000) return;
      const stream = streams[dice(streams.length)];
      const batches = dice(6) === 0 ? 2 + dice(4) : 1;
      if (dice(4) === 0) this.#appendAll(stream, batches);
      else for (let i = 0; i < batches; i++) this.#append(stream);
    }
  }

  #append(stream) {
    const { handle } = this.#open.get(stream);
    const { bytes, count, number } = this.#draw(stream);
    void this.#settle(stream, handle, [{ bytes, count, number }], () => handle.append(bytes, { count }));
  }

  #appendAll(stream, length) {
    const { handle } = this.#open.get(stream);
    const batches = Array.from({ length }, () => this.#draw(stream));
    void this.#settle(stream, handle, batches, () =>
      handle.appendAll(batches.map(({ bytes, count }) => ({ bytes, count }))),
    );
  }

  #draw(stream) {
    const number = ++tried;
    return { number, bytes: payloadOf(stream, given.process, number), count: countOf(stream, given.process, number) };
  }

  /** Appends, and writes down what becomes of every batch of it before anything else happens. */
  async #settle(stream, handle, batches, append) {
    const offsets = [handle.nextOffset];
    for (const { count } of batches) offsets.push(offsets.at(-1) + count);
    this.pending += 1;
    try {
      const { startOffset, endOffset } = await append();
      const lines = batches.map(
        ({ number, bytes }, i) => `a ${stream} ${offsets[i]} ${offsets[i + 1]} ${number} ${markOf(bytes)}\n`,
      );
      writeSync(log, lines.join(''));
      if (startOffset !== offsets[0] || endOffset !== offsets.at(-1))
        say(`broken stream ${stream}: the call was given ${offsets[0]}, and acknowledged ${startOffset}-${endOffset}`);
      this.#sayFirst(stream);
    } catch (cause) {
      const { code = 'unexpected', outcome = 'unknown' } = isQanatError(cause) ? cause : {};
      const lines = batches.map(({ number }, i) => `f ${stream} ${offsets[i]} ${number} ${code} ${outcome}\n`);
      writeSync(log, lines.join(''));
      if (!appendFailures.has(code))
        say(`broken an append to ${stream}: ${String(cause?.stack).replaceAll('\n', ' | ')}`);
    } finally {
      this.pending -= 1;
    }
  }

  #sayFirst(stream) {
    const entry = this.#open.get(stream);
    if (entry?.isNew) say(`first ${stream}`);
    if (entry !== undefined) entry.isNew = false;
  }
}

let life = new Life();

async function live() {
  try {
    await life.run();
  } catch (cause) {
    if (codeOf(cause) === 'NODE_FENCED') say('ended fenced');
    else say(`broken the set could not be opened: ${String(cause?.stack).replaceAll('\n', ' | ')}`);
  }
}

async function obey(line) {
  const [word, ...words] = line.split(' ');
  if (word === 'want') life.want(words.map(Number));
  else if (word === 'giveUp') life.giveUp(words.map(Number));
  else if (word === 'recover') await life.recover(words[0], words[1] === undefined ? undefined : Number(words[1]));
  else if (word === 'again') {
    life = new Life();
    await live();
  } else if (word === 'quiet') {
    isQuiet = true;
    while (life.pending > 0) await pause(10);
    say('quiet');
  } else if (word === 'end') {
    await life.set?.close();
    await pause(20); // Whoever had to be answered is answered by now.
    say('done');
    process.exit(0);
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(3)); // The drill is gone.
lines.on('line', (line) => void obey(line));
await live();
