// The batches of a history: who wanted to append them, and where each was told or seen to be. What is not certain is
// not assumed: a batch has a place only if an acknowledgement or a read gave it one.
import { wrongArgument } from './wrong-argument.ts';
import { answerTime } from './history-facts.ts';
import type { Place, StreamHistory, TrackedBatch } from './history-stream.ts';
import type { FindingList, HistoryEntry } from './history-verdict.ts';

/** A place that must be shown: from `since` on to whoever may not lag, until what is there was given up. */
export interface Certainty {
  readonly place: Place;
  readonly since: number;
  readonly lapsesAt: number;
  readonly witness: HistoryEntry;
}

/** A batch is written down at no more places: it is wrong from the second on. */
const placesMax = 8;

/** All batches by id. Throws a TypeError if two batches have one id. */
export function batchesOf(streams: ReadonlyMap<string, StreamHistory>): ReadonlyMap<string, TrackedBatch> {
  const batches = new Map<string, TrackedBatch>();
  for (const stream of streams.values()) {
    for (const entry of stream.appends) {
      const { operation, index } = entry;
      for (const [order, { id, count, timestamp }] of operation.batches.entries()) {
        let batch = batches.get(id);
        if (batch === undefined) {
          batch = { id, count, timestamp, stream, tries: [], order, firstCalledAt: Infinity, places: [] };
          batches.set(id, batch);
          stream.batches.push(batch);
        } else if (batch.stream !== stream || batch.count !== count || batch.tries.at(-1)?.index === index) {
          throw wrongArgument(
            `operation ${index} of the history: the id ${id} is that of another batch, of operation ` +
              `${batch.tries[0]?.index}; only a retry, to the same stream and with the same count, has the same id`,
          );
        }
        batch.tries.push(entry);
        if (operation.outcome !== 'none') batch.firstCalledAt = Math.min(batch.firstCalledAt, operation.calledAt);
      }
    }
  }
  return batches;
}

/** Writes down the places that were acknowledged; gives what is certain by that. Finds ranges that do not match. */
export function placeAcknowledged(
  stream: StreamHistory,
  batches: ReadonlyMap<string, TrackedBatch>,
  findings: FindingList,
): readonly Certainty[] {
  const certainties: Certainty[] = [];
  for (const entry of stream.appends) {
    const { operation } = entry;
    const { outcome, startOffset, endOffset, calledAt } = operation;
    if (outcome !== 'ok' || startOffset === undefined || endOffset === undefined) continue;
    const told = `${stream.name} was told [${startOffset}, ${endOffset})`;
    const count = operation.batches.reduce((sum, batch) => sum + batch.count, 0);
    if (endOffset - startOffset !== count) {
      findings.add('torn', `an append of ${count} records to ${told}`, entry);
      continue;
    }
    const recordsMax = stream.facts.recordsBy(answerTime(entry));
    if (endOffset > recordsMax) {
      const known = `all appends until then have ${recordsMax} records`;
      findings.add('gap', `an append to ${told}, though ${known}: nobody has some offset before it`, entry);
    }
    let at = startOffset;
    for (const { id } of operation.batches) {
      const batch = batches.get(id);
      if (batch === undefined) continue;
      const place = placeAt(batch, at, entry);
      at += batch.count;
      if (place === undefined) continue;
      place.acknowledgement ??= entry;
      const lapsesAt = stream.facts.givenUp(place.endOffset, calledAt)?.operation.calledAt ?? Infinity;
      certainties.push({ place, since: answerTime(entry), lapsesAt, witness: entry });
    }
  }
  return certainties;
}

/** The place of a batch that starts at this offset, which this operation says. */
export function placeAt(batch: TrackedBatch, startOffset: number, witness: HistoryEntry): Place | undefined {
  const at = answerTime(witness);
  let place = batch.places.find((other) => other.startOffset === startOffset);
  if (place === undefined) {
    if (batch.places.length >= placesMax) return undefined;
    const endOffset = startOffset + batch.count;
    place = {
      ...{ batch, startOffset, endOffset, witness, firstAt: at, lastAt: at, lastShownAt: -Infinity },
      ...{ acknowledgement: undefined, sighting: undefined, certainUntil: undefined },
    };
    batch.places.push(place);
  }
  place.firstAt = Math.min(place.firstAt, at);
  place.lastAt = Math.max(place.lastAt, at);
  return place;
}

/**
 * Whether both of two places, which exclude each other, can have been: one before somebody gave up what was there, the
 * other after it.
 */
export function isGivenUpBetween(one: Place, other: Place): boolean {
  return isReplaced(one, other) || isReplaced(other, one);
}

function isReplaced(before: Place, after: Place): boolean {
  const { facts } = before.batch.stream;
  if (!facts.hasGiveUps) return false;
  const giveUp = facts.givenUp(before.endOffset, before.batch.firstCalledAt);
  return giveUp !== undefined && giveUp.operation.calledAt < after.lastAt;
}
