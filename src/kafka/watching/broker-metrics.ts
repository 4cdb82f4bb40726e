// The metrics of a broker's own work, and how the calls of BrokerMeter become them.
//
// - Every label has bounded values: names of topics, APIs, errors and reasons after the first so many are `other`.
// - A count costs a fraction of a microsecond and never throws: a number that is none, or below 0, is left out.
import type { AnsweredRequest, BrokerMeter } from '../broker-meter.ts';
import { BoundedNames } from './bounded-names.ts';
import type { Prometheus } from './prometheus.ts';

/** Topics that have series of their own. */
export const topicsMax = 1_000;

/** Names of any other kind. A broker has fewer; this is a bound. */
const wordsMax = 100;

/** Seconds. An append to a file is at the lower end, one to a bucket in the middle, a long poll at the upper end. */
const durationBuckets = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Labels<L extends string> = Partial<Record<L, string | number>>;

interface Counting<L extends string> {
  inc(labels: Labels<L>, amount?: number): void;
}

/** Makes the metrics, and gives what counts into them. */
export function brokerMetrics(metrics: Prometheus): BrokerMeter {
  const counter = <L extends string>(name: string, help: string, ...labelNames: readonly L[]): Counting<L> =>
    metrics.counter(`broker_${name}`, help, ...labelNames);
  const open = metrics.gauge('broker_connections', 'Connections that are open.');
  const opened = counter('connections_opened_total', 'Connections that were opened.');
  const dropped = counter('connections_refused_total', 'Connections that the broker closed for a reason.', 'reason');
  const requests = counter('requests_total', 'Requests that were answered.', 'api', 'version');
  const requestBytes = counter('request_bytes_total', 'Bytes of requests that were answered.', 'api');
  const answerBytes = counter('answer_bytes_total', 'Bytes of answers.', 'api');
  const refusals = counter('refusals_total', 'Parts of requests that were refused.', 'api', 'error');
  const producedBytes = counter('produced_bytes_total', 'Bytes of batches that were appended.', 'topic');
  const producedRecords = counter('produced_records_total', 'Records that were appended.', 'topic');
  const fetchedBytes = counter('fetched_bytes_total', 'Bytes of batches that were handed out.', 'topic');
  const help = 'From the last byte of a request to its answer, waiting included.';
  const durations = metrics.histogram('broker_request_duration_seconds', help, durationBuckets, 'api');

  const topics = new BoundedNames(topicsMax);
  const [apis, errors, reasons] = [new BoundedNames(wordsMax), new BoundedNames(wordsMax), new BoundedNames(wordsMax)];
  const add = <L extends string>(to: Counting<L>, labels: Labels<L>, amount: number): void => {
    if (amount > 0 && amount < Infinity) to.inc(labels, amount);
  };

  return {
    connectionOpened: () => {
      open.inc();
      opened.inc({});
    },
    connectionClosed: () => open.dec(),
    connectionRefused: (reason) => dropped.inc({ reason: reasons.of(reason) }),
    answered: (request: AnsweredRequest) => {
      const api = apis.of(request.api);
      requests.inc({ api, version: knownVersion(request.version) });
      if (request.durationMs >= 0) durations.observe({ api }, request.durationMs / 1_000);
      add(requestBytes, { api }, request.requestBytes);
      add(answerBytes, { api }, request.answerBytes);
    },
    produced: (name, bytes, records) => {
      const topic = topics.of(name);
      add(producedBytes, { topic }, bytes);
      add(producedRecords, { topic }, records);
    },
    fetched: (name, bytes) => add(fetchedBytes, { topic: topics.of(name) }, bytes),
    refused: (api, error) => refusals.inc({ api: apis.of(api), error: errors.of(error) }),
  };
}

/** Versions are small numbers. A client may send any, and a broker may count what it did not know. */
function knownVersion(version: number): number | 'other' {
  return version >= 0 && version < 100 ? version : 'other';
}
