// FileObjectStore with several real processes on one directory: races have one winner, no replacement is lost, and
// kill -9 in the middle of puts leaves nothing half.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PutResult } from '../../src/store/object-store.ts';
import { FileObjectStore } from '../../src/store/file-object-store.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const script = fileURLToPath(new URL('processes.mjs', import.meta.url));
const probe = { purpose: 'probe' } as const;

let directory: string;
let children: ChildProcess[];

beforeAll(() => {
  if (!existsSync(dist)) spawnSync(process.execPath, [join(root, 'test', 'build.mjs')], { stdio: 'inherit' });
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qanat-processes-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

interface Child {
  readonly process: ChildProcess;
  /** The next line it says. */
  readonly next: () => Promise<unknown>;
  readonly tell: (line: unknown) => void;
  readonly ended: Promise<number | null>;
}

function start(role: string, number: number, ...more: readonly string[]): Child {
  const child = spawn(process.execPath, [script, dist, directory, role, String(number), ...more], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    process: child,
    next: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`child ${number} ended without an answer`);
      return JSON.parse(value) as unknown;
    },
    tell: (line) => void child.stdin!.write(`${JSON.stringify(line)}\n`),
    ended: new Promise((resolve) => child.once('exit', resolve)),
  };
}

describe('FileObjectStore in several processes', () => {
  test('of 16 processes that race one is stored, and its value stands', async () => {
    const store = new FileObjectStore(directory);
    const racers = Array.from({ length: 16 }, (_, number) => start('race', number));
    const answers = async (line: unknown): Promise<PutResult[]> => {
      for (const racer of racers) racer.tell(line);
      return Promise.all(racers.map(({ next }) => next() as Promise<PutResult>));
    };
    const winnerOf = async (key: string, told: readonly PutResult[], refusal: string): Promise<void> => {
      const standing = await store.get(key, probe);
      if (typeof standing === 'string') throw new Error(`${key} is ${standing}`);
      const winner = Number(new TextDecoder().decode(standing.bytes));
      const outcomes = told.map(({ outcome }) => outcome);
      expect(told[winner]).toEqual({ outcome: 'stored', etag: standing.etag });
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === refusal)).toHaveLength(15);
    };
    for (let round = 0; round < 25; round++) {
      const key = `folder/${round % 7}/key-${round}`;
      await winnerOf(key, await answers({ key }), 'exists');
    }
    await store.put('replaced', new Uint8Array(1), probe);
    for (let round = 0; round < 25; round++) {
      const standing = await store.get('replaced', probe);
      if (typeof standing === 'string') throw new Error('it is there');
      await winnerOf('replaced', await answers({ key: 'replaced', etag: standing.etag }), 'changed');
    }
    for (const racer of racers) racer.process.stdin!.end();
    for (const racer of racers) expect(await racer.ended).toBe(0);
  });

  test('of 8 processes that count together none loses a number', async () => {
    const store = new FileObjectStore(directory);
    await store.put('count', new TextEncoder().encode('0'), { ...probe, if: 'absent' });
    const counters = Array.from({ length: 8 }, (_, number) => start('count', number, '30'));
    for (const counter of counters) await counter.next();
    for (const counter of counters) expect(await counter.ended).toBe(0);
    const value = await store.get('count', probe);
    if (typeof value === 'string') throw new Error('it is there');
    expect(new TextDecoder().decode(value.bytes).split(' ')[0]).toBe('240');
    // What 240 replacements leave on the disk does not grow with their number.
    const files = await readdir(directory, { recursive: true });
    expect(files.length).toBeLessThan(30);
  });

  test('processes killed in the middle of puts leave whole values and a directory that goes on', async () => {
    const store = new FileObjectStore(directory);
    for (let round = 0; round < 3; round++) {
      const churners = Array.from({ length: 4 }, (_, number) => start('churn', number));
      for (const churner of churners) expect(await churner.next()).toBe('running');
      const deadline = Date.now() + 150 + round * 37;
      while (Date.now() < deadline) await assertWhole(store);
      for (const churner of churners) churner.process.kill('SIGKILL');
      for (const churner of churners) await churner.ended;
      expect(await assertWhole(store)).toBeGreaterThan(0);
      expect(await assertWhole(new FileObjectStore(directory))).toBeGreaterThan(0);
    }
    // What the dead have left does not stop anybody: every key can be put, replaced and deleted.
    for (let k = 0; k < 5; k++) {
      const key = `churn/${k}`;
      await store.delete([key], probe);
      const made = await store.put(key, new Uint8Array(4), { ...probe, if: 'absent' });
      if (made.outcome !== 'stored') throw new Error(made.outcome);
      expect((await store.put(key, new Uint8Array(8), { ...probe, if: { etag: made.etag } })).outcome).toBe('stored');
    }
    const listed = await store.list({ ...probe, prefix: '' });
    expect(listed.keys).toEqual([0, 1, 2, 3, 4].map((k) => ({ key: `churn/${k}`, size: 8 })));
  });
});

/** Reads every listed value and demands that its checksum holds; gives their number. */
async function assertWhole(store: FileObjectStore): Promise<number> {
  const { keys } = await store.list({ ...probe, prefix: 'churn/' });
  let count = 0;
  for (const { key } of keys) {
    const value = await store.get(key, probe);
    if (typeof value === 'string') continue; // Deleted since.
    const body = Buffer.from(value.bytes);
    expect(body.readUInt32BE(0), key).toBe(crc32(body.subarray(4)));
    count += 1;
  }
  return count;
}
