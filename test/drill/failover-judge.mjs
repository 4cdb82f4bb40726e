// The judge of the failover drill. It reads every stream whole, as anybody may, and holds what it finds against what
// the writers were told and what the readers saw:
//
// - a stream is contiguous from 0, every batch is exactly what its writer wrote, under stream epochs that never go
//   back, each of one writer;
// - a number of a writer is there at most once, and those of one writer in one stream rise;
// - what was acknowledged is there, at the offsets of the acknowledgement;
// - what failed with the outcome 'none' is not there; with 'unknown' it may be;
// - what a reader saw is what is there, and it saw it without a gap.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isQanatError, StreamSet } from 'qanat';
import { openStore } from './drill-store.mjs';
import { identify, markOf, nameOf } from './failover-payload.mjs';

/** Something is not as it must be. */
export class Violation extends Error {}

/** What was read of one stream: batches in order of offset, and what is known of each writer and epoch. */
class History {
  stream;
  endOffset = 0;
  /** By start offset: end, writer, number, mark, epoch. */
  batches = new Map();
  #lastNumbers = new Map();
  #writers = new Map();
  #lastEpoch = 0;

  constructor(stream) {
    this.stream = stream;
  }

  add(batch) {
    const { startOffset, endOffset, streamEpoch, bytes } = batch;
    const where = `stream ${this.stream} at ${startOffset}`;
    if (startOffset !== this.endOffset)
      throw new Violation(`${where}: the batch before it ends at ${this.endOffset}, so they do not join`);
    const found = identify(batch);
    if (found === undefined || found.stream !== this.stream)
      throw new Violation(`${where}: no writer has written these bytes (${JSON.stringify(found)}, ${markOf(bytes)})`);
    const { writer, number } = found;
    const last = this.#lastNumbers.get(writer) ?? 0;
    if (number <= last)
      throw new Violation(`${where}: writer ${writer} wrote its number ${number} there, after its number ${last}`);
    const sole = this.#writers.get(streamEpoch) ?? writer;
    if (sole !== writer)
      throw new Violation(`${where}: writer ${writer} wrote under epoch ${streamEpoch}, which writer ${sole} has`);
    if (streamEpoch < this.#lastEpoch)
      throw new Violation(`${where}: epoch ${streamEpoch} follows epoch ${this.#lastEpoch}`);
    this.#lastNumbers.set(writer, number);
    this.#writers.set(streamEpoch, writer);
    this.#lastEpoch = streamEpoch;
    this.endOffset = endOffset;
    this.batches.set(startOffset, { endOffset, writer, number, streamEpoch, mark: markOf(bytes) });
  }
}

export class Judge {
  /** How much was looked at, by the last judgement of the whole. */
  counts = { batches: 0, acknowledged: 0, refused: 0, unknown: 0, seen: 0 };
  #directory;
  #store;
  #streams;
  /** What was read while the drill went on. */
  #histories;

