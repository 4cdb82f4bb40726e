// A Kafka broker on a stream set: it puts the parts together, starts them in order, and ends them in the reverse order.
// What is stored is the stream set's; the broker can be thrown away.
import { StreamSet, systemRuntime, type Runtime } from '../index.ts';
import { apiVersions } from './apis/api-versions.ts';
import { handlersOf } from './apis/all.ts';
import { silentLog, type BrokerLog } from './broker-log.ts';
import { silentMeter, type BrokerMeter } from './broker-meter.ts';
import type { BrokerParts } from './broker-parts.ts';
import { resolveBrokerSettings, type BrokerSettingsInput } from './broker-settings.ts';
import { openClusterId } from './cluster-id.ts';
import { Deadlines } from './connection/deadlines.ts';
import { Dispatcher } from './connection/dispatcher.ts';
import { KafkaServer } from './connection/server.ts';
import { KafkaRefusal } from './kafka-error.ts';
import { Groups } from './groups/groups.ts';
import { BrokerConfigs } from './topics/broker-configs.ts';
import { Partitions } from './topics/partitions.ts';
import { ProducerIds } from './topics/producer-ids.ts';
import { Retention } from './topics/retention.ts';
import { Topics } from './topics/topics.ts';

/** A host and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Options of starting a broker. */
export interface BrokerOptions {
  /** Where everything is stored. It stays the caller's: closing the broker does not close it. */
  readonly streams: StreamSet;
  /** Where to listen. Default: localhost:9092; port 0 takes any that is free. */
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  /** Where clients are sent, if that is not where the broker listens: behind NAT, in a container. */
  readonly advertise?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  /** The number by which clients know this broker (default 1). */
  readonly nodeId?: number | undefined;
  /** Where it stands, for clients that prefer what is near. */
  readonly rack?: string | undefined;
  /** Settings, under the names that Kafka's server.properties has for them; unknown ones are refused. */
  readonly settings?: BrokerSettingsInput | undefined;
  /** Where its sentences go. Default: nowhere. */
  readonly log?: BrokerLog | undefined;
  /** Where its counts go. Default: nowhere. */
  readonly meter?: BrokerMeter | undefined;
  /** Time and chance. */
  readonly runtime?: Runtime | undefined;
}

/** How a broker ended. */
export type BrokerEnd =
  | { readonly status: 'closed' }
  /** Its stream set ended under it. */
  | { readonly status: 'fenced' | 'failed'; readonly error: Error };

/** A broker that serves clients. Made by `Broker.start`. */
export class Broker {
  /** Where it listens. */
  readonly address: HostPort;
  /** Resolves when it has ended; never rejects. */
  readonly closed: Promise<BrokerEnd>;
  readonly #parts: BrokerParts;
  readonly #server: KafkaServer;
  readonly #retention: Retention;
  #end: (end: BrokerEnd) => void = () => {};
  #closing: Promise<void> | undefined;

