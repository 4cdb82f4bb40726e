// Metrics: what is counted is what was done, the numbers of the engine are those of its set, and labels are bounded.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore } from '../../../src/index.ts';
import { topicsMax } from '../../../src/kafka/watching/broker-metrics.ts';
import { openMeter } from '../../../src/kafka/watching/open-meter.ts';
import { bytesOf, openSet } from '../../engine/world.ts';
import { root } from '../../package/source-file.ts';
import { parseMetrics } from './parsed-metrics.ts';

const fetchOf = (durationMs: number) =>
  ({ api: 'Fetch', version: 12, durationMs, requestBytes: 100, answerBytes: 5_000 }) as const;

describe('the metrics of a broker', () => {
  test('count what was done', async () => {
    const opened = await openMeter();
    const { meter } = opened;
    meter.connectionOpened();
    meter.connectionOpened();
    meter.connectionClosed();
    meter.connectionRefused('too large');
    meter.answered(fetchOf(2));
    meter.answered(fetchOf(700));
    meter.answered({ api: 'Produce', version: 9, durationMs: 0, requestBytes: 7, answerBytes: 0 });
    meter.produced('tea', 1_000, 3);
    meter.produced('tea', 500, 1);
    meter.fetched('tea', 1_500);
    meter.refused('Produce', 'CORRUPT_MESSAGE');
    const metrics = parseMetrics(await opened.text());
    const of = (name: string) => Object.fromEntries(metrics.get(`qanat_broker_${name}`)?.values ?? []);
    expect(of('connections')).toEqual({ '': 1 });
    expect(of('connections_opened_total')).toEqual({ '': 2 });
    expect(of('connections_refused_total')).toEqual({ '{reason="too large"}': 1 });
    expect(of('requests_total')).toEqual({ '{api="Fetch",version="12"}': 2, '{api="Produce",version="9"}': 1 });
    expect(of('request_bytes_total')).toEqual({ '{api="Fetch"}': 200, '{api="Produce"}': 7 });
    expect(of('answer_bytes_total')).toEqual({ '{api="Fetch"}': 10_000 });
    expect(of('produced_bytes_total')).toEqual({ '{topic="tea"}': 1_500 });
    expect(of('produced_records_total')).toEqual({ '{topic="tea"}': 4 });
    expect(of('fetched_bytes_total')).toEqual({ '{topic="tea"}': 1_500 });
    expect(of('refusals_total')).toEqual({ '{api="Produce",error="CORRUPT_MESSAGE"}': 1 });
    const durations = of('request_duration_seconds');
    expect(durations).toMatchObject({ '_sum{api="Fetch"}': 0.702, '_count{api="Fetch"}': 2 });
    expect(durations['_bucket{le="0.001",api="Fetch"}']).toBe(0);
    expect(durations['_bucket{le="0.0025",api="Fetch"}']).toBe(1);
    expect(durations['_bucket{le="0.5",api="Fetch"}']).toBe(1);
    expect(durations['_bucket{le="1",api="Fetch"}']).toBe(2);
    expect(durations['_bucket{le="+Inf",api="Produce"}']).toBe(1);
  });

  test('put topics after the first so many together, and take any name', async () => {
    const opened = await openMeter();
    for (let i = 0; i < topicsMax + 50; i += 1) opened.meter.fetched(`topic-${i}`, 1);
    opened.meter.fetched('topic-0', 1);
    const values = parseMetrics(await opened.text()).get('qanat_broker_fetched_bytes_total')?.values;
    expect(values?.size).toBe(topicsMax + 1);
    expect(values?.get('{topic="other"}')).toBe(50);
    expect(values?.get('{topic="topic-0"}')).toBe(2);
  });

  test('leave out numbers that are none, and never throw', async () => {
    const opened = await openMeter();
    const strange = { api: 'a"b\\c\nd', version: -7, durationMs: Number.NaN, requestBytes: -1, answerBytes: Infinity };
    opened.meter.answered(strange);
    opened.meter.produced('t', Number.NaN, -1);
    for (let i = 0; i < 300; i += 1) opened.meter.connectionRefused(`reason ${i}`);
    const metrics = parseMetrics(await opened.text());
    expect([...(metrics.get('qanat_broker_requests_total')?.values ?? [])]).toEqual([
      ['{api="a\\"b\\\\c\\nd",version="other"}', 1],
    ]);
    expect(metrics.get('qanat_broker_connections_refused_total')?.values.size).toBe(101);
    expect(metrics.get('qanat_broker_produced_bytes_total')?.values.size).toBe(0);
  });

  test('are of one broker each: two meters in a process know nothing of each other', async () => {
    const [one, other] = [await openMeter(), await openMeter()];
    one.meter.connectionOpened();
    expect(
      parseMetrics(await other.text())
        .get('qanat_broker_connections')
        ?.values.get(''),
    ).toBe(0);
  });
});

