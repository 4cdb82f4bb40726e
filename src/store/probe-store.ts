// The probe: tries on a real service what the contract of an object store demands, with some ninety small requests in a
// folder of its own, and says of each rule whether it holds, what happened instead, and what to do.
//
// - It leaves nothing behind, also when it fails: every key it has written is deleted at the end. If the process dies
//   meanwhile, or may not delete, `qanat-probe/` is what to delete by hand; nothing of the engine lies there.
// - Permissions that are missing are all named, each by a check of its own, before anything else is asked.
// - An answer 'unknown' is asked again with fresh keys, a bounded number of times. A store that is not available is no
//   finding: the probe rejects with STORE_UNAVAILABLE, and whoever called it can try again.
// - No check is passed because a request failed: what a check did not see, it does not say.
import { throwIfAborted } from '../base/abort.ts';
import { mapLimited } from '../base/limiter.ts';
import { drawId, type Runtime } from '../base/runtime.ts';
import { isQanatError, type QanatError } from '../model/errors.ts';
import { probePrefix } from '../model/object-key.ts';
import { conditionQuestions } from './probe-condition-checks.ts';
import { unclear, wrong, type Finding } from './probe-findings.ts';
import { ProbeFolder, probeTries, type BeginSlowPut, type ProbeRun } from './probe-folder.ts';
import { firstQuestions, uploadsQuestion, valueQuestions, type ProbeQuestion } from './probe-questions.ts';
import type { ObjectStore, ProbeCheck, ProbeReport, RequestTally } from './object-store.ts';

/** Raised when the probe asks more than before: clusters whose verdict is older are probed again. */
export const probeVersion = 1;

/** What a probe is given. */
export interface ProbeStoreOptions {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal | undefined;
  /** Who counts the requests. */
  readonly tally?: RequestTally | undefined;
  /** Stops a body in the middle, where the transport can: only then is the race of half a body run. */
  readonly slowPut?: BeginSlowPut | undefined;
}

/** Checks that go on at the same time; a race has eight requests under way by itself. */
const checksAtOnce = 4;

/** Probes a store. Rejects if it is not available, if the signal fires, or if it is misconfigured as a whole. */
export async function probeStore(store: ObjectStore, options: ProbeStoreOptions): Promise<ProbeReport> {
  const { runtime, signal, tally, slowPut } = options;
  throwIfAborted(signal);
  const request = { purpose: 'probe', signal, tally } as const;
  const run: ProbeRun = { store, runtime, request, slowPut, written: new Set() };
  const folder = `${probePrefix}${drawId(runtime.random)}/`;
  try {
    return { checks: await askAll(run, folder) };
  } finally {
    const cleaned = cleanUp(run);
    if (signal?.aborted !== true) await cleaned; // Whoever gives up does not wait.
  }
}

async function askAll(run: ProbeRun, prefix: string): Promise<readonly ProbeCheck[]> {
  const checks: ProbeCheck[] = [];
  const firstFolder = new ProbeFolder(run, `${prefix}first/`);
  for (const [index, question] of firstQuestions.entries())
    checks.push(await askFirst(question, firstFolder, index === 0));
  const isUsable = checks.every(({ verdict }) => verdict === 'passed');
  if (run.store.abortUploads !== undefined) checks.push(await askFirst(uploadsQuestion, firstFolder, false));
  if (!isUsable || checks.some(({ permission }) => permission !== undefined)) return checks;
  const questions = [...conditionQuestions, ...valueQuestions].filter(
    ({ needsSlowPut = false }) => run.slowPut !== undefined || !needsSlowPut,
  );
  const asked = await mapLimited(questions, checksAtOnce, async (question, index) => {
    const folder = (tries: number): ProbeFolder => new ProbeFolder(run, `${prefix}${index}-${tries}/`);
    // The others are waited for when one fails, so that no put is under way when the keys are deleted.
    return askUntilClear(question, folder).catch((cause: unknown) => ({ cause }));
  });
  return [...checks, ...asked.map((one) => ('cause' in one ? rethrow(one.cause) : one))];
}

/**
 * One of the first questions, in the folder of all of them. What is wrong with the first request of all is wrong with
 * everything (the bucket, the credentials, the region), unless only this permission is missing.
 */
async function askFirst(question: ProbeQuestion, folder: ProbeFolder, isVeryFirst: boolean): Promise<ProbeCheck> {
  return askUntilClear(
    question,
    () => folder,
    (cause) => {
      if (cause.code === 'STORE_UNAVAILABLE' || (isVeryFirst && permissionOf(cause) === undefined)) throw cause;
    },
  );
}

/** Asks until there is an answer. What failed and is no answer rejects. */
async function askUntilClear(
  question: ProbeQuestion,
  folderOf: (tries: number) => ProbeFolder,
  onFailure: (cause: QanatError) => void = () => {},
): Promise<ProbeCheck> {
  const durationsMs: number[] = [];
  for (let tries = 1; ; tries++) {
    const folder = folderOf(tries);
    let finding: Finding;
    let permission: string | undefined;
    try {
      finding = await question.ask(folder);
      if (finding !== undefined && folder.hasHesitated) finding = unclear(finding.text);
    } catch (cause) {
      if (!isQanatError(cause)) throw cause;
      onFailure(cause);
      // If the store still answers something else it is there, and this is what it cannot do.
      if (cause.code === 'STORE_UNAVAILABLE') await folder.list();
      permission = permissionOf(cause);
      finding = cause.code === 'STORE_UNAVAILABLE' ? unclear(cause.message) : wrong(problemOf(cause));
    }
    durationsMs.push(...folder.takeDurations());
    const latencyMs = medianOf(durationsMs);
    const { name, cure } = question;
    if (finding === undefined) return { name, verdict: 'passed', latencyMs };
    // What a store itself says of a failure tells what to do; what it did wrongly does not.
    if (permission !== undefined) return { name, verdict: 'failed', problem: finding.text, permission, latencyMs };
    const problem = `${finding.text}; ${cure}`;
    if (finding.kind === 'wrong') return { name, verdict: 'failed', problem, latencyMs };
    if (tries === probeTries)
      return { name, verdict: 'failed', problem: `no clear answer in ${tries} tries: ${problem}`, latencyMs };
    await folder.wait(tries);
  }
}

async function cleanUp({ store, request, written }: ProbeRun): Promise<void> {
  if (written.size === 0) return;
  // Whether deleting works is a check of its own; here nobody can do anything about a failure.
  await store.delete([...written], { ...request, signal: undefined }).catch(() => undefined);
}

function permissionOf(cause: QanatError): string | undefined {
  return cause.code === 'STORE_UNSUITABLE' ? cause.permission : undefined;
}

function problemOf(cause: QanatError): string {
  return cause.code === 'STORE_UNSUITABLE' ? cause.problem : cause.message;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function rethrow(cause: unknown): never {
  throw cause;
}
