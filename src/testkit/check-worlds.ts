// Runs one simulated world after the other, each drawn from its seed, until one of them breaks a promise; and makes the
// script of that one as short as it can be found to be while it breaks the same promise.
import { drawWorld, type DrawWorldOptions } from './draw-world.ts';
import { shorten } from './shorten.ts';
import { runWorld, type RunWorldOptions, type WorldOutcome } from './world-run.ts';
import { describeStep, type WorldScript } from './world-script.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/** Which worlds are run, and how. */
export interface CheckWorldsOptions extends DrawWorldOptions, RunWorldOptions {
  /** The seed of the first world (default 1); the next one has the next. */
  readonly seed?: number | undefined;
  /** Worlds to run (default 100). */
  readonly worlds?: number | undefined;
  /** Told of each world that kept its promises; gives false to stop. */
  readonly onWorld?: ((seed: number, outcome: WorldOutcome) => boolean | void) | undefined;
  /** Worlds that may be run to shorten the script of one that failed (default 300). */
  readonly shortenRunsMax?: number | undefined;
}

/** What came of it. */
export interface WorldsReport {
  /** Worlds that were run, a failing one counted. */
  readonly worlds: number;
  readonly failure: WorldFailure | undefined;
}

/** A world that broke a promise. */
export interface WorldFailure {
  /** The seed from which the world was drawn. */
  readonly seed: number;
  /** The shortest script found that breaks the same promise. */
  readonly script: WorldScript;
  readonly outcome: WorldOutcome;
}

/** Runs worlds until one breaks a promise. */
export async function checkWorlds(options: CheckWorldsOptions = {}): Promise<WorldsReport> {
  const { seed: first = 1, worlds = 100, onWorld, shortenRunsMax = 300 } = options;
  if (!(Number.isSafeInteger(worlds) && worlds >= 1))
    throw wrongArgument(`worlds is how many to run, 1 or more; got ${shown(worlds)}`);
  for (let ran = 1; ran <= worlds; ran += 1) {
    const seed = first + ran - 1;
    const script = drawWorld(seed, options);
    const outcome = await runWorld(script, options);
    if (outcome.findings.length > 0)
      return { worlds: ran, failure: { seed, ...(await shortened(script, outcome, options, shortenRunsMax)) } };
    if (onWorld?.(seed, outcome) === false) return { worlds: ran, failure: undefined };
  }
  return { worlds, failure: undefined };
}

/** A failure as people read it: what broke, how to repeat it, the script, what happened. */
export function describeWorldFailure({ seed, script, outcome }: WorldFailure): string {
  const { findings, lines } = outcome;
  return [
    `The world of seed ${seed} breaks a promise:`,
    ...findings.map(({ verdict, message }) => `  ${verdict}: ${message}`),
    `The shortest script found, on ${script.members.map(({ node, wal }) => `${node} (${wal} WAL)`).join(', ')}:`,
    ...script.steps.map((step, i) => `  ${i + 1}. ${describeStep(step)}`),
    'As data, for runWorld:',
    `  ${JSON.stringify(script)}`,
    'What happened:',
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

async function shortened(
  script: WorldScript,
  outcome: WorldOutcome,
  options: RunWorldOptions,
  runsMax: number,
): Promise<Pick<WorldFailure, 'script' | 'outcome'>> {
  const verdict = outcome.findings[0]?.verdict;
  let best = { script, outcome };
  const breaks = async (candidate: WorldScript): Promise<boolean> => {
    const found = await runWorld(candidate, options);
    if (!found.findings.some((finding) => finding.verdict === verdict)) return false;
    best = { script: candidate, outcome: found };
    return true;
  };
  await breaks({ ...script, faults: [] });
  const { faults } = best.script;
  await shorten(script.steps, (steps) => breaks({ ...best.script, faults, steps }), runsMax);
  const { steps } = best.script;
  const named = new Set(steps.flatMap((step) => ('node' in step ? [step.node] : [])));
  for (const step of steps) if (step.do === 'recover') named.add(step.of);
  await breaks({ ...best.script, members: script.members.filter(({ node }) => named.has(node)) });
  return best;
}
