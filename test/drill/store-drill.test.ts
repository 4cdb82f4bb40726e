// The store drill in its short form, on a server of its own, and its judge, which has to find what was planted. The long
// form is `npm run drill:store`.
import { setTimeout as pause } from 'node:timers/promises';
import { MemoryObjectStore } from '../../src/index.ts';
import { describe, expect, test } from 'vitest';
import { prepareCeph } from '../s3/server-ceph.mjs';
import { prepareMinio } from '../s3/server-minio.mjs';
import { runDrill } from './run-drill.ts';
import { StoreLoad } from './store-load.mjs';

const run = (...options: readonly string[]): ReturnType<typeof runDrill> => runDrill('store-drill.mjs', ...options);

/** The kind of server that can be started here without installing anything. */
async function kindHere(): Promise<'ceph' | 'minio' | undefined> {
  const options = { install: false, limitMs: 1_000, say: () => {} };
  if ((await prepareCeph(options)) === undefined) return 'ceph';
  return (await prepareMinio(options)).program === undefined ? undefined : 'minio';
}

const kind = process.env['S3_ENDPOINT'] ? await kindHere() : undefined;

describe.skipIf(kind === undefined)('on a server of its own (needs S3_ENDPOINT and a server to start)', () => {
  test('nothing is lost and everything goes on when the store is slow, is killed, and answers nothing', async () => {
    const short = ['--seconds', '2', '--awaySeconds', '4', '--crashes', '1', '--rate', '200', '--streams', '6'];
    const { code, output } = await run('--kind', kind as string, ...short);
    expect(code, output).toBe(0);
    for (const what of kind === 'ceph' ? ['calm', 'slow', 'crash', 'freeze'] : ['calm', 'crash', 'freeze'])
      expect(Number(new RegExp(`^${what}: .*"acknowledged":(\\d+)`, 'm').exec(output)?.[1]), what).toBeGreaterThan(50);
    const silence = Number(/^freeze: .*"silenceMaxMs":(\d+)/m.exec(output)?.[1]);
    expect(silence).toBeGreaterThan(3_500); // It was frozen indeed.
    expect(output).toMatch(/^crash: .*"awayMs":\[\d+\],"returnMs":\[\d+\]/m);
  }, 240_000);
});

describe('the load of the drill', () => {
  const settings = { uploadAgeMaxMs: 100, catalogRefreshMs: 20 };

  /** Runs the load for a moment; at the end it is held against what `judged` gives. */
  async function violationsWith(judged: (store: MemoryObjectStore) => Promise<MemoryObjectStore>): Promise<StoreLoad> {
    let store = new MemoryObjectStore();
    const load = new StoreLoad({ openStore: () => store, rate: 200, settings });
    await load.start(4, 2);
    await load.nextAcknowledgement();
    await pause(200);
    const other = await judged(store);
    await pause(200);
    await load.end();
    store = other;
    await load.verify();
    return load;
  }

  test('finds nothing wrong with a store that keeps what it is given', async () => {
    const load = await violationsWith(async (store) => store);
    expect(load.violations).toEqual([]);
    const { acknowledged, batchesRead, rssMaxMiB } = load.figures();
    expect(acknowledged).toBeGreaterThan(20);
    expect(batchesRead).toBe(acknowledged);
    expect(rssMaxMiB).toBeGreaterThan(10);
  });

  test('finds what was acknowledged and is not there', async () => {
    const load = await violationsWith(async (store) => {
      const copy = new MemoryObjectStore();
      const { keys } = await store.list({ prefix: '', purpose: 'probe' });
      for (const { key } of keys) {
        const value = await store.get(key, { purpose: 'probe' });
        if (typeof value !== 'string') await copy.put(key, value.bytes, { purpose: 'probe' });
      }
      return copy;
    });
    expect(load.violations.length).toBeGreaterThan(0);
    for (const violation of load.violations) expect(violation).toMatch(/what was acknowledged at \d+ is lost/);
  });

  test('finds a set that has ended by itself, and appends that failed', async () => {
    const load = await violationsWith(async (store) => {
      store.put = () => Promise.reject(new Error('no more'));
      return store;
    }).catch((cause: unknown) => cause as Error);
    expect(load).toBeInstanceOf(StoreLoad);
    if (!(load instanceof StoreLoad)) return;
    expect(load.violations.some((violation) => violation.startsWith('the set is failed'))).toBe(true);
    expect(load.violations.some((violation) => violation.startsWith('an append to stream'))).toBe(true);
  });
});

test('options that the store drill cannot follow end it with a sentence', async () => {
  const wrong = [
    [['--what', 'flood'], '--what is all, calm, slow, crash, freeze'],
    [['--kind', 'tape'], '--kind is ceph or minio'],
    [['--rate', '1'], '--rate is at least 50'],
  ] as const;
  for (const [options, sentence] of wrong) {
    const { code, output } = await run(...options);
    expect(output).toContain(sentence);
    expect(code).toBe(2);
  }
});
