// A suite that is given what it cannot use says so at once, in a sentence that helps.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryLogScript } from '../../src/testkit/log-arbitraries.ts';
import { checkLog, runLogScript } from '../../src/testkit/log-check.ts';
import { journalSuite } from '../../src/testkit/journal-suite.ts';
import type { LogDriver } from '../../src/testkit/log-driver.ts';
import type { LogScript } from '../../src/testkit/log-script.ts';
import { logSuite } from '../../src/testkit/log-suite.ts';
import { objectStoreSuite } from '../../src/testkit/object-store-suite.ts';
import { walSuite } from '../../src/testkit/wal-suite.ts';
import { ArrayLog } from './array-log.ts';

const suites = { objectStoreSuite, journalSuite, walSuite, logSuite } as unknown as Readonly<
  Record<string, (options?: unknown) => void>
>;
const open = async (): Promise<never> => Promise.reject(new Error('nothing is opened here'));

/** What a call throws, or what its promise rejects with. */
async function thrownBy(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (cause) {
    return cause;
  }
  return undefined;
}

async function expectWrong(act: () => unknown, part: string): Promise<void> {
  const thrown = await thrownBy(act);
  expect(thrown).toBeInstanceOf(TypeError);
  expect(thrown).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(part) as string });
}

describe.each(Object.entries(suites))('%s', (name, suite) => {
  const declared: string[] = [];
  const declare = (title: string): void => void declared.push(title);

  test.each<readonly [string, unknown, string]>([
    ['nothing', undefined, `${name} is given { test, open: async () => … }; got undefined`],
    ['no object', 'open', `${name} is given { test, open: async () => … }; got "open"`],
    ['no factory', { test: declare }, `open of ${name} is a function that opens a fresh thing to test`],
    ['a factory that was called already', { test: declare, open: {} }, `open of ${name} is a function`],
    ['no runner', { open }, `test of ${name} is the function of your runner that declares a test`],
    ['a runner that is no function', { test: 'vitest', open }, 'such as test of node:test or of vitest'],
    ['a misspelt option', { test: declare, open, opne: open }, 'has no field opne; it has test, open'],
    ['an option of nobody', { test: declare, open, openn: open }, "did you mean 'open'?"],
  ])('refuses %s', async (_, options, part) => {
    await expectWrong(() => suite(options), part);
    expect(declared).toEqual([]);
  });

  test('declares tests where all is well', () => {
    suite({ test: declare, open });
    expect(declared.length).toBeGreaterThan(10);
  });
});

const wrongValues: readonly (readonly [string, object, string])[] = [
  ['objectStoreSuite', { offers: ['reopn'] }, 'got "reopn"; did you mean \'reopen\'?'],
  ['objectStoreSuite', { offers: 'reopen' }, 'offers is a list of strings; got "reopen"'],
  ['objectStoreSuite', { keysRefused: [1] }, 'keysRefused is a list of strings'],
  ['walSuite', { patienceMs: -1 }, 'patienceMs is an integer of at least 1; got -1'],
  ['logSuite', { seed: 'seven' }, 'a seed is an integer'],
  ['logSuite', { seed: Number.NaN }, 'a seed is an integer'],
  ['logSuite', { runs: 0 }, 'runs is an integer of at least 1; got 0'],
  ['logSuite', { commands: 2.5 }, 'commands is an integer of at least 1; got 2.5'],
  ['logSuite', { simulate: 'yes' }, 'simulate is true or false; got "yes"'],
  ['logSuite', { path: 3 }, "path is a string as a failure printed it, such as '3:1:0'; got 3"],
  ['logSuite', { callLimitMs: '1s' }, 'callLimitMs is an integer'],
  ['logSuite', { requestsPerOperationMax: 0 }, 'requestsPerOperationMax is an integer of at least 1'],
  ['logSuite', { simulated: true }, "did you mean 'simulate'?"],
];

test.each(wrongValues)('%s refuses %o', async (name, options, part) => {
  await expectWrong(() => suites[name]?.({ test: () => {}, open, ...options }), part);
});

describe('a check of a log', () => {
  const script: LogScript = { seed: 1, operations: [{ do: 'wait' }] };
  const opening = (log: unknown) => ({ open: async () => log as LogDriver, simulate: true });

  test('refuses what it cannot use', async () => {
    await expectWrong(() => checkLog({} as never), 'open of checkLog is a function');
    await expectWrong(() => checkLog({ open, run: 3 } as never), "did you mean 'runs'?");
    await expectWrong(() => runLogScript(script, undefined as never), 'runLogScript is given an object');
    await expectWrong(() => runLogScript({ seed: 1 } as never, { open }), 'a script is { seed, operations: [');
    await expectWrong(() => runLogScript({ operations: [] } as never, { open }), 'a seed is an integer');
    await expectWrong(() => arbitraryLogScript({} as never), "import fc from 'fast-check'");
    await expectWrong(() => arbitraryLogScript(fc, 0), 'operationsMax is an integer of at least 1; got 0');
  });

  test('refuses what is no log, and says what it lacks', async () => {
    await expectWrong(() => runLogScript(script, opening(undefined)), 'open gives a promise of a LogDriver');
    await expectWrong(() => runLogScript(script, opening({ create: () => {} })), 'has no method open');
    const halfLog = opening({ ...methodsOf(new ArrayLog({} as never)), crash: true });
    await expectWrong(() => runLogScript(script, halfLog), 'crash of a log is a method; it is a boolean');
    await expectWrong(() => checkLog(opening({})), 'has no method create');
  });

  test('tells what was left out', async () => {
    const options = { open: async ({ runtime }: { runtime: never }) => new ArrayLog(runtime), simulate: true };
    const { leftOut } = await checkLog({ ...options, runs: 30 } as never);
    expect(leftOut).toContain('appendOnce');
    expect(leftOut).not.toContain('follow');
  });
});

test('arbitrary scripts can be used in a property of one’s own', async () => {
  const scripts: fc.Arbitrary<LogScript> = arbitraryLogScript(fc, 12);
  const property = fc.asyncProperty(scripts, async (script) => {
    expect(script.operations.length).toBeLessThanOrEqual(12);
    const { violation } = await runLogScript(script, {
      simulate: true,
      open: async ({ runtime }) => new ArrayLog(runtime),
    });
    expect(violation).toBeUndefined();
  });
  await fc.assert(property, { numRuns: 20, seed: 1 });
});

/** The methods of a log, as an object of its own. */
function methodsOf(log: ArrayLog): Record<string, unknown> {
  const names = [
    'create',
    'open',
    'append',
    'range',
    'read',
    'trim',
    'closeStream',
    'delete',
    'reopen',
    'close',
  ] as const;
  return Object.fromEntries(names.map((name) => [name, log[name].bind(log)]));
}
