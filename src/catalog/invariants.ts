// The invariants of the state, as far as one state, or two of one history, can show them (docs/invariants.md numbers
// them). Pure and slow: tests call them after every record; a replica asks them of a snapshot that it read back, before
// the journal names it.
import type { CatalogState, ObjectState, StreamState } from './state.ts';

/** What is wrong with a state, one sentence for each find; nothing when it is sound. */
export function checkState(state: CatalogState): readonly string[] {
  return [...checkInSlices(state)].flat();
}

/** The same, slice by slice: a caller on an event loop lets it turn between two. */
export function* checkInSlices(state: CatalogState): Generator<readonly string[], void> {
  let findings: string[] = [];
  const report = (finding: string): void => void findings.push(finding);
  checkNodes(state, report);
  checkWriters(state, report);
  checkKv(state, report);
  const live = new Map<number, { count: number; bytes: number }>();
  let partCount = 0;
  for (const stream of state.streams()) {
    checkIdentity(state, stream, report);
    checkParts(stream, report);
    checkRanges(stream, report);
    countParts(stream, live);
    partCount += 1 + stream.parts.length;
    if (partCount < slicePartCount) continue;
    yield findings;
    findings = [];
    partCount = 0;
  }
  checkObjects(state, live, report);
  yield findings;
}

/** Streams and parts looked at in one slice: about a millisecond. */
const slicePartCount = 5_000;

type Report = (finding: string) => void;

/** I4: an epoch writes for itself only where no older one of its node is owed: both would give the same offsets. */
function checkNodes(state: CatalogState, report: Report): void {
  const seen = new Set<number>();
  for (const { name, current, unrecovered, lastEpoch, closedEpoch } of state.nodes()) {
    for (const epoch of [current, unrecovered]) {
      if (epoch === undefined) continue;
      if (seen.has(epoch.epoch)) report(`I13 epoch ${epoch.epoch} stands in two places`);
      seen.add(epoch.epoch);
      if (epoch.node !== name || state.nodeOfEpoch(epoch.epoch) !== name)
        report(`I13 epoch ${epoch.epoch} of ${name} was granted to another node`);
      if (epoch.epoch > state.index || epoch.epoch > lastEpoch) report(`I4 epoch ${epoch.epoch} is not granted yet`);
      if (state.epoch(epoch.epoch) !== epoch) report(`I4 epoch ${epoch.epoch} cannot be found by its number`);
      if (state.sealedAt(epoch.epoch) !== undefined) report(`I4 epoch ${epoch.epoch} is recovered and not over`);
    }
    if (current !== undefined && (current.status === 'open') !== (unrecovered === undefined))
      report(`I4 ${name} is ${current.status} while ${unrecovered === undefined ? 'nothing' : 'an epoch'} is owed`);
    if (current !== undefined && current.epoch !== lastEpoch)
      report(`I4 ${name} has a newer epoch than its current one`);
    if (unrecovered?.status === 'recovering') report(`I4 ${name} owes an epoch that never was open`);
    if (closedEpoch !== undefined && current !== undefined)
      report(`I14 ${name} keeps an answer for an epoch long over`);
  }
}

/** I14: an answer is kept while its writer may still ask, and no longer; else the state would only grow. */
function checkWriters(state: CatalogState, report: Report): void {
  const asking = new Set<number | string>();
  for (const { current, unrecovered, closedEpoch } of state.nodes()) {
    for (const epoch of [current, unrecovered]) if (epoch !== undefined) asking.add(epoch.epoch).add(epoch.nonce);
    if (closedEpoch !== undefined) asking.add(closedEpoch);
  }
  for (const writer of state.tables.nodes.writers.keys())
    if (!asking.has(writer)) report(`I14 writer ${writer} is over and has an answer kept`);
}

/** I13: two values under one version would let a conditional write go through that should not. */
function checkKv(state: CatalogState, report: Report): void {
  const versions = new Set<number>();
  let previous: string | undefined;
  for (const { key, version } of state.kvEntries()) {
    if (versions.has(version) || version > state.kvVersion || version < 1) report(`I13 version ${version} of '${key}'`);
    versions.add(version);
    if (previous !== undefined && !(previous < key)) report(`kv keys are out of order at '${key}'`);
    previous = key;
  }
}