  private constructor(parts: BrokerParts, server: KafkaServer, retention: Retention, address: HostPort) {
    this.#parts = parts;
    this.#server = server;
    this.#retention = retention;
    this.address = address;
    this.closed = new Promise((resolve) => (this.#end = resolve));
    void parts.streams.closed.then((reason) => this.#streamsEnded(reason));
  }

  /** Starts a broker: when this resolves, clients can connect. Rejects with the system's error if it cannot listen. */
  static async start(options: BrokerOptions): Promise<Broker> {
    checkOptions(options);
    const { streams, runtime = systemRuntime, log = silentLog, meter = silentMeter } = options;
    const settings = resolveBrokerSettings(options.settings);
    const { nodeId = 1, rack = null } = options;
    const deadlines = new Deadlines(runtime);
    const configs = await BrokerConfigs.load({ streams, settings, nodeId });
    const topics = await Topics.load({ streams, runtime, configs, log });
    const partitions = await Partitions.load({ streams, runtime, topics, settings, log });
    const producerIds = new ProducerIds(streams);
    const groups = await Groups.open({ streams, runtime, settings, log });
    // A crash may have come between the deletion of a topic and this.
    await groups.forgetTopics((name) => topics.byName(name) === undefined);
    topics.subscribe({
      changed: () => {},
      deleted: () => groups.forgetTopics((name) => topics.byName(name) === undefined),
    });
    const retention = new Retention({
      partitions: () => partitions.all(),
      runtime,
      intervalMs: settings['log.retention.check.interval.ms'],
      log,
    });
    const clusterId = await openClusterId(streams.kv, runtime.random);
    const place: { host: string; port: number } = { host: '', port: 0 };
    const parts: BrokerParts = {
      ...{ streams, runtime, settings, log, meter, deadlines, configs, topics, partitions, producerIds, groups },
      identity: {
        ...{ nodeId, rack, clusterId },
        get host() {
          return place.host;
        },
        get port() {
          return place.port;
        },
      },
    };
    try {
      const handlers = handlersOf(parts);
      const all = [...handlers, apiVersions(handlers.map(({ api }) => api))];
      const answering = new Dispatcher({ handlers: all, meter, clock: runtime.clock });
      const server = new KafkaServer({ answering, settings, runtime, log, meter });
      const { host = 'localhost', port = 9_092 } = options.listen ?? {};
      const address = await server.listen(host, port);
      place.host = options.advertise?.host ?? host;
      place.port = options.advertise?.port ?? address.port;
      retention.start();
      void partitions.openExisting(); // Retention is for all of them, also those that nobody asks for.
      log.log('info', 'The broker serves.', { host: address.host, port: address.port, advertised: place.host });
      return new Broker(parts, server, retention, { host, port: address.port });
    } catch (cause) {
      deadlines.close();
      await closeEach([retention, groups, partitions, topics], log);
      throw cause;
    }
  }

  /** Lets what is under way be answered, writes down what a quick start needs, and ends. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown({ status: 'closed' });
    return this.#closing;
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shutDown(end: BrokerEnd): Promise<void> {
    const { deadlines, groups, partitions, topics, log } = this.#parts;
    const served = this.#server.close();
    await closeEach([groups], log); // Members that wait for others are sent away: else they would be waited for.
    await served;
    deadlines.close();
    await closeEach([this.#retention, partitions, topics], log);
    log.log('info', 'The broker has stopped.', { status: end.status });
    this.#end(end);
  }

  #streamsEnded(reason: { readonly status: string; readonly error?: Error }): void {
    const error = reason.error ?? new Error(`the stream set was ${reason.status} under the broker`);
    const status = reason.status === 'fenced' ? 'fenced' : 'failed';
    this.#closing ??= this.#shutDown({ status, error });
  }
}

/** Ends parts one after the other. One that fails, as on a stream set that has ended, does not keep the others. */
async function closeEach(parts: readonly { close(): Promise<void> }[], log: BrokerLog): Promise<void> {
  for (const part of parts) {
    try {
      await part.close();
    } catch (cause) {
      log.log('error', 'A part of the broker did not end cleanly.', { cause: String(cause) });
    }
  }
}

/** Refuses what no broker can be with INVALID_CONFIG. */
function checkOptions({ streams, nodeId = 1, listen, advertise }: BrokerOptions): void {
  const refuse = (message: string): never => {
    throw new KafkaRefusal('INVALID_CONFIG', message);
  };
  if (!(streams instanceof StreamSet)) refuse('streams is an open StreamSet');
  if (!Number.isInteger(nodeId) || nodeId < 0 || nodeId > 2 ** 31 - 1)
    refuse(`nodeId is an integer of at least 0; got ${String(nodeId)}`);
  for (const [name, place] of Object.entries({ listen, advertise })) {
    const { host = 'localhost', port = 9_092 } = place ?? {};
    if (typeof host !== 'string' || host === '') refuse(`the host of ${name} is a name or an address`);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      refuse(`the port of ${name} is from 0 to 65535; got ${port}`);
  }
}
