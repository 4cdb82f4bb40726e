// Every bench runs in a tiny size and reports what it is meant to: so that benches do not rot. Their figures mean
// nothing at this size; that they are there, and belong to work that was done, is what is looked at.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../bench/', import.meta.url);
const execute = promisify(execFile);

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

interface Figure {
  readonly what: string;
  readonly value: Spread;
  readonly also?: Readonly<Record<string, Spread>>;
}

interface Calibrator extends Figure {
  readonly unavailable?: string;
  readonly ratio: Spread;
  readonly cpuRatio?: Spread;
  readonly goal?: object;
  readonly verdict?: string;
}

/** What a bench says in its line of JSON. */
interface Report {
  readonly name: string;
  readonly rounds: number;
  readonly checksum: number;
  readonly subject: Figure;
  readonly calibrators: readonly Calibrator[];
  readonly requests: readonly { readonly operation: string; readonly purpose: string; readonly requests: number }[];
  readonly machine: Readonly<Record<string, unknown>>;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly reports: readonly Report[];
}

async function run(name: string, ...words: readonly string[]): Promise<Outcome> {
  const path = fileURLToPath(new URL(`${name}.mjs`, folder));
  return outcomeOf(execute(process.execPath, [path, ...words]));
}

async function outcomeOf(running: Promise<{ stdout: string; stderr: string }>): Promise<Outcome> {
  const failed = (cause: { code: number; stdout: string; stderr: string }): typeof cause => cause;
  const { stdout, stderr, ...rest } = await running.catch(failed);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const reports = lines.map((line) => JSON.parse(line) as Report);
  return { code: 'code' in rest ? (rest.code as number) : 0, stdout, stderr, reports };
}

/** Each bench, the cases it has in a tiny size, and a purpose for which it must have asked the store. */
const benches = [
  { name: 'append', words: ['--wal', 'file'], cases: 4, purpose: 'upload' },
  { name: 'append', words: ['--wal', 'file', '--uploads', 'on', '--c', 'off'], cases: 4, purpose: undefined },
  { name: 'append', words: ['--wal', 'object'], cases: 4, purpose: 'wal' },
  { name: 'tail-read', words: [], cases: 4, purpose: undefined },
  { name: 'append-latency', words: [], cases: 2, purpose: 'wal' },
  { name: 'append-store', words: ['--payload', 'unsigned'], cases: 2, purpose: 'wal' },
  { name: 'catch-up', words: [], cases: 2, purpose: 'read' },
  { name: 'catch-up', words: ['--endpoint', 'fake'], cases: 2, purpose: 'read' },
  { name: 'price', words: [], cases: 1, purpose: 'wal' },
  { name: 'steady', words: ['--wal', 'file'], cases: 1, purpose: undefined },
  { name: 'steady', words: ['--wal', 'object'], cases: 1, purpose: 'wal' },
  { name: 'recover', words: [], cases: 2, purpose: undefined },
  { name: 'move', words: [], cases: 1, purpose: undefined },
  { name: 'tail-beside-catch-up', words: ['--wal', 'file'], cases: 1, purpose: 'read' },
  { name: 'kafka-produce', words: [], cases: 1, purpose: 'upload' },
  { name: 'kafka-fetch', words: ['--cases', 'tail'], cases: 1, purpose: undefined },
  { name: 'kafka-fetch', words: ['--cases', 'catch-up'], cases: 1, purpose: undefined },
];

it('runs every bench that there is', () => {
  const parts = ['harness', 'place', 'run', 's3-service'];
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
  const names = files.map((file) => file.replace('.mjs', '')).filter((name) => !parts.includes(name));
  expect([...new Set(benches.map(({ name }) => name))].toSorted()).toEqual(names.toSorted());
});

