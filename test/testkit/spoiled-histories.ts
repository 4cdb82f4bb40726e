// Changes to a history that make it wrong, whatever it is: each looks for a place where it certainly does, and gives
// nothing if there is none.
import type { Random } from '../../src/index.ts';
import type { HistoryVerdict } from '../../src/testkit/history-verdict.ts';
import type {
  History,
  HistoryAppend,
  HistoryLookUp,
  HistoryOperation,
  HistoryRead,
  HistorySeen,
} from '../../src/testkit/history.ts';
import { drawInteger } from '../../src/testkit/seeded-random.ts';

interface Spoiler {
  /** One of these is found. */
  readonly verdicts: readonly HistoryVerdict[];
  readonly spoil: (history: History, random: Random) => History | undefined;
}

function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items[drawInteger(random, items.length)];
}

const replaced = <T extends HistoryOperation>(history: History, was: T, by: Partial<T>): History =>
  history.map((operation) => (operation === was ? { ...operation, ...by } : operation));

const readsOf = (history: History): readonly HistoryRead[] => history.filter((operation) => operation.do === 'read');
const appendsOf = (history: History): readonly HistoryAppend[] =>
  history.filter((operation) => operation.do === 'append');
const isCalm = (history: History, stream: string): boolean =>
  !history.some((other) => other.stream === stream && ['give-up', 'trim', 'delete'].includes(other.do));
const triesOf = (history: History, id: string): readonly HistoryAppend[] =>
  appendsOf(history).filter(({ batches }) => batches.some((batch) => batch.id === id));
const lastTime = (history: History): number => Math.max(0, ...history.map(({ answeredAt = 0 }) => answeredAt));

/** Changes one read among those that offer a place for it. */
function inRead(
  verdicts: readonly HistoryVerdict[],
  change: (read: HistoryRead, history: History, random: Random) => Partial<HistoryRead> | undefined,
): Spoiler {
  const spoil: Spoiler['spoil'] = (history, random) => {
    const changes = readsOf(history).flatMap((read) => {
      const by = change(read, history, random);
      return by === undefined ? [] : [[read, by] as const];
    });
    const picked = pick(changes, random);
    return picked && replaced(history, ...picked);
  };
  return { verdicts, spoil };
}

/** Changes one batch among those that were seen. */
function inSeen(
  verdicts: readonly HistoryVerdict[],
  change: (seen: HistorySeen, history: History, read: HistoryRead) => Partial<HistorySeen> | undefined,
): Spoiler {
  return inRead(verdicts, (read, history, random) => {
    const was = pick(read.seen, random);
    const by = was && change(was, history, read);
    return by && { seen: read.seen.map((seen) => (seen === was ? { ...seen, ...by } : seen)) };
  });
}

/** Adds an operation before a read, which is wrong with it. */
function beforeRead(
  verdicts: readonly HistoryVerdict[],
  make: (read: HistoryRead, first: HistorySeen) => HistoryOperation,
): Spoiler {
  const spoil: Spoiler['spoil'] = (history, random) => {
    const read = pick(
      readsOf(history).filter(({ seen, mayLag }) => seen.length > 0 && mayLag !== true),
      random,
    );
    const [first] = read?.seen ?? [];
    return read && first && [...history, make(read, first)];
  };
  return { verdicts, spoil };
}

