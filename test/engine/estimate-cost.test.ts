// The estimate against a running engine: steady loads in a world with a clock of its own, counted request by request.
// And one stated workload, whose figures stand in docs/cost.md.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GiB, KiB, MiB } from '../../src/base/bytes.ts';
import { estimateCost, type CostEstimate } from '../../src/engine/estimate-cost.ts';
import { s3ExpressOneZonePrices, s3StandardPrices } from '../../src/engine/prices.ts';
import type { SettingsInput } from '../../src/engine/settings.ts';
import { StreamSet } from '../../src/engine/stream-set.ts';
import type { StreamSetView } from '../../src/engine/stream-set-view.ts';
import type { Workload } from '../../src/engine/workload.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { StoreOperation, StorePurpose } from '../../src/store/object-store.ts';
import type { Stream } from '../../src/stream/stream.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const day = 24 * 60 * 60;

/** The workload that docs/cost.md works out. */
const stated: Workload = {
  bytesInPerSecond: 1e9,
  bytesOutPerSecond: 3e9,
  compressionRatio: 4,
  retentionSeconds: 7 * day,
  nodes: 3,
  streams: 300,
  memoryReadShare: 0.9,
};

describe('the stated workload: 1 GB/s in, 3 GB/s out, 4:1, 7 days, S3 Standard', () => {
  const estimate = estimateCost(stated);
  const costOf = (name: string): number =>
    estimate.lines.filter((line) => line.name === name).reduce((sum, { cost }) => sum + cost, 0);

  test('storage: 250 MB/s for 604,800 s are 140,816.0 GiB', () => {
    expect(estimate.storedBytes).toBe(250e6 * 604_800);
    expect(estimate.lines[0]).toMatchObject({ name: 'storage', unit: 'GiB-month' });
    expect(estimate.lines[0]?.quantity).toBeCloseTo(140_815.97, 2);
    expect(costOf('storage')).toBeCloseTo(51_200 * 0.023 + (140_815.97 - 51_200) * 0.022, 1);
  });

  test('the log: segments of √(83,333,333 × 0.1 × 262,144) bytes', () => {
    const segmentSizeBytes = Math.sqrt((250e6 / 3) * 0.1 * 262_144);
    expect(estimate.segmentSizeBytes).toBeCloseTo(segmentSizeBytes, 5);
    expect(costOf('log: segments')).toBeCloseTo((250e6 / segmentSizeBytes) * 2_630_016 * 0.000005, 5);
    expect(estimate.appendSeconds).toBeCloseTo(0.1 + segmentSizeBytes / (250e6 / 3) / 2, 10);
  });

  test('uploads, journal, reading and the sum', () => {
    const uploads = (250e6 / (32 * MiB)) * 2_630_016;
    expect(costOf('upload: objects')).toBeCloseTo(uploads * 2 * 0.000005, 5);
    expect(costOf('upload: segments no longer needed')).toBe(0);
    expect(costOf('journal')).toBeCloseTo(uploads * (2 * 0.000005 + 6 * 0.0000004), 5);
    const visits = 75e6 / ((32 * MiB) / 100);
    expect(costOf('reading')).toBeCloseTo(visits * 2 * 2_630_016 * 0.0000004, 5);
    expect(rounded(estimate)).toEqual({
      storage: 3_149.15,
      'log: segments': 2_224.28,
      'upload: objects': 195.95,
      'upload: segments no longer needed': 0,
      journal: 242.98,
      'journal: snapshots': 1.27,
      reading: 470.28,
      'bytes sent': 0,
      'bytes got': 0,
    });
    expect(estimate.total).toBeCloseTo(6_283.91, 2);
    expect(estimate.perGiBAppended).toBeCloseTo(0.01026, 5);
  });

  test('stands in docs/cost.md, line by line', () => {
    const document = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
    for (const row of tableOf(estimate)) expect(cellsOf(document)).toContainEqual(row);
    for (const [more, words] of variants) {
      const { total, appendSeconds } = estimateCost({ ...stated, ...more });
      const latency = appendSeconds === undefined ? '—' : `${Math.round(appendSeconds * 1_000)} ms`;
      expect(cellsOf(document)).toContainEqual([words, latency, dollars(total)]);
    }
  });
});

