// The side of recovery of the object WAL: finds the end of a past epoch's WAL, and makes it the end for ever.
//
// - The end is the first slot, counted from the released position, that holds a seal. Only a seal that was stored
//   if-absent, or read, decides it. A LIST is a hint: where to look, and what may have been lost.
// - Slots are filled once. Of a writer that lives and a seal, one gets the slot; the other one reads who it was.
// - Before a missing segment is believed, the state is read again: another recoverer may have finished, and a sweeper
//   may have deleted what is below (W1, W2).
// - Before it is sealed, later segments are asked: one that was cut after the missing one was acknowledged proves that
//   the bucket has lost it (OBJECT_CORRUPT). Such a hole is never sealed, or the proof would be buried.
// - A segment that is there and cannot be read stops the recovery; nothing beyond it is sealed.
// - Somebody may decide by hand to give up everything from a position on (`cutAt`). Then damage and loss there are
//   passed over, and only there. The seal stands where it stands without a cut: in the first slot that the writer may
//   not have filled. A seal in a hole that was acknowledged would not stop a writer that lives.
//
// One round: LIST, read the run of directories, look at the state, create the seal. Whatever else turns out on the way
// (a late segment, a faster recoverer, an answer that got lost) is seen by the next round.
import { throwIfAborted } from '../base/abort.ts';
import { mapLimited } from '../base/limiter.ts';
import { invalidArgument, isQanatError, qanatError } from '../model/errors.ts';
import { walInFlightMax } from '../model/limits.ts';
import { WalSlots, type Slot } from './object-wal-slots.ts';
import type { SealedWal, WalRecoveryContext, WalSegment } from './wal.ts';

const readsAtOnceMax = 32;

/** Segments are held unreleased in hundreds; no writer is further ahead than this. */
const leadMax = 65_536;

/** How long rounds may go on without getting anywhere. */
const patienceMs = 120_000;

/** Seals the object WAL of a past epoch. See the contract in wal.ts. */
export async function sealObjectWal(context: WalRecoveryContext): Promise<SealedWal | undefined> {
  const { identity, node, nodeEpoch } = context;
  if (identity.kind !== 'object')
    throw qanatError(
      'WAL_MISSING',
      `the WAL of ${node}, epoch ${nodeEpoch}, is of kind ${identity.kind}, not in the bucket`,
      {
        node,
        nodeEpoch,
        walKind: identity.kind,
        walId: identity.id,
      },
    );
  return new Sealing(context).run();
}

class Sealing {
  readonly #context: WalRecoveryContext;
  readonly #slots: WalSlots;
  /** The first sequence that matters; moves with the state's released position. */
  #released: number;
  /** A dense run of segments from there. Undefined: given up, and lost or not to be read. */
  #segments: (WalSegment | undefined)[] = [];
  #roundsWithoutProgress = 0;
  #lastProgressAt: number;
  /** Segments that appeared after the first round. A dead writer leaves at most `walInFlightMax` of them. */
  #lateCount = 0;
  /** Those that the last round found. */
  #foundCount = 0;
  /** How far ahead of the present position a seal stops a writer that lives, at the least. */
  #lead: number = 2 * walInFlightMax;
  /** There is such a seal: the writer gets no further, and the rounds have an end. */
  #isWriterStopped = false;

  constructor(context: WalRecoveryContext) {
    this.#context = context;
    this.#slots = new WalSlots(context);
    this.#released = context.released;
    this.#lastProgressAt = context.runtime.clock.monotonic();
  }

  async run(): Promise<SealedWal | undefined> {
    this.#checkCut(Infinity);
    for (let round = 1; ; round += 1) {
      throwIfAborted(this.#context.signal);
      const before = this.#position;
      const outcome = await this.#round();
      if (outcome === 'recovered') return undefined;
      if (outcome === 'sealed') return this.#sealed();
      const foundCount = Math.max(0, this.#position - before);
      if (round > 1) this.#lateCount += foundCount;
      this.#foundCount = foundCount;
      await this.#keepPace(foundCount > 0);
    }
  }

  /** The first sequence of which nothing is known. */
  get #position(): number {
    return this.#released + this.#segments.length;
  }

  /** Whether what has come to the present position is given up, whatever there is. */
  get #isCut(): boolean {
    return this.#position >= (this.#context.cutAt ?? Infinity);
  }

