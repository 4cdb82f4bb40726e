// The one file that knows prom-client: a registry of metrics of our own, and their text. It is loaded only by a process
// that wants metrics (decision 0031), so nothing imports it but types, and open-meter.ts when somebody asks.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics of this package and their text. The registry that prom-client shares among its users is left alone. */
export class Prometheus {
  readonly #registry: Registry = new Registry();

  /** A number that goes up and down: `qanat_<name>`. */
  gauge<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Gauge<L> {
    return new Gauge(this.#described(name, help, labelNames));
  }

  /** A number that only grows: `qanat_<name>`. */
  counter<L extends string>(name: string, help: string, ...labelNames: readonly L[]): Counter<L> {
    return new Counter(this.#described(name, help, labelNames));
  }

  /** Durations in seconds, counted in buckets: `qanat_<name>`. */
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    ...labelNames: readonly L[]
  ): Histogram<L> {
    return new Histogram({ ...this.#described(name, help, labelNames), buckets: [...buckets] });
  }

  /** Adds what prom-client tells of any Node.js process: `process_…` and `nodejs_…`. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics as Prometheus reads them. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #described<L extends string>(name: string, help: string, labelNames: readonly L[]) {
    return { name: `qanat_${name}`, help, labelNames: [...labelNames], registers: [this.#registry] };
  }
}