/** What other choices make of the same workload. */
const variants: readonly (readonly [Partial<Workload>, string])[] = [
  [{}, 'as above'],
  [{ settings: { segmentSizeMinBytes: 64 * KiB } }, '`segmentSizeMinBytes` 64 KiB'],
  [{ settings: { segmentSizeMinBytes: 1 * MiB } }, '`segmentSizeMinBytes` 1 MiB'],
  [{ settings: { segmentSizeMinBytes: 8 * MiB } }, '`segmentSizeMinBytes` 8 MiB'],
  [
    { settings: { memoryMaxBytes: 1_024 * MiB, uploadSizeBytes: 128 * MiB } },
    '`memoryMaxBytes` 1 GiB, `uploadSizeBytes` 128 MiB',
  ],
  [{ wal: 'file' }, 'a log in files'],
  [{ nodes: 12 }, '12 nodes'],
  [{ memoryReadShare: 1 }, 'all reads from memory'],
  [{ memoryReadShare: 0 }, 'all reads from the store'],
];

describe('estimateCost', () => {
  test('runs nothing and gives the same twice', () => {
    expect(estimateCost(stated)).toEqual(estimateCost({ ...stated }));
  });

  test('adds up: lines, total, requests per GiB', () => {
    for (const prices of [s3StandardPrices, s3ExpressOneZonePrices]) {
      const { lines, total, perGiBAppended, requestsPerGiBAppended } = estimateCost(
        { ...stated, followers: 2 },
        prices,
      );
      expect(lines.reduce((sum, { cost }) => sum + cost, 0)).toBeCloseTo(total, 8);
      for (const { quantity, unitPrice, cost } of lines) expect(quantity * unitPrice).toBeCloseTo(cost, 6);
      const appendedGiB = (250e6 * 2_630_016) / GiB;
      expect(perGiBAppended * appendedGiB).toBeCloseTo(total, 6);
      const puts = lines.filter(({ unit }) => unit === 'PUT').reduce((sum, { quantity }) => sum + quantity, 0);
      expect(requestsPerGiBAppended.put * appendedGiB).toBeCloseTo(puts, 3);
    }
  });

  test('counts every byte where bytes have a price', () => {
    const { lines } = estimateCost({ ...stated, compactionRewrites: 1 }, s3ExpressOneZonePrices);
    const month = (250e6 * 2_630_016) / GiB;
    const bytes = Object.fromEntries(lines.map(({ name, quantity, cost }) => [name, { quantity, cost }]));
    expect(bytes['bytes sent']?.quantity).toBeCloseTo(3 * month, 6); // The log, the upload, the compaction.
    expect(bytes['bytes sent']?.cost).toBeCloseTo(3 * month * 0.0032, 6);
    expect(bytes['bytes got']?.quantity).toBeCloseTo(month + (75e6 * 2_630_016) / GiB, 6);
  });

  test('says what it takes for granted, compaction above all', () => {
    expect(estimateCost(stated).assumptions.join(' ')).toMatch(/Nothing is compacted: this version does not/);
    expect(estimateCost({ ...stated, compactionRewrites: 1 }).assumptions.join(' ')).toMatch(
      /rewrites bytes as stated/,
    );
    expect(estimateCost({ ...stated, wal: 'file' }).assumptions.join(' ')).not.toMatch(/A PUT takes/);
  });

  test('gets cheaper and slower with larger segments, and never the other way round', () => {
    const sizes = [1, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 8 * MiB];
    const estimates = sizes.map((segmentSizeMinBytes) =>
      estimateCost({ ...stated, settings: { segmentSizeMinBytes } }),
    );
    const costs = estimates.map(({ total }) => total);
    const seconds = estimates.map(({ appendSeconds }) => appendSeconds ?? 0);
    expect(costs).toEqual(costs.toSorted((a, b) => b - a));
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    expect(costs[0]).toBeGreaterThan((costs.at(-1) ?? 0) * 1.2);
  });

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /a workload is an object/],
    ['no bytes', { retentionSeconds: 1 }, /'bytesInPerSecond' of a workload is a number above 0.*undefined/],
    ['no retention', { bytesInPerSecond: 1 }, /'retentionSeconds'.*at least 0.*undefined/],
    ['a negative rate', { ...stated, bytesOutPerSecond: -1 }, /'bytesOutPerSecond'.*got -1/],
    ['a share above 1', { ...stated, memoryReadShare: 1.1 }, /'memoryReadShare'.*at most 1; got 1.1/],
    ['half a node', { ...stated, nodes: 2.5 }, /'nodes'.*an integer.*got 2.5/],
    ['no compression', { ...stated, compressionRatio: 0 }, /'compressionRatio'.*above 0; got 0|above 0/],
    ['not a number', { ...stated, bytesInPerSecond: Number.NaN }, /'bytesInPerSecond'.*got NaN/],
    [
      'a name that does not exist',
      { ...stated, bytesPerSecond: 1 },
      /a workload has no 'bytesPerSecond'; it has bytesIn/,
    ],
    ['an unknown log', { ...stated, wal: 'memory' }, /'wal'.*'object' or 'file'; got memory/],
    ['a setting that does not exist', { ...stated, settings: { segmentSize: 1 } }, /there is no setting 'segmentSize'/],
    ['fewer streams than nodes', { ...stated, streams: 2 }, /2 are too few for 3 nodes/],
    ['more than a node can write', { ...stated, nodes: 1, bytesInPerSecond: 1e10 }, /a node writes at most \d+ bytes/],
  ];

  test.each(wrong)('refuses %s', (_, workload, sentence) => {
    const estimate = (): CostEstimate => estimateCost(workload as Workload);
    expect(estimate).toThrow(sentence);
    expect(estimate).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test('refuses prices that are none', () => {
    expect(() => estimateCost(stated, { ...s3StandardPrices, storage: [] })).toThrow(/list of tiers/);
  });
});

