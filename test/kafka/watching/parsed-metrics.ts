// The text of metrics, read strictly: a line that Prometheus would not take fails the test that reads it.
import { expect } from 'vitest';

/** A metric as its text tells it. */
interface ParsedMetric {
  readonly type: string;
  readonly help: string;
  /** Values by their labels, `{api="Fetch"}`, in the order of the text; by '' where there are none. */
  readonly values: ReadonlyMap<string, number>;
}

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/;

/** Metrics by name; the series of a histogram are values of the histogram, with its suffix before the labels. */
export function parseMetrics(text: string): ReadonlyMap<string, ParsedMetric> {
  const metrics = new Map<string, { type: string; help: string; values: Map<string, number> }>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      const metric = metrics.get(name) ?? { type: '', help: '', values: new Map<string, number>() };
      metrics.set(name, kind === 'HELP' ? { ...metric, help: rest } : { ...metric, type: rest });
      continue;
    }
    const [, series = '', labels = '', value] = sample.exec(line) ?? [];
    expect(value, `a line that cannot be read: ${line}`).toBeDefined();
    const name = metrics.has(series) ? series : series.replace(/_(bucket|sum|count)$/, '');
    const metric = metrics.get(name);
    expect(metric, `a value before its TYPE: ${line}`).toBeDefined();
    metric?.values.set(`${series.slice(name.length)}${labels}`, Number(value));
  }
  return metrics;
}
