// WALs that are wrong on purpose, each in one way that has lost data somewhere. The WAL suite must fail every one.
import { decodeFooter, footerSizeBytes } from '../../src/format/data-object.ts';
import { decodeWhole, readDirectory } from '../../src/format/object-directory.ts';
import { epochPrefix, objectKey } from '../../src/model/object-key.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { objectWal } from '../../src/wal/object-wal.ts';
import type { SealedWal, WalContext, WalFactory, WalRecoveryContext, WalSegment } from '../../src/wal/wal.ts';

/** The object WAL with another writer. */
function withWriter(change: (context: WalContext) => WalContext): WalFactory {
  const right = objectWal();
  return { ...right, open: (context) => right.open(change(context)) };
}

/** The object WAL with another recoverer. */
function withRecoverer(seal: WalFactory['seal']): WalFactory {
  return { ...objectWal(), seal };
}

/** A store with another put. */
function withPut(store: ObjectStore, put: ObjectStore['put']): ObjectStore {
  return {
    put,
    get: (key, options) => store.get(key, options),
    list: (options) => store.list(options),
    delete: (keys, options) => store.delete(keys, options),
  };
}

/** Says 'durable' when the PUT is sent, not when it is answered. */
const eager = withWriter((context) => {
  const { store } = context;
  const put: ObjectStore['put'] = (key, body, options) => {
    store.put(key, body, options).catch(() => {});
    return Promise.resolve({ outcome: 'stored', etag: 'sent' });
  };
  return { ...context, store: withPut(store, put) };
});

/** Reports segments in the order in which they are stored. */
const disorderly = withWriter((context) => {
  const { store, sink } = context;
  const stored = new Set<number>();
  const held = new Map<number, { count: number; segment: WalSegment }>();
  let reported = 0;
  const report = (sequence: number): void => {
    const waiting = held.get(sequence);
    if (waiting === undefined || !stored.has(sequence)) return;
    held.delete(sequence);
    sink.durable(waiting.count, { ...waiting.segment, sequence: reported++ });
  };
  const really = async (...[key, body, options]: Parameters<ObjectStore['put']>): Promise<void> => {
    const { sequence } = decodeFooter(body.subarray(-footerSizeBytes), { key, size: body.byteLength });
    await store.put(key, body, options);
    stored.add(sequence);
    report(sequence);
  };
  const put: ObjectStore['put'] = (...request) => {
    void really(...request);
    return Promise.resolve({ outcome: 'stored', etag: 'sent' });
  };
  const durable = (count: number, segment: WalSegment): void => {
    held.set(segment.sequence, { count, segment });
    report(segment.sequence);
  };
  return { ...context, store: withPut(store, put), sink: { durable, ended: (end) => sink.ended(end) } };
});

/** Takes every refusal for an earlier try of its own. */
const credulous = withWriter((context) => {
  const put: ObjectStore['put'] = async (key, body, options) => {
    const result = await context.store.put(key, body, options);
    return result.outcome === 'exists' ? { outcome: 'stored', etag: 'mine' } : result;
  };
  return { ...context, store: withPut(context.store, put) };
});

/** Writes over whatever stands there, a seal too. */
const ruthless = withWriter((context) => {
  const put: ObjectStore['put'] = (key, body, { purpose }) => context.store.put(key, body, { purpose });
  return { ...context, store: withPut(context.store, put) };
});

/** Takes an answer that got lost for success. */
const hopeful = withWriter((context) => {
  const put: ObjectStore['put'] = async (key, body, options) => {
    const result = await context.store.put(key, body, options);
    return result.outcome === 'unknown' ? { outcome: 'stored', etag: 'surely' } : result;
  };
  return { ...context, store: withPut(context.store, put) };
});

/** Says of everything that met a seal that it was not applied. */
const denying = withWriter((context) => ({ ...context, sealedAt: () => Promise.resolve(0) }));