describe('the figures that stand beside the settings', () => {
  const steady = (settings: SettingsInput, more: Partial<Workload> = {}): CostEstimate =>
    estimateCost({ bytesInPerSecond: 20e6, retentionSeconds: 0, settings, ...more });
  const sumOf = ({ lines }: CostEstimate, name: RegExp): number =>
    lines.filter((line) => name.test(line.name)).reduce((sum, { cost }) => sum + cost, 0);
  const toldOf = (name: string): readonly string[] =>
    ['../../docs/operations.md', '../../src/engine/settings.ts'].map((path) => {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8').replaceAll(/\n *\* ?/g, ' ');
      return path.endsWith('.ts')
        ? (text.split(`readonly ${name}: number`)[0]?.split('/**').at(-1) ?? '')
        : (text.split('\n').find((row) => row.startsWith(`| \`${name}\``)) ?? '');
    });

  test.each([
    [64 * KiB, '64 KiB'],
    [256 * KiB, '256 KiB'],
    [1 * MiB, '1 MiB'],
    [8 * MiB, '8 MiB'],
  ])('segmentSizeMinBytes %i', (segmentSizeMinBytes, size) => {
    const estimate = steady({ segmentSizeMinBytes });
    const cost = `$${Math.round(sumOf(estimate, /log/))}`;
    const latency = `${Math.round((estimate.appendSeconds ?? 0) * 1_000)} ms`;
    for (const told of toldOf('segmentSizeMinBytes'))
      expect(told).toMatch(new RegExp(`${size}[^;]*\\${cost}[^;]* ${latency}`));
  });

  test.each([
    [{ uploadSizeBytes: 8 * MiB }, '8 MiB cost'],
    [{}, '32 MiB'],
    [{ uploadSizeBytes: 128 * MiB, memoryMaxBytes: 1_024 * MiB }, '128 MiB (with 1 GiB of memory)'],
  ])('uploadSizeBytes %o', (settings, size) => {
    const cost = Math.round(sumOf(steady(settings, { streams: 100 }), /upload|journal/));
    for (const told of toldOf('uploadSizeBytes')) expect(told).toContain(`${size} $${cost}`);
  });

  test.each([60_000, 1_000])('uploadAgeMaxMs %i', (uploadAgeMaxMs) => {
    const trickle = { bytesInPerSecond: 1_000, appendSizeBytes: 1_000 };
    const cost = sumOf(steady({ uploadAgeMaxMs }, { ...trickle, streams: 10, wal: 'file' }), /upload|journal/);
    for (const told of toldOf('uploadAgeMaxMs')) expect(told).toContain(`$${cost.toFixed(2)}`);
  });

  test.each([5_000, 500])('catalogRefreshMs %i', (catalogRefreshMs) => {
    const cost = sumOf(steady({ catalogRefreshMs }, { bytesInPerSecond: 1, followers: 1, wal: 'file' }), /following/);
    for (const told of toldOf('catalogRefreshMs')) expect(told).toContain(`$${cost.toFixed(2)} a`);
  });
});