  async #round(): Promise<'sealed' | 'recovered' | 'again'> {
    const listed = await this.#slots.list(this.#position);
    const isSealed = (await this.#readRun(listed)) === 'seal';
    const position = this.#position;
    const isClaimed = await this.#isClaimed(position, listed);
    if (isClaimed && typeof (await this.#slots.read(position)) === 'object') return 'again';
    if (isSealed && !isClaimed && !this.#isCutBeyond(position)) return 'sealed';
    const state = await this.#context.reread();
    if ('sealedAt' in state) return 'recovered';
    this.#moveTo(state.released);
    if (this.#position !== position) return 'again';
    if (isClaimed) return this.#passLost(position);
    this.#checkCut(position);
    if (this.#lateCount > walInFlightMax) await this.#stopTheWriter(position);
    return (await this.#slots.createSeal(position)) ? 'sealed' : 'again';
  }

  /** Takes the segments that are there from the present position on, and says what ends them. */
  async #readRun(listed: readonly number[]): Promise<'seal' | 'missing'> {
    const run = listed.filter((sequence, i) => sequence === this.#position + i);
    type Answer = { readonly slot: Slot } | { readonly error: unknown };
    const answers = await mapLimited(run, readsAtOnceMax, async (sequence): Promise<Answer> => {
      try {
        return { slot: await this.#slots.read(sequence) };
      } catch (error) {
        return { error };
      }
    });
    for (const answer of answers) {
      if ('error' in answer) {
        // What lies before it is sound; behind a seal nobody would look.
        if (!this.#isCut || !isDamage(answer.error)) throw answer.error;
        this.#segments.push(undefined);
        continue;
      }
      if (typeof answer.slot === 'string') return answer.slot;
      this.#segments.push(answer.slot.segment);
    }
    return 'missing';
  }

  /**
   * Whether a later segment says that `sequence` was acknowledged: it was cut when all below `durableBelow` were, and
   * segment n + walInFlightMax is not cut before n is. Both grow with the sequence, so the last segment decides.
   */
  async #isClaimed(sequence: number, listed: readonly number[]): Promise<boolean> {
    for (const later of listed.filter((other) => other > sequence).toReversed()) {
      const slot = await this.#slots.readIfSound(later);
      if (typeof slot === 'string') continue;
      return slot.durableBelow > sequence || later >= sequence + walInFlightMax;
    }
    return false;
  }

  /** Another recoverer may have committed a part: what lies below is no longer asked for. */
  #moveTo(released: number): void {
    if (released <= this.#released) return;
    this.#segments = this.#segments.slice(released - this.#released);
    this.#released = released;
    this.#checkCut(Infinity);
  }

  /** A hole that was acknowledged: the end of this recovery, unless it is given up. */
  #passLost(position: number): 'again' {
    if (!this.#isCut) throw this.#lost(position);
    this.#segments.push(undefined);
    return 'again';
  }

  #isCutBeyond(end: number): boolean {
    return (this.#context.cutAt ?? 0) > end;
  }

  /** A cut that is not between the released position and the end is a mistake, found before anything is sealed. */
  #checkCut(end: number): void {
    const { cutAt, node, nodeEpoch } = this.#context;
    if (cutAt === undefined || (cutAt >= this.#released && !this.#isCutBeyond(end))) return;
    const range = end === Infinity ? `begins at ${this.#released}` : `goes from ${this.#released} to ${end}`;
    throw invalidArgument(`cutAt is ${cutAt}, but what is not registered of ${node}, epoch ${nodeEpoch}, ${range}`);
  }

  /**
   * A writer that lives fills slots faster than rounds go. A seal further ahead stops it there at the latest; then
   * what lies between is finite. It ends the WAL only if all slots below it get filled; otherwise it is garbage. It
   * lies as near as it can: as far as the writer may be by now, twice as far each time when that was not enough.
   */
  async #stopTheWriter(position: number): Promise<void> {
    if (this.#isWriterStopped) return;
    const lead = Math.min(leadMax, Math.max(this.#lead, 2 * this.#foundCount));
    this.#isWriterStopped = await this.#slots.createSeal(position + lead);
    this.#lead = 2 * lead;
  }

  async #keepPace(progress: boolean): Promise<void> {
    const now = this.#context.runtime.clock.monotonic();
    if (progress) {
      this.#roundsWithoutProgress = 0;
      this.#lastProgressAt = now;
      return;
    }
    this.#roundsWithoutProgress += 1;
    if (now - this.#lastProgressAt >= patienceMs) {
      const key = this.#slots.key(this.#position);
      const problem = `the WAL could not be sealed at ${key} within ${patienceMs} ms`;
      throw qanatError('STORE_UNAVAILABLE', problem, { operation: 'put', key }, { outcome: 'unknown' });
    }
    await this.#slots.pause(this.#roundsWithoutProgress);
  }

  #lost(sequence: number): Error {
    const key = this.#slots.key(sequence);
    const problem = `${key} is missing: a later segment of this WAL says that it was acknowledged`;
    return qanatError('OBJECT_CORRUPT', problem, { key, position: undefined });
  }

  #sealed(): SealedWal {
    const sealedAt = this.#position;
    const { cutAt = sealedAt } = this.#context;
    const known = this.#segments.filter((segment) => segment !== undefined);
    const segments = known.filter(({ sequence }) => sequence < cutAt);
    const givenUp = known.filter(({ sequence }) => sequence >= cutAt);
    const unreadCount = sealedAt - cutAt - givenUp.length;
    return {
      sealedAt,
      cut: cutAt < sealedAt ? { at: cutAt, segments: givenUp, unreadCount } : undefined,
      segmentsAreObjects: true,
      segments,
      batches: (segment) => this.#slots.batches(segment),
      close: () => Promise.resolve(),
    };
  }
}

function isDamage(error: unknown): boolean {
  return isQanatError(error, 'OBJECT_CORRUPT') || isQanatError(error, 'FORMAT_UNSUPPORTED');
}
