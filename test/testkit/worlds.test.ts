// Simulated worlds: some hundred of them keep every promise, each is the same wherever it runs, one that breaks a
// promise prints how to repeat it, and wrong input is told so.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, type FileWalOptions, type WalFactory } from '../../src/index.ts';
import { checkWorlds, describeWorldFailure } from '../../src/testkit/check-worlds.ts';
import { drawWorld } from '../../src/testkit/draw-world.ts';
import { SimWorld } from '../../src/testkit/sim-world.ts';
import { runWorld } from '../../src/testkit/world-run.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';

/** Small files, of which a world meets many ends. */
const sizes = { fileSizeBytes: 65_536, sparesMax: 2, groupSizeMaxBytes: 32_768, segmentSizeBytes: 4_096 };
const fileWal = (options: FileWalOptions): WalFactory => fileWalOfSizes(options, sizes);

describe('worlds', () => {
  test('of 200 seeds keep every promise', { timeout: 300_000 }, async () => {
    const totals = { worlds: 0, calls: 0, acknowledged: 0, starts: 0, crashes: 0, simulatedHours: 0 };
    const kinds = new Set<string>();
    const { failure } = await checkWorlds({
      ...{ seed: 1, worlds: 200, fileWal },
      onWorld: (_, { counts }) => {
        totals.worlds += 1;
        for (const name of ['calls', 'acknowledged', 'starts', 'crashes'] as const) totals[name] += counts[name];
        totals.simulatedHours += counts.simulatedMs / 3_600_000;
        for (const kind of Object.keys(counts.faults)) kinds.add(kind);
      },
    });
    if (failure !== undefined) throw new Error(describeWorldFailure(failure));
    console.info(totals, [...kinds].toSorted().join(', '));
    expect(totals.worlds).toBe(200);
    expect(totals.acknowledged).toBeGreaterThan(1_500);
    expect(totals.crashes).toBeGreaterThan(300);
    const met = ['cut-off', 'cut-power', 'jump-clock', 'kill', 'stop', 'start empty', 'start other', 'late-put'];
    expect([...kinds]).toEqual(expect.arrayContaining(met));
  });

  test('break a promise where the bucket overwrites in spite of a condition, and say how to repeat it', async () => {
    const bucket = (): MemoryObjectStore => {
      const store = new MemoryObjectStore();
      const put = store.put.bind(store);
      store.put = (key, body, { purpose, signal, if: condition }) =>
        put(key, body, condition === 'absent' ? { purpose, signal } : { purpose, signal, if: condition });
      return store;
    };
    const { failure } = await checkWorlds({ seed: 1, worlds: 100, fileWal, bucket, shortenRunsMax: 60 });
    if (failure === undefined) throw new Error('a bucket without conditions was not found');
    const { seed, script, outcome } = failure;
    expect(script.steps.length).toBeLessThan(drawWorld(seed).steps.length);
    const again = await runWorld(script, { fileWal, bucket });
    expect(again.digest).toBe(outcome.digest);
    expect(again.findings).toEqual(outcome.findings);
    const printed = describeWorldFailure(failure);
    expect(printed).toContain(`The world of seed ${seed} breaks a promise:`);
    expect(printed).toContain(JSON.stringify(script));
  });
});

describe('the same seed gives the same history, byte for byte', () => {
  const seeds = [2, 4, 6, 25];
  const child = fileURLToPath(new URL('world-digests.mjs', import.meta.url));
  const digestsBy = async (node: string, cwd: string, env: Record<string, string>): Promise<string> => {
    const { stdout } = await promisify(execFile)(node, [child, ...seeds.map(String)], {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
    });
    return stdout;
  };
  const here = async (): Promise<string> => {
    const digests: string[] = [];
    for (const seed of seeds) digests.push((await runWorld(drawWorld(seed))).digest);
    return `${digests.join('\n')}\n`;
  };

  test(
    'twice in one process, and in processes of other times, languages and places',
    { timeout: 120_000 },
    async () => {
      const first = await here();
      expect(await here()).toBe(first);
      expect(new Set(first.split('\n')).size).toBe(seeds.length + 1);
      const place = mkdtempSync(join(tmpdir(), 'qanat-world-'));
      try {
        expect(await digestsBy(process.execPath, place, { TZ: 'Pacific/Apia', LANG: 'ar_EG.UTF-8' })).toBe(first);
        expect(await digestsBy(process.execPath, '/', { TZ: 'America/St_Johns', LC_ALL: 'tr_TR' })).toBe(first);
      } finally {
        rmSync(place, { recursive: true });
      }
    },
  );

  test('on another version of Node', { timeout: 120_000 }, async (ctx) => {
    const others = otherNodes();
    if (others.length === 0) return ctx.skip('no other version of Node on this machine (QANAT_OTHER_NODE names one)');
    const first = await here();
    for (const node of others) expect(await digestsBy(node, process.cwd(), {})).toBe(first);
  });
});

/** Other versions of Node that are installed here: the one that the environment names, and those of version managers. */
function otherNodes(): string[] {
  const named = process.env['QANAT_OTHER_NODE'];
  if (named !== undefined) return [named];
  const versions = join(homedir(), '.nvm', 'versions', 'node');
  const found = existsSync(versions) ? readdirSync(versions) : [];
  const [own] = process.versions.node.split('.');
  return found
    .filter((name) => Number(/^v(\d+)/.exec(name)?.[1]) >= 20 && !name.startsWith(`v${own}.`))
    .map((name) => join(versions, name, 'bin', 'node'));
}

describe('wrong input', () => {
  test('is told what is right', async () => {
    const wrong = 'x' as unknown as number;
    expect(() => new SimWorld({ seed: wrong })).toThrow(/a seed is an integer.*got "x"/);
    expect(() => new SimWorld(undefined as never)).toThrow(/a world is made of/);
    expect(() => drawWorld(wrong)).toThrow(/a seed is an integer/);
    expect(() => drawWorld(1, { nodes: 0 })).toThrow(/nodes is a whole number, 1 or more; got 0/);
    await expect(checkWorlds({ worlds: -1 })).rejects.toThrow(/worlds is how many to run/);
    await expect(checkWorlds({ seed: 1.5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('of the command ends with 2 and a sentence', () => {
    const command = fileURLToPath(new URL('../simulate.mjs', import.meta.url));
    for (const [args, sentence] of [
      [['--seed', 'x'], `--seed is a whole number; got 'x'`],
      [['--minutes', '0'], `--minutes is a number above 0; got '0'`],
      [['--nodes', ''], `--nodes is a whole number from 1; got ''`],
      [['--sed', '1'], `Unknown option '--sed'`],
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
      expect(stderr).toContain(sentence);
      expect(stderr).toContain('usage: npm run simulate');
      expect(status).toBe(2);
    }
  });

  test('of the command: a few worlds end with 0 and what was tried', () => {
    const command = fileURLToPath(new URL('../simulate.mjs', import.meta.url));
    const args = ['--seed', '70', '--worlds', '3', '--nodes', '2'];
    const { status, stdout } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
    expect(stdout).toMatch(/^3 worlds, \d+ operations, \d+ appends acknowledged, \d+ starts, \d+ crashes/m);
    expect(stdout).toMatch(/every promise was kept\n$/);
    expect(status).toBe(0);
  });
});