/** A load that is run and estimated. */
interface Load {
  readonly title: string;
  readonly bytesPerSecond: number;
  readonly appendSizeBytes: number;
  readonly seconds: number;
  readonly streams: number;
  readonly nodes?: number;
  readonly settings: SettingsInput;
}

const loads: readonly Load[] = [
  {
    title: 'appends that go alone, one every 160 ms',
    ...{ bytesPerSecond: 100 * KiB, appendSizeBytes: 16 * KiB, seconds: 120, streams: 1 },
    settings: { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 2 * MiB },
  },
  {
    title: 'one PUT at a time',
    ...{ bytesPerSecond: 300_000, appendSizeBytes: 8 * KiB, seconds: 120, streams: 8 },
    settings: { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 2 * MiB },
  },
  {
    title: 'a few PUTs side by side, rewritten',
    ...{ bytesPerSecond: 2_500_000, appendSizeBytes: 4 * KiB, seconds: 20, streams: 16 },
    settings: { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 4 * MiB, segmentSizeMinBytes: 16 * KiB },
  },
  {
    title: 'all eight PUTs side by side',
    ...{ bytesPerSecond: 8_000_000, appendSizeBytes: 16 * KiB, seconds: 8, streams: 4 },
    settings: { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 4 * MiB, segmentSizeMinBytes: 4 * KiB },
  },
  {
    title: 'large segments of one stream, registered as they are',
    ...{ bytesPerSecond: 30_000_000, appendSizeBytes: 64 * KiB, seconds: 4, streams: 1 },
    settings: { segmentSizeMinBytes: 512 * KiB, uploadSizeBytes: 16 * MiB },
  },
  {
    title: 'three nodes that share a journal',
    ...{ bytesPerSecond: 600_000, appendSizeBytes: 16 * KiB, seconds: 90, streams: 6, nodes: 3 },
    settings: { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 1 * MiB },
  },
];

/** How far what is counted may be from the estimate, either way. */
const factor = 1.25;

describe('the estimate agrees with a running engine', () => {
  test.each(loads)('$title', { timeout: 60_000 }, async (load) => {
    const { counted, latencyMs } = await run(load);
    const { bytesPerSecond, appendSizeBytes, streams, nodes = 1, settings } = load;
    const { requestsPerGiBAppended: estimated, appendSeconds = 0 } = estimateCost({
      ...{ bytesInPerSecond: bytesPerSecond, retentionSeconds: 0, appendSizeBytes, streams, nodes, settings },
    });
    for (const operation of ['put', 'get', 'delete'] as const) {
      const [found, expected] = [counted[operation], estimated[operation]];
      // The first segments of a run are small, and are rewritten where the others are not.
      const isRare = Math.max(found, expected) < counted.put / 50;
      const isNear = found < expected * factor && found > expected / factor;
      expect({ operation, found, expected, isNear: isNear || isRare }).toMatchObject({ isNear: true });
    }
    expect(latencyMs / (appendSeconds * 1_000)).toBeGreaterThan(1 / factor);
    expect(latencyMs / (appendSeconds * 1_000)).toBeLessThan(factor);
  });

  test('reading back from the store what several streams have appended', async () => {
    const settings = { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 4 * MiB };
    const load = { bytesPerSecond: 4_000_000, appendSizeBytes: 16 * KiB, seconds: 10, streams: 4, settings };
    const { lines } = estimateCost({
      ...{ bytesInPerSecond: load.bytesPerSecond, retentionSeconds: 0, appendSizeBytes: load.appendSizeBytes },
      ...{ streams: load.streams, bytesOutPerSecond: load.bytesPerSecond, memoryReadShare: 0, settings },
    });
    const estimated = lines.find(({ name }) => name === 'reading')?.quantity ?? 0;
    const perGiB = estimated / ((load.bytesPerSecond * 2_630_016) / GiB);
    const { readGets } = await run({ ...load, title: 'reading' }, true);
    expect(readGets / perGiB).toBeGreaterThan(1 / factor);
    expect(readGets / perGiB).toBeLessThan(factor);
  });
});

interface Counted {
  /** Of the appending, for each GiB. */
  readonly counted: Readonly<Record<StoreOperation, number>>;
  readonly latencyMs: number;
  /** GETs of the reading, for each GiB read. */
  readonly readGets: number;
}

