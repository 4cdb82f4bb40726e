// A vitest reporter that counts what a reader wants to know at the end: how many tests passed, how many things
// failed, and why tests were skipped. Vitest's own counts leave out what never became a test: a file that cannot be
// imported, a hook that throws, an unhandled rejection, a run in which nothing ran. Here each of them is a failure.
// The result goes to the file named by TEST_SUMMARY_FILE (see run.mjs), or to the terminal when there is none.
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestRunEndReason, TestSuite, Vitest } from 'vitest/node';

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly count: number; readonly reason: string }[];
}

const notSelected = 'not selected by the name filter';

export class SummaryReporter implements Reporter {
  #namesFiltered = false;

  onInit(vitest: Vitest): void {
    this.#namesFiltered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly unknown[],
    endReason: TestRunEndReason = 'passed',
  ): void {
    const summary = summarize(modules, unhandledErrors.length, endReason, this.#namesFiltered);
    if (summary.failed > 0) process.exitCode = 1;
    const file = process.env['TEST_SUMMARY_FILE'];
    if (file === undefined) process.stdout.write(`${summaryLines(summary).join('\n')}\n`);
    else writeFileSync(file, JSON.stringify(summary));
  }
}

export function summaryLines({ passed, failed, skipped }: Summary): string[] {
  return [...skipped.map(({ count, reason }) => `${count} skipped: ${reason}`), `${passed} passed, ${failed} failed`];
}

function summarize(
  modules: readonly TestModule[],
  unhandledCount: number,
  endReason: TestRunEndReason,
  namesFiltered: boolean,
): Summary {
  let passed = 0;
  let failed = unhandledCount + (endReason === 'interrupted' ? 1 : 0);
  const skipped = new Map<string, number>();

  for (const module of modules) {
    const failedBefore = failed;
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed++;
      else if (state === 'skipped') {
        const reason = skipReason(test) ?? (namesFiltered ? notSelected : 'no reason given');
        skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
      } else failed++; // Failed, or never finished.
    }
    const ended = module.state() === 'passed' || module.state() === 'skipped';
    if (!ended && failed === failedBefore) failed++;
  }

  const seen = passed + failed + [...skipped].reduce((sum, [why, count]) => sum + (why === notSelected ? 0 : count), 0);
  if (seen === 0) failed = 1;
  return {
    passed,
    failed,
    skipped: [...skipped].map(([reason, count]) => ({ count, reason })).toSorted((a, b) => b.count - a.count),
  };
}

/** What the test said in `ctx.skip('why')`, or `needs …` from a title like `reads from the bucket (needs S3_ENDPOINT)`. */
function skipReason(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return result.note;
  let place: TestCase | TestSuite | TestModule = test;
  while (place.type !== 'module') {
    const needs = /\((needs [^)]+)\)$/.exec(place.name)?.[1];
    if (needs !== undefined) return needs;
    place = place.parent;
  }
  return undefined;
}