/** I13: an id or a name that stands for two streams would mix their records. */
function checkIdentity(state: CatalogState, stream: StreamState, report: Report): void {
  const { id, name, ownerEpoch, streamEpoch } = stream;
  if (id >= state.nextStreamId) report(`I13 stream ${id} has an id that was not given yet`);
  if (name !== undefined && state.streamByName(name) !== stream) report(`I13 stream ${id} is not found by its name`);
  if (ownerEpoch > state.index) report(`I4 stream ${id} is owned by an epoch that was not granted yet`);
  if (streamEpoch < 1) report(`I13 stream ${id} has no epoch`);
}

/** I1, I2: what lies between start and registered end is in the parts, without a gap and without an overlap. */
function checkParts({ id, parts, startOffset, endOffset }: StreamState, report: Report): void {
  if (startOffset >= endOffset) {
    if (parts.length > 0) report(`I1 stream ${id} has nothing to read and has parts`);
    return;
  }
  if (parts.length === 0) return report(`I1 stream ${id} has records to read and no part`);
  const first = parts.at(0);
  if (first.startOffset > startOffset) report(`I1 stream ${id} starts at ${startOffset}, its parts only later`);
  if (first.endOffset <= startOffset) report(`I7 stream ${id} keeps a part that is wholly trimmed`);
  let end = first.startOffset;
  for (let i = 0; i < parts.length; i++) {
    const part = parts.at(i);
    if (part.startOffset !== end || part.endOffset <= part.startOffset)
      report(`I2 stream ${id} has a part [${part.startOffset}, ${part.endOffset}) after ${end}`);
    end = part.endOffset;
  }
  if (end !== endOffset) report(`I2 stream ${id} ends at ${endOffset}, its parts at ${end}`);
}

/** I3: the epoch of every readable record is known, or a follower could not tell where its history ends. */
function checkRanges({ id, ranges, startOffset, endOffset, streamEpoch }: StreamState, report: Report): void {
  if (startOffset >= endOffset) {
    if (ranges.length > 0) report(`I3 stream ${id} has nothing to read and has ranges`);
    return;
  }
  if (ranges.length === 0) return report(`I3 stream ${id} has records to read and no range`);
  if (ranges.at(0).startOffset > startOffset) report(`I3 stream ${id} has records of no epoch`);
  if (ranges.at(0).endOffset <= startOffset) report(`I3 stream ${id} keeps a range that is wholly trimmed`);
  let epoch = 0;
  for (let i = 0; i < ranges.length; i++) {
    const range = ranges.at(i);
    if (range.streamEpoch <= epoch || range.endOffset <= range.startOffset)
      report(`I3 stream ${id} has its ranges out of order at epoch ${range.streamEpoch}`);
    epoch = range.streamEpoch;
  }
  if (epoch > streamEpoch) report(`I4 stream ${id} has records of an epoch that was not granted yet`);
  if (ranges.at(ranges.length - 1).endOffset !== endOffset) report(`I3 stream ${id} ends after its last range`);
}

function countParts({ parts }: StreamState, live: Map<number, { count: number; bytes: number }>): void {
  for (let i = 0; i < parts.length; i++) {
    const { object, sizeBytes } = parts.at(i);
    const sum = live.get(object) ?? { count: 0, bytes: 0 };
    live.set(object, { count: sum.count + 1, bytes: sum.bytes + sizeBytes });
  }
}

/** I6, I7: what parts refer to is live, what nothing refers to is retired: the sweeper believes both. */
function checkObjects(state: CatalogState, live: Map<number, { count: number; bytes: number }>, report: Report): void {
  for (const object of state.objects()) {
    const sum = live.get(object.id);
    if (sum === undefined) report(`I7 object ${object.id} is live and nothing refers to it`);
    else if (sum.count !== object.livePartCount || sum.bytes !== object.liveBytes)
      report(`I7 object ${object.id} counts ${object.livePartCount} parts, of ${object.liveBytes} bytes`);
    if (object.retiredAt !== undefined) report(`I7 object ${object.id} is live and retired`);
    checkOrigin(state, object, report);
    live.delete(object.id);
  }
  for (const id of live.keys()) report(`I6 object ${id} is referred to and not live`);
  for (const object of state.retired()) {
    if (object.livePartCount !== 0 || object.liveBytes !== 0 || object.retiredAt === undefined)
      report(`I7 object ${object.id} is retired and not empty`);
    checkOrigin(state, object, report);
  }
}

