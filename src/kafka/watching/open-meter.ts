// A meter for Prometheus: counts what a broker does, watches the stream set below it, and gives all of it as text.
// prom-client is loaded here and nowhere else, when a meter is opened (decision 0031).
import type { Observer } from '../../index.ts';
import type { BrokerMeter } from '../broker-meter.ts';
import { brokerMetrics } from './broker-metrics.ts';
import { engineMetrics, eventMetrics, type WatchedSet } from './engine-metrics.ts';

/** A BrokerMeter whose counts Prometheus can read. */
export interface PrometheusMeter {
  /** For the broker. */
  readonly meter: BrokerMeter;
  /** For the stream set, so that the times of its requests are known. */
  readonly observer: Observer;
  readonly contentType: string;
  /** Names the set whose numbers are read from now on. */
  watch(streams: WatchedSet): void;
  /** All metrics as text. Whoever asks while one is being made is given the same one. */
  text(): Promise<string>;
}

/** Opens a meter. `process` adds the metrics of the process, once in each process. */
export async function openMeter(options: { readonly process?: boolean } = {}): Promise<PrometheusMeter> {
  const { Prometheus } = await import('./prometheus.ts');
  const metrics = new Prometheus();
  const meter = brokerMetrics(metrics);
  const observer = eventMetrics(metrics);
  const read = engineMetrics(metrics);
  if (options.process === true) metrics.addProcess();
  let watched: WatchedSet | undefined;
  let making: Promise<string> | undefined;
  return {
    meter,
    observer,
    contentType: metrics.contentType,
    watch: (streams) => (watched = streams),
    text: () => {
      if (making !== undefined) return making;
      if (watched !== undefined) read(watched);
      return (making = metrics.text().finally(() => (making = undefined)));
    },
  };
}
