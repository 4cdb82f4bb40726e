// The load of the store drill: one node that appends to many streams at a steady rate, whatever becomes of its store,
// and a view that follows some of them. It keeps what was acknowledged, to be held against the store in the end, and
// measures how long everybody waited.
import { isQanatError, objectWal, StreamSet } from 'qanat';
import { pause } from './failover-payload.mjs';
import { countAt, payloadAt, writerOf } from './payload.mjs';

const tickMs = 20;
const incarnation = 1;

/** How long anything may take that has to happen in the end. */
const patienceMs = 60_000;

/** Waits, and keeps no process alive for it. */
const patience = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

export class StoreLoad {
  /** What must not be. */
  violations = [];
  counts = { appends: 0, acknowledged: 0, overloaded: 0, batchesFollowed: 0, batchesRead: 0 };
  rssMaxBytes = 0;
  #set;
  #view;
  #openStore;
  #streams = [];
  #rate;
  #settings;
  /** Per stream: the ends of batches that were acknowledged, by their starts. */
  #acknowledged = [];
  #followed = [];
  #followers = [];
  #timers = [];
  /** When something was acknowledged last, and how long everything had to wait. */
  #lastAt = 0;
  #waits = [];
  #silenceMaxMs = 0;
  #onAcknowledged = [];
  #requests = {};
  #segmentTries = 0;
  #pending = new Set();
  #appendedAt = 0;

