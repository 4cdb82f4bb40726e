// The lines that a doctor prints. Pure.
import type { ProbeVerdict } from '../format/cluster-file.ts';
import type { ProbeCheck } from '../store/object-store.ts';
import type { SeenOthers } from './look-around.ts';

const lineMaxLength = 100;

/** The checks of a probe as a table; what is wrong stands below its check. */
export function tableOfChecks(checks: readonly ProbeCheck[]): readonly string[] {
  const width = Math.max(...checks.map(({ name }) => name.length), 5);
  return [
    `${'check'.padEnd(width)}  verdict    latency`,
    ...checks.flatMap(({ name, verdict, latencyMs, problem }) => [
      `${name.padEnd(width)}  ${verdict.padEnd(7)}  ${latencyMs.toFixed(1).padStart(6)} ms`,
      ...(problem === undefined ? [] : wrapped(problem, lineMaxLength - 4).map((line) => `    ${line}`)),
    ]),
  ];
}

/** When a store was probed, for a cluster. */
export function describeVerdict(verdict: ProbeVerdict | undefined): string {
  if (verdict === undefined) return 'not probed yet';
  return `passed ${verdict.checks} checks of probe ${verdict.version} on ${dateOf(verdict.at)}`;
}

/** What lies beside a cluster. */
export function describeOthers(seen: SeenOthers, clusterId: string | undefined): readonly string[] {
  const { looked, more, foreign, example, probes } = seen;
  const least = more ? 'at least ' : '';
  const which = foreign === 0 ? '' : `, such as ${JSON.stringify(example)}`;
  const fate =
    foreign === 0
      ? ''
      : clusterId === undefined
        ? '; a cluster is begun only where there is nothing else'
        : '; they are never touched';
  const scope = more ? `the first ${looked} keys` : `${looked} keys`;
  const lines = [`foreign  ${least}${foreign} objects${which} (of ${scope})${fate}`];
  if (probes > 0)
    lines.push(
      `probes   ${least}${probes} objects below qanat-probe/ of probes that were cut off; they can be deleted`,
    );
  return lines;
}

/** Breaks a text into lines at its spaces. */
export function wrapped(text: string, length: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > length) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function dateOf(ms: number): string {
  const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'UTC' });
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? `${format.format(ms)} UTC` : 'an unknown day';
}
