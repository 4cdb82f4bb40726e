// The listening socket and its connections: how many there may be, how long each may be silent, and how all of them
// end.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Runtime, Timer } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import type { BrokerMeter } from '../broker-meter.ts';
import type { BrokerSettings } from '../broker-settings.ts';
import { KafkaRefusal } from '../kafka-error.ts';
import { ByteGate } from './byte-gate.ts';
import { Connection, type Answering, type ConnectionProblem } from './connection.ts';

export interface ServerOptions {
  readonly answering: Answering;
  readonly settings: BrokerSettings;
  readonly runtime: Runtime;
  readonly log: BrokerLog;
  readonly meter: BrokerMeter;
}

/** How often connections are looked at for being idle or slow. */
const checkIntervalMs = 1_000;

/** How long what is under way may take when the server ends. */
const endMaxMs = 5_000;

export class KafkaServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  readonly #requests: ByteGate;
  readonly #answers: ByteGate;
  #timer: Timer | undefined;
  #isEnding = false;
  #onEmpty: () => void = () => {};

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#requests = new ByteGate(options.settings['queued.max.request.bytes']);
    this.#answers = new ByteGate(options.settings['qanat.queued.max.answer.bytes']);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Begins to listen. Rejects with the error of the system, such as EADDRINUSE. */
  async listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 1_024 }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (cause) => this.#options.log.log('error', 'listening failed', { cause: String(cause) }));
    const { address, port: given } = this.#server.address() as AddressInfo;
    return { host: address, port: given };
  }

  /** Takes no more connections and no more requests, lets what is under way be answered, and closes. */
  async close(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of [...this.#connections]) connection.end();
    if (this.#connections.size > 0) {
      const { timers } = this.#options.runtime;
      const late = timers.after(endMaxMs, () => this.#onEmpty());
      await empty;
      late.cancel();
    }
    for (const connection of [...this.#connections]) connection.close({ reason: 'stopped' });
    // A client that takes nothing keeps what was written to it; it does not keep the broker.
    const { timers } = this.#options.runtime;
    const late = timers.after(endMaxMs / 5, () => this.#destroyAll());
    this.#timer?.cancel();
    await stopped;
    late.cancel();
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { settings, answering, runtime, meter, log } = this.#options;
    if (this.#isEnding || this.#connections.size >= settings['max.connections']) {
      if (!this.#isEnding) {
        meter.connectionRefused('too-many');
        log.log('info', 'a connection was refused: there are too many', { client: String(socket.remoteAddress) });
      }
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const connection = new Connection(socket, {
      answering,
      clock: runtime.clock,
      requests: this.#requests,
      answers: this.#answers,
      requestMaxBytes: settings['socket.request.max.bytes'],
      idleMaxMs: settings['connections.max.idle.ms'],
      transferMaxMs: settings['qanat.transfer.max.ms'],
      onClosed: (closed, problem) => this.#onClosed(closed, problem),
    });
    this.#connections.add(connection);
    meter.connectionOpened();
    this.#timer ??= runtime.timers.after(checkIntervalMs, () => this.#check(), { background: true });
  }

  #check(): void {
    this.#timer = undefined;
    for (const connection of [...this.#connections]) connection.checkTime();
    if (this.#connections.size === 0 || this.#isEnding) return;
    this.#timer = this.#options.runtime.timers.after(checkIntervalMs, () => this.#check(), { background: true });
  }

  #onClosed(connection: Connection, problem: ConnectionProblem | undefined): void {
    this.#connections.delete(connection);
    const { log, meter } = this.#options;
    meter.connectionClosed();
    if (problem !== undefined && problem.reason !== 'stopped') {
      const { cause } = problem;
      // A refusal that has no answer, as of a produce that wants none, is the client's business, and no fault.
      const reason = cause instanceof KafkaRefusal ? 'refused' : problem.reason;
      meter.connectionRefused(reason);
      const level = reason === 'failed' ? 'error' : 'info';
      const why = cause === undefined ? undefined : String(cause instanceof Error ? cause.message : cause);
      log.log(level, 'a connection was closed', { client: connection.clientHost, reason, why });
    }
    if (this.#connections.size === 0) this.#onEmpty();
  }
}