  /** `openStore` gives a new connection each time; `rate` is appends per second. */
  constructor({ openStore, rate, settings }) {
    [this.#openStore, this.#rate, this.#settings] = [openStore, rate, settings];
  }

  /** Opens everything, and begins to append and to follow. */
  async start(streamCount, followerCount) {
    const observer = {
      storeRequest: ({ outcome }) => (this.#requests[outcome] = (this.#requests[outcome] ?? 0) + 1),
      walSegmentRetried: () => (this.#segmentTries += 1),
    };
    const settings = this.#settings;
    this.#set = await StreamSet.open({ node: 'a', store: this.#openStore(), wal: objectWal(), settings, observer });
    void this.#watch(this.#set);
    for (let i = 0; i < streamCount; i++) this.#streams.push(await this.#set.openOrCreate(`stream-${i}`));
    this.#acknowledged = this.#streams.map(() => new Map());
    this.#view = await StreamSet.openReadOnly({ store: this.#openStore(), settings: { catalogRefreshMs: 200 } });
    for (let i = 0; i < followerCount; i++) this.#followers.push(this.#follow(i));
    this.#lastAt = this.#appendedAt = performance.now();
    this.#timers.push(
      setInterval(() => this.#append(), tickMs),
      setInterval(() => this.#look(), 50),
    );
  }

  /** Resolves when something is acknowledged that was acknowledged after now, with how long that took. */
  async nextAcknowledgement() {
    const since = performance.now();
    const came = new Promise((resolve) => this.#onAcknowledged.push(resolve));
    const at = await Promise.race([came, patience(patienceMs)]);
    if (at === undefined) this.violations.push(`nothing was acknowledged in ${patienceMs} ms`);
    return Math.round((at ?? performance.now()) - since);
  }

  /** Stops appending; waits until every append is settled, followers have seen all, and the set is closed. */
  async end() {
    for (const timer of this.#timers.splice(0, 1)) clearInterval(timer);
    await this.#inTime(Promise.all(this.#pending), 'every append is settled');
    const isSeen = () => this.#followed.every((end, i) => end >= this.#streams[i].endOffset);
    for (let waitedMs = 0; !isSeen() && waitedMs < patienceMs; waitedMs += 50) await pause(50);
    if (!isSeen()) this.violations.push('followers have not seen everything');
    await this.#inTime(this.#set.close(), 'the set is closed');
    await this.#view.close();
    await this.#inTime(Promise.all(this.#followers), 'followers end');
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Reads everything through a connection of its own, and holds it against what was acknowledged. */
  async verify() {
    const view = await StreamSet.openReadOnly({ store: this.#openStore() });
    for (const [i, expected] of this.#acknowledged.entries()) {
      const reader = await view.reader(`stream-${i}`);
      const standing = new Map();
      for (let offset = 0; offset < reader.endOffset;) {
        const { batches } = await reader.read(offset);
        for (const { startOffset, endOffset, bytes } of batches) {
          if (startOffset !== offset) this.violations.push(`stream ${i}: ${startOffset} follows ${offset}`);
          if (writerOf(i, startOffset, bytes) !== incarnation)
            this.violations.push(`stream ${i}: other bytes at ${startOffset}`);
          standing.set(startOffset, endOffset);
          offset = endOffset;
          this.counts.batchesRead += 1;
        }
      }
      for (const [start, end] of expected)
        if (standing.get(start) !== end) this.violations.push(`stream ${i}: what was acknowledged at ${start} is lost`);
    }
    await view.close();
  }

  /** What was measured since the last call. */
  figures() {
    const waits = this.#waits.toSorted((a, b) => a - b);
    const at = (part) => Math.round(waits[Math.min(waits.length - 1, Math.floor(waits.length * part))] ?? 0);
    const figures = {
      ...this.counts,
      waitMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
      silenceMaxMs: Math.round(this.#silenceMaxMs),
      requests: this.#requests,
      segmentsTriedAgain: this.#segmentTries,
      rssMaxMiB: Math.round(this.rssMaxBytes / 2 ** 20),
    };
    [this.#waits, this.#silenceMaxMs, this.#requests, this.#segmentTries, this.rssMaxBytes] = [[], 0, {}, 0, 0];
    for (const name of Object.keys(this.counts)) this.counts[name] = 0;
    return figures;
  }

  async #watch(set) {
    const { status, error } = await set.closed;
    if (status !== 'closed') this.violations.push(`the set is ${status}: ${error?.stack}`);
  }

  /** As many appends as are due by now; after a pause of this process not all that it has missed. */
  #append() {
    const now = performance.now();
    const due = Math.min(((now - this.#appendedAt) * this.#rate) / 1_000, this.#rate / 5);
    if (due < 1) return;
    this.#appendedAt = now;
    for (let left = Math.floor(due); left > 0; left--) {
      const i = this.counts.appends % this.#streams.length;
      this.counts.appends += 1;
      const settled = this.#appendTo(i, this.#streams[i]).finally(() => this.#pending.delete(settled));
      this.#pending.add(settled);
    }
  }

  async #appendTo(i, stream) {
    const { nextOffset } = stream;
    const startedAt = performance.now();
    try {
      const { startOffset, endOffset } = await stream.append(payloadAt(i, nextOffset, incarnation), {
        count: countAt(i, nextOffset),
      });
      if (startOffset !== nextOffset) this.violations.push(`stream ${i}: given ${nextOffset}, told ${startOffset}`);
      this.#acknowledged[i].set(startOffset, endOffset);
      this.#acknowledgedAt(startedAt, performance.now());
    } catch (cause) {
      if (isQanatError(cause, 'OVERLOADED')) this.counts.overloaded += 1;
      else this.violations.push(`an append to stream ${i}: ${cause?.stack}`);
    }
  }

  #acknowledgedAt(startedAt, now) {
    this.counts.acknowledged += 1;
    this.#waits.push(now - startedAt);
    this.#silenceMaxMs = Math.max(this.#silenceMaxMs, now - this.#lastAt);
    this.#lastAt = now;
    for (const tell of this.#onAcknowledged.splice(0)) tell(now);
  }

  async #follow(i) {
    this.#followed[i] = 0;
    const reader = await this.#view.reader(`stream-${i}`);
    try {
      for await (const { startOffset, endOffset } of reader.follow('start')) {
        if (startOffset !== this.#followed[i])
          this.violations.push(`a follower of stream ${i} was given ${startOffset} at ${this.#followed[i]}`);
        this.#followed[i] = endOffset;
        this.counts.batchesFollowed += 1;
      }
    } catch (cause) {
      this.violations.push(`a follower of stream ${i}: ${cause?.stack}`);
    }
  }

  #look() {
    this.rssMaxBytes = Math.max(this.rssMaxBytes, process.memoryUsage().rss);
  }

  async #inTime(promise, what) {
    const isDone = await Promise.race([Promise.resolve(promise).then(() => true), patience(2 * patienceMs)]);
    if (isDone !== true) this.violations.push(`not in time: ${what}`);
  }
}