/** I13: a sequence names one object for ever. A WAL object is named only by the change that releases it (R1). */
function checkOrigin(state: CatalogState, object: ObjectState, report: Report): void {
  const { id, family, writerEpoch, sequence, node } = object;
  if (state.objectByOrigin(family, writerEpoch, sequence) !== object)
    report(`I13 object ${id} shares ${family}/${node}-${writerEpoch}/${sequence} with another`);
  if (state.nodeOfEpoch(writerEpoch) !== node) report(`I13 object ${id} names a writer that never was`);
  const released = state.epoch(writerEpoch)?.released ?? state.appliedBelow(writerEpoch);
  if (family === 'wal' && released !== undefined && sequence >= released)
    report(`R1 WAL object ${id} is registered at ${sequence}, and only what is below ${released} is released`);
}

/** What of a state may only go forward. */
export interface Progress {
  readonly index: number;
  readonly rules: number;
  readonly nextStreamId: number;
  readonly nextObjectId: number;
  readonly kvVersion: number;
  readonly streams: ReadonlyMap<number, Pick<StreamState, 'startOffset' | 'endOffset' | 'streamEpoch'>>;
  readonly epochs: ReadonlyMap<number, { readonly released: number; readonly settledBelow: number }>;
  readonly seals: ReadonlyMap<number, number>;
}

/** Takes down what of a state may only go forward. */
export function progressOf(state: CatalogState): Progress {
  const epochs = [...state.nodes()].flatMap(({ current, unrecovered }) => [current, unrecovered]);
  return {
    index: state.index,
    rules: state.rules,
    nextStreamId: state.nextStreamId,
    nextObjectId: state.tables.objects.nextId,
    kvVersion: state.kvVersion,
    streams: new Map(
      [...state.streams()].map(({ id, startOffset, endOffset, streamEpoch }) => [
        id,
        { startOffset, endOffset, streamEpoch },
      ]),
    ),
    epochs: new Map(
      epochs.flatMap((epoch) =>
        epoch === undefined ? [] : [[epoch.epoch, { released: epoch.released, settledBelow: epoch.settledBelow }]],
      ),
    ),
    seals: new Map(
      [...state.tables.nodes.ledger.rows()].flatMap(([epoch, , sealedAt]) =>
        Number.isNaN(sealedAt) ? [] : [[epoch, sealedAt]],
      ),
    ),
  };
}

/** I5, I4, I13: what of `later` lies behind `earlier`, of the same history; nothing when it is sound. */
export function checkProgress(earlier: Progress, later: CatalogState): readonly string[] {
  const findings: string[] = [];
  const now = progressOf(later);
  const check = (what: string, before: number, after: number | undefined): void => {
    if (after !== undefined && after < before) findings.push(`I5 ${what} went back from ${before} to ${after}`);
  };
  for (const counter of ['index', 'rules', 'nextStreamId', 'nextObjectId', 'kvVersion'] as const)
    check(counter, earlier[counter], now[counter]);
  for (const [id, before] of earlier.streams) {
    const after = now.streams.get(id);
    for (const field of ['startOffset', 'endOffset', 'streamEpoch'] as const)
      check(`${field} of stream ${id}`, before[field], after?.[field]);
  }
  for (const id of now.streams.keys())
    if (id < earlier.nextStreamId && !earlier.streams.has(id)) findings.push(`I13 stream ${id} came back`);
  for (const [epoch, before] of earlier.epochs) {
    const after = now.epochs.get(epoch);
    check(`released position of epoch ${epoch}`, before.released, after?.released ?? now.seals.get(epoch));
    check(`watermark of epoch ${epoch}`, before.settledBelow, after?.settledBelow);
  }
  for (const epoch of now.epochs.keys())
    if (epoch <= earlier.index && !earlier.epochs.has(epoch)) findings.push(`I4 epoch ${epoch} came back`);
  for (const [epoch, sealedAt] of earlier.seals)
    if (now.seals.get(epoch) !== sealedAt) findings.push(`W2 epoch ${epoch} was sealed at ${sealedAt} and is not now`);
  return findings;
}