/** Reports from inside append. */
const hasty: WalFactory = {
  ...objectWal(),
  open: async (context) => {
    const { sink } = context;
    const wal = await objectWal().open({ ...context, sink: { durable: () => {}, ended: (end) => sink.ended(end) } });
    const append = wal.append.bind(wal);
    let sequence = 0;
    wal.append = (batch) => {
      append(batch);
      sink.durable(1, { sequence: sequence++, sizeBytes: 1, parts: [] });
    };
    return wal;
  },
};

/** Deletes what was registered. */
const forgetful: WalFactory = {
  ...objectWal(),
  open: async (context) => {
    const wal = await objectWal().open(context);
    const release = wal.release.bind(wal);
    wal.release = (position) => release(position, new Set());
    return wal;
  },
};

/** Loses the last batch of each segment when it is read. */
const careless = withRecoverer(async (context) => {
  const sealed = await objectWal().seal(context);
  if (sealed === undefined) return undefined;
  return { ...sealed, batches: async (segment) => (await sealed.batches(segment)).slice(0, -1) };
});

/** Believes the LIST, and leaves no seal. */
const trusting = withRecoverer((context) => listed(context, contiguous));

/** Believes the LIST, and takes what lies past a gap, too. */
const gapless = withRecoverer((context) => listed(context, (sequences) => sequences));

/** Seals where the state said that the WAL was released, whatever is there. */
const blunt = withRecoverer(async (context) => {
  const sealed = await objectWal().seal(context);
  return sealed && { ...sealed, sealedAt: context.released, segments: [] };
});

/** Leaves a seal that can be written over. */
const weak = withRecoverer((context) => {
  const { store } = context;
  const put: ObjectStore['put'] = (key, body, { purpose }) => store.put(key, body, { purpose });
  return objectWal().seal({ ...context, store: withPut(store, put) });
});

function contiguous(sequences: readonly number[], released: number): readonly number[] {
  return sequences.filter((sequence, i) => sequence === released + i);
}

async function listed(
  context: WalRecoveryContext,
  choose: (sequences: readonly number[], released: number) => readonly number[],
): Promise<SealedWal> {
  const { store, clusterId, node, nodeEpoch, released } = context;
  const keyOf = (sequence: number): string => objectKey(clusterId, { family: 'wal', node, nodeEpoch, sequence });
  const read = async (key: string, range?: Parameters<Parameters<typeof readDirectory>[1]>[0]) => {
    const value = await store.get(key, { range, purpose: 'recovery' });
    if (typeof value === 'string') throw new Error(value);
    return value;
  };
  const { keys } = await store.list({
    prefix: epochPrefix(clusterId, { family: 'wal', node, nodeEpoch }),
    purpose: 'recovery',
  });
  const sequences = keys.map(({ key }) => Number(key.slice(-16))).filter((sequence) => sequence >= released);
  const segments: WalSegment[] = [];
  for (const sequence of choose(sequences, released)) {
    const { index, sizeBytes } = await readDirectory(keyOf(sequence), (range) => read(keyOf(sequence), range));
    segments.push({ sequence, sizeBytes, parts: index.parts() });
  }
  return {
    sealedAt: released + segments.length,
    segmentsAreObjects: true,
    segments,
    batches: async ({ sequence }) => decodeWhole('', (await read(keyOf(sequence))).bytes).batches,
    close: () => Promise.resolve(),
  };
}

/** Every one of them, by what is wrong with it. */
export const wrongWals: ReadonlyMap<string, WalFactory> = new Map([
  ['acknowledges before the PUT is answered', eager],
  ['acknowledges out of order', disorderly],
  ['takes every 412 for its own segment', credulous],
  ['takes a lost answer for success', hopeful],
  ['ignores the seal', ruthless],
  ['says of everything that met a seal that it was not applied', denying],
  ['acknowledges from inside append', hasty],
  ['deletes registered segments', forgetful],
  ['loses the last batch of a segment', careless],
  ['seals with nothing but a LIST', trusting],
  ['takes segments past a gap', gapless],
  ['finds nothing', blunt],
  ['seals over what is there', weak],
]);