  /** `store` is the URL of the bucket's part; without it the store is in the directory. */
  constructor({ directory, store = '', streams }) {
    [this.#directory, this.#store, this.#streams] = [directory, store, streams];
    this.#histories = Array.from({ length: streams }, (_, stream) => new History(stream));
  }

  /** While the drill goes on: reads on where it stands, and looks whether that agrees with all logs so far. */
  async readOn() {
    await this.#read(this.#histories);
    await this.#compare(this.#histories, false);
  }

  /** At the end, when all writers are gone: reads everything anew. Where each stream ends. */
  async judge() {
    const histories = Array.from({ length: this.#streams }, (_, stream) => new History(stream));
    await this.#read(histories);
    for (const [stream, early] of this.#histories.entries())
      for (const [offset, batch] of early.batches)
        same(`stream ${stream} at ${offset}`, 'earlier it held', batch, 'now', histories[stream].batches.get(offset));
    await this.#compare(histories, true);
    return histories.map(({ endOffset }) => endOffset);
  }

  async #read(histories) {
    const store = await openStore(this.#store, join(this.#directory, 'store'));
    const view = await StreamSet.openReadOnly({ store });
    try {
      for (const history of histories) await readStream(view, history);
    } finally {
      await view.close();
      store.close?.();
    }
  }

  /** `isWhole`: nothing more can come, so what was acknowledged has to be there by now. */
  async #compare(histories, isWhole) {
    const places = placesOf(histories);
    const counts = { batches: places.size, acknowledged: 0, refused: 0, unknown: 0, seen: 0 };
    const folder = join(this.#directory, 'logs');
    for (const file of await readdir(folder)) {
      const writer = Number(/-(\d+)\.log$/.exec(file)[1]);
      const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
      lines.pop(); // What follows the last line break was cut short when its process was killed.
      const readers = new Map();
      const lastAcknowledged = new Map();
      for (const line of lines) {
        const [kind, ...words] = line.split(' ');
        if (kind === 'a') {
          counts.acknowledged += 1;
          checkAcknowledged(histories, lastAcknowledged, writer, words, isWhole);
        } else if (kind === 'f') {
          counts[words[4] === 'none' ? 'refused' : 'unknown'] += 1;
          checkFailed(places, writer, words);
        } else if (kind === 'b') readers.set(words[0], Number(words[2]));
        else if (kind === 'r') {
          counts.seen += 1;
          checkSeen(histories, readers, file, words, isWhole);
        } else throw new Error(`${file} holds a line of no kind: ${line}`);
      }
    }
    this.counts = counts;
  }
}

async function readStream(view, history) {
  try {
    const reader = await view.reader(nameOf(history.stream));
    for (;;) {
      const { batches, nextOffset, endOffset } = await reader.read(history.endOffset);
      for (const batch of batches) history.add(batch);
      if (nextOffset !== history.endOffset)
        throw new Violation(`stream ${history.stream}: read on at ${nextOffset}, not ${history.endOffset}`);
      if (batches.length === 0 && nextOffset !== endOffset)
        throw new Violation(`stream ${history.stream} gives nothing at ${nextOffset}, and ends at ${endOffset}`);
      if (batches.length === 0) return;
    }
  } catch (cause) {
    if (isQanatError(cause, 'STREAM_NOT_FOUND') && history.endOffset === 0) return;
    if (cause instanceof Violation) throw cause;
    throw new Violation(`stream ${history.stream} cannot be read at ${history.endOffset}`, { cause });
  }
}

/** Where each number of each writer stands. One that stands twice is a violation. */
function placesOf(histories) {
  const places = new Map();
  for (const { stream, batches } of histories)
    for (const [offset, { writer, number }] of batches) {
      const key = `${writer} ${number}`;
      const where = `stream ${stream} at ${offset}`;
      const other = places.get(key);
      if (other !== undefined)
        throw new Violation(`number ${number} of writer ${writer} stands twice: ${other} and ${where}`);
      places.set(key, where);
    }
  return places;
}

function checkAcknowledged(histories, last, writer, [stream, start, end, number, mark], isWhole) {
  const where = `stream ${stream} at ${start}`;
  if (Number(start) < (last.get(stream) ?? 0))
    throw new Violation(`${where} was acknowledged to writer ${writer} after ${last.get(stream)}`);
  last.set(stream, Number(end));
  const history = histories[stream];
  const found = history.batches.get(Number(start));
  if (found === undefined && history.endOffset <= Number(start) && !isWhole) return;
  const told = { endOffset: Number(end), writer, number: Number(number), mark };
  same(where, 'acknowledged was', told, 'it holds', found);
}

function checkFailed(places, writer, [stream, offset, number, code, outcome]) {
  const place = places.get(`${writer} ${number}`);
  if (place !== undefined && outcome === 'none')
    throw new Violation(
      `number ${number} of writer ${writer}, for stream ${stream} at ${offset}, ` +
        `failed with ${code} and the outcome 'none', and stands in ${place}`,
    );
}

function checkSeen(histories, readers, file, [reader, stream, start, end, streamEpoch, mark], isWhole) {
  const where = `stream ${stream} at ${start}`;
  const position = readers.get(reader);
  // The first batch is the one that holds the offset where the reader began.
  if (Number(start) > position || Number(end) <= position)
    throw new Violation(`${where}: reader ${reader} (${file}) stood at ${position} and was given ${start}-${end}`);
  readers.set(reader, Number(end));
  const history = histories[stream];
  const found = history.batches.get(Number(start));
  if (found === undefined && history.endOffset <= Number(start) && !isWhole) return;
  const seen = { endOffset: Number(end), streamEpoch: Number(streamEpoch), mark };
  same(where, `reader ${reader} (${file}) saw`, seen, 'it holds', found);
}

/** Both sides agree on everything that the first one says. */
function same(where, one, told, other, found) {
  const differs = Object.keys(told).some((key) => told[key] !== found?.[key]);
  if (differs) throw new Violation(`${where}: ${one} ${JSON.stringify(told)}; ${other} ${JSON.stringify(found)}`);
}