export const spoilers: Readonly<Record<string, Spoiler>> = {
  'a batch that is left out of a read': inRead(['gap'], ({ seen }) => {
    return seen.length < 3 ? undefined : { seen: seen.toSpliced(1, 1) };
  }),
  'two batches that are swapped': inRead(['misplaced', 'duplicated', 'torn'], ({ seen }, history) => {
    const [one, other, ...rest] = seen;
    if (one === undefined || other === undefined) return undefined;
    const isKnown = [one, other].some(({ id }) => triesOf(history, id).some(({ outcome }) => outcome === 'ok'));
    if (!isKnown || !isCalm(history, history.find((own) => 'seen' in own && own.seen === seen)?.stream ?? ''))
      return undefined;
    return { seen: [{ ...one, id: other.id }, { ...other, id: one.id }, ...rest] };
  }),
  'an end that is lost': inRead(['lost', 'stale'], (read, history) => {
    const last = read.seen.at(-1);
    if (last === undefined || read.mayLag === true || !isCalm(history, read.stream)) return undefined;
    const acknowledged = triesOf(history, last.id).some(
      ({ outcome, answeredAt = 0 }) => outcome === 'ok' && answeredAt <= read.calledAt,
    );
    return acknowledged ? { seen: read.seen.slice(0, -1), endOffset: last.startOffset } : undefined;
  }),
  'bytes that are not whole': inSeen(['torn'], () => ({ isWhole: false })),
  'a batch with a record more': inSeen(['torn'], ({ endOffset }) => ({ endOffset: endOffset + 1 })),
  'a batch of nobody': inSeen(['phantom'], () => ({ id: 'nobody' })),
  'a batch of another stream': inSeen(['phantom', 'resurrected'], (_, history, { stream }) => {
    const other = appendsOf(history).find((append) => append.stream !== stream);
    return other === undefined ? undefined : { id: other.batches[0]?.id ?? '' };
  }),
  'a start that no trim explains': inRead(['trimmed-early'], (read, history) => {
    const trims = history.filter((other) => other.do === 'trim' && other.stream === read.stream);
    const highest = Math.max(0, ...trims.map((other) => (other.do === 'trim' ? other.startOffset : 0)));
    const isDeleted = history.some((other) => other.do === 'delete' && other.stream === read.stream);
    return isDeleted ? undefined : { startOffset: highest + 1, endOffset: Math.max(read.endOffset, highest + 1) };
  }),
  'an end that goes back': inRead(['non-monotonic'], (read, history) => {
    if (!isCalm(history, read.stream)) return undefined;
    const before = readsOf(history).some(({ client, stream, answeredAt = Infinity, endOffset }) => {
      return client === read.client && stream === read.stream && answeredAt <= read.calledAt && endOffset > 0;
    });
    return before ? { from: 0, seen: [], endOffset: 0 } : undefined;
  }),
  'a read that was never answered': inRead(['unanswered'], () => ({ answeredAt: undefined })),
  'an append that had failed': {
    verdicts: ['aborted-read'],
    spoil: (history, random) => {
      const seen = new Set(readsOf(history).flatMap((read) => read.seen.map(({ id }) => id)));
      const candidates = appendsOf(history).filter(({ batches }) => {
        return batches.some(({ id }) => seen.has(id) && triesOf(history, id).length === 1);
      });
      const append = pick(candidates, random);
      return append && replaced(history, append, { outcome: 'none' });
    },
  },
  'offsets that were told wrong': {
    verdicts: ['misplaced', 'duplicated'],
    spoil: (history, random) => {
      const seen = new Set(readsOf(history).flatMap((read) => read.seen.map(({ id }) => id)));
      const candidates = appendsOf(history).filter(({ batches, outcome, stream }) => {
        return outcome === 'ok' && seen.has(batches[0]?.id ?? '') && isCalm(history, stream);
      });
      const append = pick(candidates, random);
      if (append?.startOffset === undefined || append.endOffset === undefined) return undefined;
      return replaced(history, append, { startOffset: append.startOffset + 1, endOffset: append.endOffset + 1 });
    },
  },
  'a range that does not match the counts': {
    verdicts: ['torn'],
    spoil: (history, random) => {
      const append = pick(
        appendsOf(history).filter(({ outcome }) => outcome === 'ok'),
        random,
      );
      return append && replaced(history, append, { endOffset: (append.endOffset ?? 0) + 1 });
    },
  },
  'an offset that is given again': {
    verdicts: ['overwritten'],
    spoil: (history, random) => {
      const candidates = appendsOf(history).filter(
        ({ outcome, stream }) => outcome === 'ok' && isCalm(history, stream),
      );
      const append = pick(candidates, random);
      const calledAt = lastTime(history) + 1;
      const again = { client: 'x', calledAt, answeredAt: calledAt + 1, batches: [{ id: 'again', count: 1 }] };
      return append && [...history, { ...append, ...again, endOffset: (append.startOffset ?? 0) + 1 }];
    },
  },
  'a batch that is read at a second place': {
    verdicts: ['duplicated', 'misplaced'],
    spoil: (history, random) => {
      const candidates = readsOf(history).filter(({ seen, stream }) => seen.length > 0 && isCalm(history, stream));
      const read = pick(candidates, random);
      const [first] = read?.seen ?? [];
      if (read === undefined || first === undefined) return undefined;
      const { startOffset, endOffset } = first;
      const seen = [{ ...first, startOffset: endOffset, endOffset: 2 * endOffset - startOffset }];
      const calledAt = lastTime(history) + 1;
      const times = { calledAt, answeredAt: calledAt + 1 };
      return [...history, { ...read, ...times, client: 'x', from: endOffset, seen, endOffset: read.endOffset }];
    },
  },
  'two acknowledged batches in the wrong order': {
    verdicts: ['reordered'],
    spoil: (history) => swappedNeighbours(history),
  },
  'bytes below a trim': beforeRead(['resurrected'], ({ stream, calledAt }, { endOffset: startOffset }) => {
    const times = { calledAt: calledAt - 0.75, answeredAt: calledAt - 0.25 };
    return { do: 'trim', client: 'x', stream, ...times, startOffset, outcome: 'ok' };
  }),
  'bytes of a deleted stream': beforeRead(['resurrected'], ({ stream, calledAt }) => {
    const times = { calledAt: calledAt - 0.75, answeredAt: calledAt - 0.25 };
    return { do: 'delete', client: 'x', stream, ...times, outcome: 'ok' };
  }),
  'a look-up that passes something over': {
    verdicts: ['misdated'],
    spoil: (history, random) => {
      const candidates = history.filter((other): other is HistoryLookUp => {
        if (other.do !== 'look-up' || other.offset === undefined || !isCalm(history, other.stream)) return false;
        return other.mayLag !== true && isCertainAt(history, other);
      });
      const found = pick(candidates, random);
      return found && replaced(history, found, { offset: undefined });
    },
  },
};