describe('the metrics of the engine', () => {
  test('are the numbers of its set at the moment when they are asked for', async () => {
    const opened = await openMeter();
    const set = await openSet(new MemoryObjectStore(), { observer: opened.observer });
    opened.watch(set);
    const stream = await set.create({ name: 's' });
    await stream.append(bytesOf('tea'));
    await set.upload();
    await stream.append(bytesOf('milk'));
    const reader = stream.read(0);
    expect((await reader).batches.length).toBeGreaterThan(0);
    const metrics = parseMetrics(await opened.text());
    const stats = set.stats();
    const of = (name: string) => metrics.get(`qanat_${name}`)?.values.get('');
    expect(Object.fromEntries(metrics.get('qanat_status')?.values ?? [])).toEqual({
      '{status="open"}': 1,
      '{status="fenced"}': 0,
      '{status="failed"}': 0,
      '{status="closed"}': 0,
    });
    expect(of('appended_bytes_total')).toBe(7);
    expect(of('unuploaded_bytes')).toBe(4);
    expect(of('streams')).toBe(1);
    expect(of('open_streams')).toBe(1);
    expect(of('read_bytes_total')).toBe(stats.readBytes);
    expect(of('journal_index')).toBe(stats.journalIndex);
    expect(of('pending_appends')).toBe(0);
    expect(of('stored_bytes')).toBe(set.cost().storedBytes);
    const requests = metrics.get('qanat_store_requests_total')?.values ?? new Map<string, number>();
    for (const { operation, purpose, requests: count } of stats.requests)
      expect(requests.get(`{operation="${operation}",purpose="${purpose}"}`)).toBe(count);
    expect(requests.size).toBe(stats.requests.length);
    const durations = metrics.get('qanat_store_request_duration_seconds')?.values;
    expect(durations?.get('_count{operation="put",purpose="wal"}')).toBe(2);
    // Asked for again they are the same, not twice as much; afterwards the set is closed, and that can be seen, too.
    const again = parseMetrics(await opened.text());
    for (const name of ['appended_bytes_total', 'store_requests_total', 'store_sent_bytes_total', 'store_cost_total'])
      expect([...(again.get(`qanat_${name}`)?.values ?? [])]).toEqual([
        ...(metrics.get(`qanat_${name}`)?.values ?? []),
      ]);
    await set.close();
    expect(
      parseMetrics(await opened.text())
        .get('qanat_status')
        ?.values.get('{status="closed"}'),
    ).toBe(1);
  });

  test('count what events tell', async () => {
    const opened = await openMeter();
    opened.observer.walSegmentRetried?.({ sequence: 0, attempt: 1, cause: undefined });
    opened.observer.backgroundFailed?.({ work: 'upload', cause: undefined });
    const metrics = parseMetrics(await opened.text());
    expect(metrics.get('qanat_wal_segments_retried_total')?.values.get('')).toBe(1);
    expect(metrics.get('qanat_background_failures_total')?.values.get('{work="upload"}')).toBe(1);
  });
});

describe('all metrics', () => {
  test('have a help, a type and units that Prometheus knows, and are in the table of docs/operations.md', async () => {
    const opened = await openMeter();
    opened.watch(await openSet(new MemoryObjectStore()));
    const metrics = parseMetrics(await opened.text());
    const documented = [...readFileSync(join(root, 'docs', 'operations.md'), 'utf8').matchAll(/^\| `(qanat_\w+)` /gm)];
    expect(documented.map(([, name]) => String(name)).toSorted()).toEqual([...metrics.keys()].toSorted());
    for (const [name, { type, help }] of metrics) {
      expect(help).toMatch(/^[A-Z].*\.$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  test('are joined by those of the process where that is asked for', async () => {
    // In a process of its own: prom-client goes on measuring the event loop until the process ends.
    const program = `import { openMeter } from ${JSON.stringify(join(root, 'dist/kafka/watching/open-meter.js'))};
      console.log(await (await openMeter({ process: true })).text());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    const metrics = parseMetrics(stdout);
    expect(metrics.get('process_resident_memory_bytes')?.values.get('')).toBeGreaterThan(1_000_000);
    expect(metrics.get('nodejs_eventloop_lag_p99_seconds')).toBeDefined();
  });
});
