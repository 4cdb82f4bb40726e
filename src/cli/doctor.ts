// `qanat doctor`: probes a store, prints the checks as a table, and says what lies in it. It writes what the probe
// writes, and nothing else.
import { systemRuntime } from '../base/runtime.ts';
import { isQanatError } from '../model/errors.ts';
import type { ObjectStore, ProbeReport } from '../store/object-store.ts';
import { probeStore } from '../store/probe-store.ts';
import { seeCluster, seeNodes, seeOthers } from './look-around.ts';
import { describeOthers, describeVerdict, tableOfChecks } from './doctor-lines.ts';

/** What a doctor is given. */
export interface DoctorOptions {
  /** What to call the store. */
  readonly title: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Examines a store. The exit status: 0 if it passed, 1 if something failed. */
export async function runDoctor(store: ObjectStore, { title, print, signal }: DoctorOptions): Promise<number> {
  print(`qanat doctor ${title}\n`);
  try {
    const { checks } = await probed(store, signal);
    for (const line of tableOfChecks(checks)) print(line);
    const failed = checks.filter(({ verdict }) => verdict === 'failed').length;
    if (checks.some(({ permission }) => permission !== undefined)) {
      print(`\nfailed: the credentials lack ${failed} permissions, without which nothing else was tried`);
      return 1;
    }
    const isSound = await lookAround(store, print, signal);
    const result = failed === 0 ? `all ${checks.length} checks passed` : `${failed} of ${checks.length} checks failed`;
    if (failed > 0) print(`\nfailed: ${result}; do not use this store`);
    else if (isSound) print(`\npassed: ${result}`);
    else print(`\nfailed: ${result}, but not all is well with what is in the store`);
    return failed === 0 && isSound ? 0 : 1;
  } catch (cause) {
    if (!isQanatError(cause) && cause !== signal.reason) throw cause;
    print(`failed: ${(cause as Error).message}`);
    return 1;
  }
}

/** A store that cannot be probed by a method of its own is probed from outside. */
function probed(store: ObjectStore, signal: AbortSignal): Promise<ProbeReport> {
  return store.probe?.({ signal }) ?? probeStore(store, { runtime: systemRuntime, signal });
}

/** Says what is in the store. False if that is damaged. */
async function lookAround(store: ObjectStore, print: DoctorOptions['print'], signal: AbortSignal): Promise<boolean> {
  let clusterId: string | undefined;
  let isSound = true;
  try {
    const cluster = await seeCluster(store, signal);
    clusterId = cluster?.clusterId;
    if (cluster === undefined) print('\ncluster  none; the first stream set that is opened here begins one');
    else {
      print(`\ncluster  ${cluster.clusterId} (format ${cluster.formatVersion}), ${describeVerdict(cluster.verdict)}`);
      print(`nodes    ${await seeNodes(store, signal)}`);
    }
  } catch (cause) {
    if (!isQanatError(cause, 'OBJECT_CORRUPT') && !isQanatError(cause, 'FORMAT_UNSUPPORTED')) throw cause;
    print(`\ncluster  ${cause.message}`);
    isSound = false;
  }
  if (isSound) for (const line of describeOthers(await seeOthers(store, clusterId, signal), clusterId)) print(line);
  return isSound;
}