/** Whether what was found had been acknowledged when the look-up was called. */
function isCertainAt(history: History, { stream, offset, calledAt }: HistoryLookUp): boolean {
  return appendsOf(history).some((append) => {
    const isBefore = append.outcome === 'ok' && (append.answeredAt ?? Infinity) <= calledAt;
    return isBefore && append.stream === stream && append.startOffset === offset;
  });
}

/** Two neighbours of one size change places in all that was told and seen, though one came after the other. */
function swappedNeighbours(history: History): History | undefined {
  const single = appendsOf(history).filter(({ batches, outcome, stream }) => {
    const [{ id } = { id: '' }] = batches;
    return outcome === 'ok' && batches.length === 1 && isCalm(history, stream) && triesOf(history, id).length === 1;
  });
  for (const a of single) {
    const b = single.find((other) => other.stream === a.stream && other.startOffset === a.endOffset);
    const [[one], [other]] = [a.batches, b?.batches ?? []];
    if (b === undefined || one?.count !== other?.count || (a.answeredAt ?? Infinity) > b.calledAt) continue;
    const swap = (id: string): string => (id === one?.id ? (other?.id ?? '') : id === other?.id ? (one?.id ?? '') : id);
    return history.map((operation): HistoryOperation => {
      if (operation === a) return { ...a, startOffset: b.startOffset, endOffset: b.endOffset };
      if (operation === b) return { ...b, startOffset: a.startOffset, endOffset: a.endOffset };
      if (operation.do !== 'read') return operation;
      return { ...operation, seen: operation.seen.map((seen) => ({ ...seen, id: swap(seen.id) })) };
    });
  }
  return undefined;
}