describe.concurrent.each(benches)('$name $words', ({ name, words, cases, purpose }) => {
  it('reports ratios, requests and checksums of work that was done', async () => {
    const { code, stderr, stdout, reports } = await run(name, '--size', 'tiny', ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toHaveLength(cases);
    for (const report of reports) {
      expect(stdout).toContain(`\n${report.name}\n`);
      expect(report.rounds).toBe(2);
      expect(report.checksum).toBeGreaterThan(0);
      expect(report.subject.value.min).toBeGreaterThan(0);
      expect(report.machine).toMatchObject({ node: process.version, loadBefore: expect.any(Number) as number });
      const present = report.calibrators.filter(({ unavailable }) => unavailable === undefined);
      expect(present.length).toBeGreaterThan(0);
      for (const { ratio, value } of present) {
        expect(value.min).toBeGreaterThan(0);
        expect(ratio.min).toBeGreaterThan(0);
        expect(ratio.min <= ratio.median && ratio.median <= ratio.max).toBe(true);
      }
      if (purpose !== undefined) expect(report.requests.map((row) => row.purpose)).toContain(purpose);
    }
  });
});

it('prices what a proxy counts as the set does, and no request of a set at rest', async () => {
  const { reports } = await run('price', '--size', 'tiny', '--idle', '0.5', '--rounds', '1');
  const also = reports[0]?.subject.also ?? {};
  expect(also['requests in 0.5 s of rest']?.max).toBe(0);
  expect(also['requests that the set counted beyond the proxy']).toEqual({ median: 0, min: 0, max: 0 });
  expect(reports[0]?.calibrators[0]?.value.median).toBe(128);
});

describe('the arguments of a bench', () => {
  it.each([
    [['--speed', '3'], /--speed/],
    [['--rounds', 'many'], /--rounds takes numbers above 0, not 'many'/],
    [['--rounds', '0'], /--rounds takes numbers above 0/],
    [['--size', 'huge'], /--size is tiny or real, not huge/],
    [['append'], /append/],
  ])('%s ends it with a sentence', async (words, sentence) => {
    const { code, stderr, reports } = await run('steady', ...words);
    expect({ code, reports }).toEqual({ code: 2, reports: [] });
    expect(stderr).toMatch(sentence);
    expect(stderr).toContain('--seconds');
  });

  it('a WAL that does not exist ends it, too', async () => {
    expect(await run('append', '--wal', 'paper')).toMatchObject({ code: 2, stderr: expect.stringContaining('paper') });
  });

  it('so does a server that cannot be one', async () => {
    const nowhere = await run('price', '--endpoint', 'nowhere');
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('nowhere') });
    expect(await run('price', '--payload', 'some')).toMatchObject({ code: 2, stderr: expect.stringContaining('some') });
  });

  it('a bench that does not exist ends with the names of those that do', async () => {
    const { code, stderr } = await run('run', 'sleep');
    expect(code).toBe(2);
    for (const { name } of benches) expect(stderr).toContain(name);
  });
});

describe('the harness', () => {
  it('lets contenders take turns, and takes the ratio round by round', async () => {
    const [report] = await runFixed(`
      const order = [];
      const values = { a: [99, 10, 40, 90], b: [1, 10, 20, 30] };
      const of = (name) => ({ what: name, run: async (round) => {
        order.push(name + round);
        return { value: values[name][round + 1], checksum: 7 };
      } });
      await bench({ name: 'fixed', unit: 'x', goal: { ratio: 1 }, rounds: 3, subject: of('a'), calibrator: of('b') });
      process.stderr.write(order.join(' '));`);
    expect(report.stderr).toBe('a-1 b-1 a0 b0 b1 a1 a2 b2');
    const [{ subject, calibrators, checksum } = expect.fail('no report')] = report.reports;
    expect(subject.value).toEqual({ median: 40, min: 10, max: 90 });
    expect(calibrators[0]?.ratio).toEqual({ median: 2, min: 1, max: 3 });
    expect(checksum).toBe(21);
  });

  it.each([
    ['higher', { ratio: 1 }, [1, 2, 3], 'met'],
    ['higher', { ratio: 1 }, [0.5, 2, 3], 'unclear'],
    ['higher', { ratio: 1 }, [0.5, 0.8, 3], 'unclear'],
    ['higher', { ratio: 1 }, [0.5, 0.8, 0.9], 'missed'],
    ['lower', { value: 20 }, [10, 18, 20], 'met'],
    ['lower', { value: 20 }, [10, 18, 30], 'unclear'],
    ['lower', { value: 20 }, [21, 22, 30], 'missed'],
  ])('where %s is better, calls the goal %j with %j %s', async (better, goal, values, verdict) => {
    const [{ reports }] = await runFixed(`
      const run = (values) => async (round) => ({ value: values[Math.max(round, 0)], checksum: 1 });
      const subject = { what: 'a', run: run(${JSON.stringify(values)}) };
      const calibrator = { what: 'b', run: run([1, 1, 1]) };
      const goal = ${JSON.stringify(goal)};
      await bench({ name: 'fixed', unit: 'x', better: '${better}', goal, rounds: 3, subject, calibrator });`);
    expect(reports[0]?.calibrators[0]).toMatchObject({ goal, verdict });
  });

  it('says so when a calibrator cannot run here', async () => {
    const [{ reports, stdout }] = await runFixed(`
      const run = async () => ({ value: 2, checksum: 1 });
      const calibrator = [{ what: 'b', run }, { what: 'c', unavailable: 'there is no compiler' }];
      await bench({ name: 'fixed', unit: 'x', rounds: 1, subject: { what: 'a', run }, calibrator });`);
    expect(stdout).toContain('skipped: there is no compiler');
    expect(reports[0]?.calibrators[1]).toEqual({ what: 'c', unavailable: 'there is no compiler' });
  });

  /** Runs a program that uses the harness on figures that are given. */
  async function runFixed(program: string): Promise<readonly [Outcome]> {
    const head = `import { bench } from ${JSON.stringify(new URL('harness.mjs', folder).href)};`;
    const words = ['--input-type=module', '--eval', `${head}\n${program}`];
    return [await outcomeOf(execute(process.execPath, words))];
  }
});
