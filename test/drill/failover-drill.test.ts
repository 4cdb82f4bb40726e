// The failover drill in its short form, and its judge: a judge that finds nothing wrong where something was planted
// would find nothing anywhere. The long form is `npm run drill:failover`.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Judge } from './failover-judge.mjs';
import { runDrill } from './run-drill.ts';

const run = (...options: readonly string[]): ReturnType<typeof runDrill> => runDrill('failover-drill.mjs', ...options);

describe('a short failover drill', () => {
  let directory = '';
  let outcome: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'qanat-failover-drill-')), 'left');
    const size = ['--faults', '6', '--nodes', '3', '--streams', '20', '--rate', '40', '--readers', '1'];
    outcome = await run(...size, '--followers', '5', '--judgeEvery', '4', '--seed', '5', '--directory', directory);
  }, 120_000);

  afterAll(() => rm(join(directory, '..'), { recursive: true, force: true }));

  test('ends in one history with everything that was acknowledged', () => {
    expect(outcome.output).toMatch(/one history, nothing lost: \{"faults":6,/);
    expect(outcome.code, outcome.output).toBe(0);
    for (const what of ['acknowledged', 'seen', 'recoveries', 'takenOver'])
      expect(Number(new RegExp(`"${what}":(\\d+)`).exec(outcome.output)?.[1]), what).toBeGreaterThan(0);
  });

  /** Lets `plant` change the last line of a kind that a log has, judges again, and puts the log back. */
  async function judgeAfter(kind: string, plant: (words: readonly string[]) => readonly unknown[]): Promise<string> {
    for (const file of await readdir(join(directory, 'logs'))) {
      const path = join(directory, 'logs', file);
      const before = await readFile(path, 'utf8');
      const lines = before.split('\n');
      const last = lines.findLastIndex((line) => line.startsWith(`${kind} `));
      if (last < 0) continue;
      lines[last] = plant((lines[last] ?? '').split(' ')).join(' ');
      await writeFile(path, lines.join('\n'));
      const judged = new Judge({ directory, streams: 20 }).judge();
      const verdict = await judged.catch((cause: unknown) => String(cause));
      await writeFile(path, before);
      return String(verdict);
    }
    throw new Error(`no log has a line of kind ${kind}`);
  }

  test('is judged again as it was, when nothing was changed', async () => {
    const judge = new Judge({ directory, streams: 20 });
    const ends = await judge.judge();
    expect(ends).toHaveLength(20);
    expect(judge.counts.acknowledged).toBeGreaterThan(0);
  });

  test('is refused when something acknowledged is not there', async () => {
    const output = await judgeAfter('a', ([kind, stream]) => [kind, stream, 9_000_000, 9_000_001, 9_000_000, 'ab']);
    expect(output).toMatch(/stream \d+ at 9000000: acknowledged was .*"mark":"ab".*; it holds undefined/);
  });

  test('is refused when other bytes stand where something was acknowledged', async () => {
    const output = await judgeAfter('a', (words) => [...words.slice(0, 5), 'ffffffff']);
    expect(output).toMatch(/stream \d+ at \d+: acknowledged was .*"mark":"ffffffff".*; it holds .*"mark":/);
  });

  test('is refused when something is there that failed with the outcome none', async () => {
    const output = await judgeAfter('a', ([, stream, start, , number]) => ['f', stream, start, number, 'OH', 'none']);
    expect(output).toMatch(/failed with OH and the outcome 'none', and stands in stream \d+ at \d+/);
  });

  test('is refused when a reader saw other bytes, or left something out', async () => {
    const other = await judgeAfter('r', (words) => [...words.slice(0, 6), 'ffffffff']);
    expect(other).toMatch(/reader .* saw .*"mark":"ffffffff".*; it holds .*"mark":/);
    const gap = await judgeAfter('r', ([kind, id, stream, , end, ...rest]) => [
      ...[kind, id, stream, Number(end) + 1, Number(end) + 2],
      ...rest,
    ]);
    expect(gap).toMatch(/stood at \d+ and was given/);
  });
});

test('options that the failover drill cannot follow end it with a sentence', async () => {
  const wrong = [
    [['--fault', '3'], 'unknown or incomplete option --fault'],
    [['--nodes', '2'], '--nodes is at least 3'],
  ] as const;
  for (const [options, sentence] of wrong) {
    const { code, output } = await run(...options);
    expect(output).toContain(sentence);
    expect(code).toBe(2);
  }
});
