// One memory budget that holds, seen from outside: sets that append a multiple of it to a slow store, each in a process
// of its own, which looks at its memory all the time and reads back what was acknowledged.
//
// What a process may take beyond its budget of 64 MiB, and why:
// - 64 MiB of array buffers that nobody needs any more: V8 begins to collect only when so much has come together
//   outside its heap. With the object WAL: between bursts it keeps the memory of one segment, and allocates the others
//   anew. All else is used again, so with the other WALs there is nothing to add.
// - Its heap, which V8 lets grow before it collects: 32 MiB; and 128 MiB with ten thousand appends at once, of which
//   each costs a promise, and an error each time that it is refused.
//
// Each appends ten times the budget to a store that takes 200 ms for each PUT; with the memory WAL, which shares all of
// the way with the others, it is twice.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const megabytes = { object: '640', file: '640', memory: '128' };
const putMs = '200';
const budget = 64;
const uncollected = 64;
const heap = { few: 32, many: 128 };

interface Seen {
  readonly refused: number;
  readonly longestGapMs: number;
  readonly rssGrowth: number;
  readonly arrayBuffers: number;
  readonly heapUsed: number;
  readonly unuploaded: number;
}

/** Of a store in trouble. */
interface Trouble {
  readonly unanswered: number;
  readonly refusedForLoad: number;
  readonly arrayBuffersOfReading: number;
}

/** Runs the program, and gives the line of JSON that it ends with. */
async function run(program: string, ...options: readonly string[]): Promise<unknown> {
  const flags = options.filter((one) => one.startsWith('--expose'));
  const others = options.filter((one) => !flags.includes(one));
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, program), ...others], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code, errors).toBe(0);
  return JSON.parse(output);
}

const ways = {
  'appends that are awaited': ['--writers', '64', '--batch', '65536'],
  '10,000 appends at once, refused ones tried again after a pause': ['--writers', '10000', '--batch', '8192'],
};

describe.concurrent('within the memory budget stay', () => {
  for (const [what, options] of Object.entries(ways)) {
    for (const wal of ['object', 'file', 'memory'] as const) {
      test(`${what}, on the ${wal} WAL`, { timeout: 300_000 }, async (ctx) => {
        const directory = await mkdtemp(join(tmpdir(), 'qanat-memory-'));
        try {
          const place = ['--directory', directory, '--wal', wal, '--budget', `${budget}`];
          const seen = (await run(
            'memory-child.mjs',
            ...place,
            '--megabytes',
            megabytes[wal],
            '--putMs',
            putMs,
            ...options,
          )) as Seen;
          if (!(seen.rssGrowth > 0)) return ctx.skip('this machine does not tell how much memory a process takes');
          const allowed = wal === 'object' ? budget + uncollected : budget;
          ctx.expect(seen.arrayBuffers, JSON.stringify(seen)).toBeLessThanOrEqual(allowed);
          const heapMax = options.includes('10000') ? heap.many : heap.few;
          ctx.expect(seen.rssGrowth, JSON.stringify(seen)).toBeLessThanOrEqual(budget + uncollected + heapMax);
          ctx.expect(seen.heapUsed, JSON.stringify(seen)).toBeLessThanOrEqual(heapMax);
          ctx.expect(seen.unuploaded).toBeLessThanOrEqual((7 / 16) * budget);
          ctx.expect(seen.longestGapMs, JSON.stringify(seen)).toBeLessThan(20_000);
          if (options.includes('10000')) ctx.expect(seen.refused).toBeGreaterThan(0);
          else ctx.expect(seen.refused).toBe(0);
        } finally {
          await rm(directory, { recursive: true, maxRetries: 5 });
        }
      });
    }
  }
});

describe.concurrent('within the memory budget stay, on a store that leaves requests unanswered, refuses and is slow,', () => {
  for (const wal of ['object', 'file'] as const) {
    test(`writing and reading with the ${wal} WAL`, { timeout: 300_000 }, async (ctx) => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-memory-'));
      try {
        const place = ['--directory', directory, '--wal', wal, '--budget', `${budget}`, '--megabytes', '128'];
        const load = ['--expose-gc', '--writers', '64', '--batch', '65536', '--putMs', '100', '--trouble', 'all'];
        const seen = (await run('memory-child.mjs', ...place, ...load)) as Seen & Trouble;
        const facts = JSON.stringify(seen);
        ctx.expect(seen.unanswered, facts).toBeGreaterThan(4);
        ctx.expect(seen.refusedForLoad, facts).toBeGreaterThan(15);
        const allowed = wal === 'object' ? budget + uncollected : budget;
        ctx.expect(seen.arrayBuffers, facts).toBeLessThanOrEqual(allowed);
        ctx.expect(seen.arrayBuffersOfReading, facts).toBeLessThanOrEqual(budget + uncollected);
        ctx.expect(seen.heapUsed, facts).toBeLessThanOrEqual(heap.few);
        ctx.expect(seen.unuploaded, facts).toBeLessThanOrEqual((7 / 16) * budget);
        ctx.expect(seen.longestGapMs, facts).toBeLessThan(20_000);
        if (!(seen.rssGrowth > 0)) return ctx.skip('this machine does not tell how much memory a process takes');
        ctx.expect(seen.rssGrowth, facts).toBeLessThanOrEqual(budget + uncollected + heap.few);
      } finally {
        await rm(directory, { recursive: true, maxRetries: 5 });
      }
    });
  }
});

test('a million batches of 20 bytes cost columns, and no object each', { timeout: 120_000 }, async () => {
  const seen = (await run('tiny-batches-child.mjs', '--expose-gc')) as {
    readonly cached: number;
    readonly heapPerBatch: number;
    readonly buffersPerBatch: number;
    readonly heapPerBatchAfterwards: number;
    readonly appendedAfterwards: number;
  };
  expect(seen.cached).toBe(1_000_000);
  // A view, an object or a promise for each would be 64 bytes at the very least; a row is three references or numbers.
  expect(seen.heapPerBatch, JSON.stringify(seen)).toBeLessThan(40);
  // The batch itself, and 24 bytes of numbers.
  expect(seen.buffersPerBatch, JSON.stringify(seen)).toBeLessThan(60);
  // The tail's share still keeps a quarter of them.
  expect(seen.heapPerBatchAfterwards, JSON.stringify(seen)).toBeLessThan(20);
  expect(seen.appendedAfterwards).toBe(1_001_000);
});
