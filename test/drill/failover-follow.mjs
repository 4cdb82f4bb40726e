// Followers of the failover drill: each follows one stream for a while and writes down what it saw, so that the judge
// can tell whether all have seen parts of one history.
import { writeSync } from 'node:fs';
import { isQanatError } from 'qanat';
import { markOf, nameOf, pause } from './failover-payload.mjs';

/** What ends a follower without anything being wrong: its set was fenced or closed under it. */
const endings = new Set(['NODE_FENCED', 'CLOSED', 'STREAM_CLOSED']);

export class Followers {
  #view;
  #log;
  #process;
  #dice;
  #streams;
  #say;
  #next = 0;
  #isOver = false;
  /** Those at work: which stream each follows, and how far it is. */
  #atWork = new Set();

  /** `view` is any stream set; `log` a file, open for appending; `process` a number that only this process has. */
  constructor({ view, log, process, dice, streams, say }) {
    [this.#view, this.#log, this.#process, this.#dice, this.#streams, this.#say] = [
      ...[view, log, process, dice, streams, say],
    ];
  }

  /** Keeps so many followers at work until `stop`. `isWanted` says which streams are worth following. */
  start(count, isWanted = () => true) {
    for (let i = 0; i < count; i++) void this.#keepFollowing(isWanted);
  }

  stop() {
    this.#isOver = true;
    for (const { leave } of this.#atWork) leave.abort();
  }

  /** Resolves when everyone at work has seen everything below the given ends, by stream. Who does not, is told of. */
  async reach(ends, limitMs) {
    const until = performance.now() + limitMs;
    const isBehind = ({ stream, position, leave }) => !leave.signal.aborted && position < (ends[stream] ?? 0);
    for (;;) {
      const behind = [...this.#atWork].find(isBehind);
      if (behind === undefined) return;
      if (performance.now() > until) {
        const { stream, position } = behind;
        this.#say(`broken a reader of stream ${stream} stands at ${position}; the stream ends at ${ends[stream]}`);
        return;
      }
      await pause(50);
    }
  }

  async #keepFollowing(isWanted) {
    while (!this.#isOver) {
      const stream = this.#dice(this.#streams);
      if (isWanted(stream)) await this.#follow(stream);
      await pause(50 + this.#dice(100));
    }
  }

  async #follow(stream) {
    const leave = new AbortController();
    const timer = setTimeout(() => leave.abort(), 1_000 + this.#dice(8_000));
    const me = { stream, position: 0, leave };
    try {
      const reader = await this.#view.reader(nameOf(stream));
      try {
        me.position = this.#dice(2) === 0 ? reader.endOffset : this.#dice(reader.endOffset + 1);
        const id = `${this.#process}.${this.#next++}`;
        this.#write(`b ${id} ${stream} ${me.position}`);
        this.#atWork.add(me);
        if (this.#dice(3) === 0) await this.#poll(reader, id, me);
        else await this.#iterate(reader, id, me);
      } finally {
        await reader.close();
      }
    } catch (cause) {
      if (cause === leave.signal.reason || isQanatError(cause, 'STREAM_NOT_FOUND')) return;
      if (isQanatError(cause) && endings.has(cause.code)) this.stop();
      else this.#say(`broken a reader of stream ${stream} at ${me.position}: ${cause?.stack ?? cause}`);
    } finally {
      clearTimeout(timer);
      this.#atWork.delete(me);
    }
  }

  async #iterate(reader, id, me) {
    for await (const batch of reader.follow(me.position, { signal: me.leave.signal })) this.#see(id, me, batch);
  }

  async #poll(reader, id, me) {
    const { signal } = me.leave;
    for (;;) {
      const end = await reader.whenBeyond(me.position, { signal });
      while (me.position < end) {
        const { batches } = await reader.read(me.position, { maxBytes: 1 + this.#dice(20_000), signal });
        if (batches.length === 0) throw new Error(`nothing at ${me.position}, though the end was ${end}`);
        for (const batch of batches) this.#see(id, me, batch);
      }
    }
  }

  #see(id, me, { startOffset, endOffset, streamEpoch, bytes }) {
    me.position = endOffset;
    this.#write(`r ${id} ${me.stream} ${startOffset} ${endOffset} ${streamEpoch} ${markOf(bytes)}`);
  }

  #write(line) {
    writeSync(this.#log, `${line}\n`);
  }
}
