// What watches a broker that runs as a program: the admin server, and the metrics that it gives. Both are loaded only
// where `--admin` asks for them (decision 0031). Without it this does nothing.
import { systemRuntime, type StreamSet } from '../index.ts';
import type { BrokerLog } from '../kafka/broker-log.ts';
import type { AdminServer } from '../kafka/watching/admin-server.ts';
import { healthOf, type Health } from '../kafka/watching/health.ts';
import type { PrometheusMeter } from '../kafka/watching/open-meter.ts';
import type { Address } from './addresses.ts';

/** Where a broker stands in its life. */
type Phase = 'starting' | 'serving' | 'closing';

export class BrokerWatch {
  readonly meter: PrometheusMeter | undefined;
  #admin: AdminServer | undefined;
  #streams: StreamSet | undefined;
  #phase: Phase = 'starting';

  private constructor(meter: PrometheusMeter | undefined) {
    this.meter = meter;
  }

  /** Begins, before anything else: what a broker does while it recovers can be watched. Rejects if it cannot listen. */
  static async start(listen: Address | undefined, log: BrokerLog): Promise<BrokerWatch> {
    if (listen === undefined) return new BrokerWatch(undefined);
    const [{ AdminServer }, { openMeter }] = await Promise.all([
      import('../kafka/watching/admin-server.ts'),
      import('../kafka/watching/open-meter.ts'),
    ]);
    const metrics = await openMeter({ process: true });
    const watch = new BrokerWatch(metrics);
    watch.#admin = await AdminServer.start({
      ...{ listen, metrics, log, runtime: systemRuntime },
      health: () => watch.#health(),
    });
    return watch;
  }

  /** Where the admin server listens, if there is one. */
  get address(): Address | undefined {
    return this.#admin?.address;
  }

  /** The stream set is open. */
  opened(streams: StreamSet): void {
    this.#streams = streams;
    this.meter?.watch(streams);
  }

  /** The broker takes connections; or it does so no longer. */
  enters(phase: Phase): void {
    this.#phase = phase;
  }

  async close(): Promise<void> {
    await this.#admin?.close();
  }

  #health(): Health {
    return healthOf({
      stats: this.#streams?.stats(),
      isListening: this.#phase === 'serving',
      isStarting: this.#phase === 'starting',
      isClosing: this.#phase === 'closing',
    });
  }
}