/** Appends a steady load in a world where each request takes 100 ms, and counts. */
async function run(load: Load, readsBack = false): Promise<Counted> {
  const { bytesPerSecond, appendSizeBytes, seconds, streams, nodes = 1, settings } = load;
  const runtime = new SeededRuntime({ seed: 1 });
  const latency = { kind: 'latency', minMs: 100, maxMs: 100 } as const;
  const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, faults: [{ fault: latency }] });
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void runtime.timers.after(ms, resolve));
  return runtime.run(async () => {
    const sets: StreamSet[] = [];
    const written: Stream[] = [];
    for (let k = 0; k < nodes; k++) sets.push(await StreamSet.open({ node: `n${k}`, store, runtime, settings }));
    for (let i = 0; i < streams; i++) written.push(await (sets[i % nodes] as StreamSet).create());
    const before = sets.map((set) => set.cost());
    const bytes = new Uint8Array(appendSizeBytes);
    const waits: Promise<number>[] = [];
    const count = Math.floor((bytesPerSecond * seconds) / appendSizeBytes);
    const startMs = runtime.clock.monotonic();
    for (let i = 0; i < count; i++) {
      const dueMs = startMs + (i * appendSizeBytes * 1_000) / bytesPerSecond;
      if (dueMs > runtime.clock.monotonic()) await wait(dueMs - runtime.clock.monotonic());
      const sentMs = runtime.clock.monotonic();
      const appended = (written[i % streams] as Stream).append(bytes);
      waits.push(appended.then(() => runtime.clock.monotonic() - sentMs));
    }
    const latencyMs = (await Promise.all(waits)).reduce((sum, ms) => sum + ms, 0) / count;
    await Promise.all(sets.map((set) => set.upload()));
    const gib = (count * appendSizeBytes) / GiB;
    const counted = Object.fromEntries(
      (['put', 'get', 'list', 'delete'] as const).map((operation) => [
        operation,
        sets.reduce((sum, set, k) => sum + requestsOf(set, { operation }) - inReport(before[k], { operation }), 0) /
          gib,
      ]),
    ) as Record<StoreOperation, number>;
    for (const set of sets) await set.close();
    const readGets = readsBack ? (await readAll(store, runtime, written)) / gib : 0;
    return { counted, latencyMs, readGets };
  });
}

/** Reads each stream in a set of its own. How many GETs that took. */
async function readAll(store: FaultyObjectStore, runtime: SeededRuntime, streams: readonly Stream[]): Promise<number> {
  let gets = 0;
  for (const { id } of streams) {
    const view = await StreamSet.openReadOnly({ store, runtime });
    const reader = await view.reader(id);
    for (let offset = 0; offset < reader.endOffset;) offset = (await reader.read(offset)).nextOffset;
    gets += requestsOf(view, { operation: 'get', purpose: 'read' });
    await view.close();
  }
  return gets;
}

interface Which {
  readonly operation: StoreOperation;
  readonly purpose?: StorePurpose;
}

function requestsOf(set: StreamSetView, which: Which): number {
  return inReport(set.cost(), which);
}

function inReport(report: ReturnType<StreamSetView['cost']> | undefined, { operation, purpose }: Which): number {
  return (report?.requests ?? [])
    .filter((row) => row.operation === operation && (purpose === undefined || row.purpose === purpose))
    .reduce((sum, { requests }) => sum + requests, 0);
}

function rounded({ lines }: CostEstimate): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { name, cost } of lines) sums[name] = (sums[name] ?? 0) + cost;
  return Object.fromEntries(Object.entries(sums).map(([name, cost]) => [name, Math.round(cost * 100) / 100]));
}

/** The rows of the table in docs/cost.md. */
function tableOf({ lines, total }: CostEstimate): readonly (readonly string[])[] {
  const rows = lines.map(({ name, quantity, unit, unitPrice, cost, formula }) => [
    ...[name, formula, `${grouped(quantity)} ${unit}`, priceOf(unitPrice, unit), dollars(cost)],
  ]);
  return [...rows, ['total', '', '', '', dollars(total)]];
}

function priceOf(unitPrice: number, unit: string): string {
  if (unit.startsWith('GiB')) return `$${Number(unitPrice.toFixed(5))}`;
  return `$${Number((unitPrice * 1e6).toFixed(4))} a million`;
}

function dollars(cost: number): string {
  const [whole = '', cents = ''] = cost.toFixed(2).split('.');
  return `$${grouped(Number(whole))}.${cents}`;
}

function grouped(quantity: number): string {
  return String(Math.round(quantity)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** The cells of all rows of all tables. */
function cellsOf(document: string): readonly (readonly string[])[] {
  return document
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
