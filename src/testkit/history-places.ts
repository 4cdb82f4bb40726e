// Where batches stand, against each other: each in one place, no two in the same, and in the order in which they were
// appended. Places that exclude each other are right if somebody gave up the one before the other was given.
import { isGivenUpBetween } from './history-batches.ts';
import { answerTime } from './history-facts.ts';
import type { Place, StreamHistory, TrackedBatch } from './history-stream.ts';
import type { FindingList, HistoryEntry } from './history-verdict.ts';
import type { HistoryAppend } from './history.ts';

/** Judges the places of all batches of a stream. */
export function checkPlaces(stream: StreamHistory, findings: FindingList): void {
  for (const batch of stream.batches) checkOnePlace(batch, findings);
  checkOverlaps(stream, findings);
  checkOrderOfCalls(stream, findings);
  checkOrderOfClients(stream, findings);
  checkOrderInCalls(stream, findings);
}

function checkOnePlace(batch: TrackedBatch, findings: FindingList): void {
  const { id, places, stream } = batch;
  const [first] = places;
  if (first === undefined) return;
  for (const other of places.slice(1)) {
    if (isGivenUpBetween(first, other)) continue;
    const where = `${id} of ${stream.name} is at ${first.startOffset} and at ${other.startOffset}`;
    // Told one place and seen only at another; or two places, whoever said so.
    const isMisplaced = first.sighting === undefined && other.acknowledgement === undefined;
    if (isMisplaced) findings.add('misplaced', where, first.witness, other.witness);
    else findings.add('duplicated', where, first.witness, other.witness);
  }
}

/** Places that a place is compared with, of those that begin before it and reach into it. */
const openMax = 16;

function checkOverlaps({ name, batches }: StreamHistory, findings: FindingList): void {
  let open: Place[] = [];
  for (const place of sortedPlaces(batches)) {
    open = open.filter(({ endOffset }) => endOffset > place.startOffset).slice(-openMax);
    for (const other of open) {
      if (other.batch === place.batch || isGivenUpBetween(other, place)) continue;
      const message = `${shownPlace(other)} and ${shownPlace(place)} of ${name} overlap`;
      findings.add('overwritten', message, other.witness, place.witness);
    }
    if (findings.isFull('overwritten')) return;
    open.push(place);
  }
}

function sortedPlaces(batches: readonly TrackedBatch[]): readonly Place[] {
  const places = batches.flatMap((batch) => batch.places);
  return places.sort((a, b) => a.startOffset - b.startOffset || a.endOffset - b.endOffset);
}

function shownPlace({ batch, startOffset, endOffset }: Place): string {
  return `${batch.id} at [${startOffset}, ${endOffset})`;
}

/** A batch with one place, and the call that put it there. */
interface Standing {
  readonly place: Place;
  readonly call: HistoryEntry<HistoryAppend>;
}

/**
 * The highest place so far, apart for those that are given up at different times: what was given up says nothing of
 * what comes after it.
 */
class Highest {
  readonly #byLapse = new Map<number, Standing>();

  add(standing: Standing): void {
    const { place, call } = standing;
    const { facts } = place.batch.stream;
    const lapsesAt = facts.givenUp(place.endOffset, call.operation.calledAt)?.operation.calledAt ?? Infinity;
    const highest = this.#byLapse.get(lapsesAt);
    if (highest === undefined || place.startOffset > highest.place.startOffset) this.#byLapse.set(lapsesAt, standing);
  }

  /** One that stands above this place, which comes after all of them. */
  above({ startOffset, firstAt, batch }: Place): Standing | undefined {
    for (const [lapsesAt, highest] of this.#byLapse) {
      const { place } = highest;
      if (firstAt <= lapsesAt && place.startOffset > startOffset && place.batch !== batch) return highest;
    }
    return undefined;
  }
}

/** A batch whose append was answered before another one was called stands before it. */
function checkOrderOfCalls({ batches }: StreamHistory, findings: FindingList): void {
  const answered: Standing[] = [];
  for (const batch of batches) {
    const [place] = batch.places;
    if (place === undefined || batch.places.length > 1) continue;
    // Of several tries the one that was answered first, with success, says that it is there.
    const ok = batch.tries.filter(({ operation }) => operation.outcome === 'ok');
    const call = ok.toSorted((a, b) => answerTime(a) - answerTime(b))[0];
    if (call !== undefined) answered.push({ place, call });
  }
  answered.sort((a, b) => answerTime(a.call) - answerTime(b.call));
  const placed = batches.filter(({ places }) => places.length === 1);
  placed.sort((a, b) => a.firstCalledAt - b.firstCalledAt);
  const highest = new Highest();
  let next = 0;
  for (const batch of placed) {
    for (; next < answered.length; next++) {
      const standing = answered[next];
      if (standing === undefined || answerTime(standing.call) > batch.firstCalledAt) break;
      highest.add(standing);
    }
    addReordered(batch, highest, 'was appended after', findings);
  }
}

/** Of two appends of one client, each tried once, the batches of the later call stand after those of the earlier. */
function checkOrderOfClients({ appends, batches }: StreamHistory, findings: FindingList): void {
  const once = new Map<number, TrackedBatch[]>();
  for (const batch of batches) {
    const [call] = batch.tries;
    if (call === undefined || batch.tries.length > 1 || batch.places.length !== 1) continue;
    const ofCall = once.get(call.index) ?? [];
    once.set(call.index, ofCall);
    ofCall.push(batch);
  }
  const clients = new Map<string, { readonly highest: Highest; calledAt: number; waiting: Standing[] }>();
  for (const call of appends) {
    const { client, calledAt, outcome } = call.operation;
    const state = clients.get(client) ?? { highest: new Highest(), calledAt, waiting: [] };
    clients.set(client, state);
    if (calledAt > state.calledAt) {
      for (const standing of state.waiting) state.highest.add(standing);
      state.waiting = [];
      state.calledAt = calledAt;
    }
    for (const batch of once.get(call.index) ?? []) {
      addReordered(batch, state.highest, 'was called later by the same client than', findings);
      const [place] = batch.places;
      // Of one whose outcome is unknown nobody knows when it came.
      if (outcome === 'ok' && place !== undefined) state.waiting.push({ place, call });
    }
  }
}

function addReordered(batch: TrackedBatch, highest: Highest, how: string, findings: FindingList): void {
  const [place] = batch.places;
  const [call] = batch.tries;
  if (place === undefined || call === undefined) return;
  const above = highest.above(place);
  if (above === undefined) return;
  const message = `${shownPlace(place)} of ${batch.stream.name} ${how} ${shownPlace(above.place)}`;
  findings.add('reordered', message, above.call, above.place.witness, call, place.witness);
}

/** Batches of one call stand in its order, if they stand anywhere. */
function checkOrderInCalls({ batches, name }: StreamHistory, findings: FindingList): void {
  let before: TrackedBatch | undefined;
  for (const batch of batches) {
    const [place] = batch.places;
    if (place === undefined || batch.places.length > 1) continue;
    const [was] = before?.places ?? [];
    const [call] = batch.tries;
    const isOneCall = call !== undefined && batch.tries.length === 1 && before?.tries[0]?.index === call.index;
    if (isOneCall && before?.tries.length === 1 && was !== undefined && was.startOffset > place.startOffset) {
      const message = `${shownPlace(place)} of ${name} came after ${shownPlace(was)} in one append`;
      findings.add('reordered', message, call, was.witness, place.witness);
    }
    before = batch;
  }
}
