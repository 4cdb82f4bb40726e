// Runs the probe of a store for a cluster that has no verdict of it yet: the verdict to be kept, or an error that names
// every rule that the store does not keep and every permission that is missing.
import { sleep } from '../base/abort.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import type { ProbeVerdict } from '../format/cluster-file.ts';
import { isQanatError, qanatError, type FailedCheck } from '../model/errors.ts';
import type { ObjectStore, ProbeCheck, ProbeReport } from '../store/object-store.ts';
import { probeVersion } from '../store/probe-store.ts';

const retryDelay = { delayMinMs: 100, delayMaxMs: 5_000 };

/** Probes a store, again while it is not available. Undefined if it cannot be probed; a failed check rejects. */
export async function probeForVerdict(
  runtime: Runtime,
  options: {
    readonly probe?: ObjectStore['probe'];
    readonly deadlineMs: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ProbeVerdict | undefined> {
  const { probe, deadlineMs, signal } = options;
  if (probe === undefined) return undefined;
  const startedAt = runtime.clock.monotonic();
  let report: ProbeReport | undefined;
  for (let attempts = 1; report === undefined; attempts++) {
    try {
      report = await probe({ signal });
    } catch (cause) {
      const isLate = runtime.clock.monotonic() - startedAt >= deadlineMs;
      if (!isQanatError(cause, 'STORE_UNAVAILABLE') || isLate) throw cause;
      await sleep(runtime, backoffDelayMs(attempts, retryDelay, runtime.random), signal);
    }
  }
  const failed = report.checks.filter(({ verdict }) => verdict === 'failed');
  if (failed.length > 0) throw probeFailed(failed, report.checks.length);
  return { version: probeVersion, at: runtime.clock.now(), checks: report.checks.length };
}

/** The error of a store that has failed some checks. */
function probeFailed(failed: readonly ProbeCheck[], checkCount: number): Error {
  const failedChecks = failed.map(({ name, problem = 'no reason given', permission }): FailedCheck => {
    return permission === undefined ? { name, problem } : { name, problem, permission };
  });
  const missing = failed.flatMap(({ permission }) => permission ?? []);
  const problem =
    missing.length === failed.length
      ? `the credentials lack ${missing.join(', ')}`
      : `it failed ${failed.length} of ${checkCount} checks of the probe`;
  const list = failedChecks.map(({ name, problem: what }) => `\n- ${name}: ${what}`).join('');
  const message = `this store cannot be used: ${problem}${list}`;
  const permission = missing.length === failed.length ? missing[0] : undefined;
  return qanatError('STORE_UNSUITABLE', message, {
    ...{ problem, failedChecks },
    ...(permission === undefined ? {} : { permission }),
  });
}
