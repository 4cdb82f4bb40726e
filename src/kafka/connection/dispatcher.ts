// From a frame to the frame of its answer: the header says which API and version; its handler does the rest.
//
// What Kafka does with a request that it does not know, or cannot read, is to close the connection: nobody could tell
// where such an answer would belong. Only a client that asks in a too new version what is served is answered: in the
// oldest version, with UNSUPPORTED_VERSION and the list.
import type { BrokerMeter } from '../broker-meter.ts';
import type { Clock } from '../../index.ts';
import type { Call, Handler } from '../handler.ts';
import { produceApi } from '../messages/produce.ts';
import type { Api } from '../wire/api.ts';
import { readRequestRest, readRequestStart, writeResponseHeader } from '../wire/headers.ts';
import { WireError, WireReader } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import type { Answering, ConnectionFacts } from './connection.ts';

export interface DispatcherOptions {
  readonly handlers: readonly Handler<unknown, unknown>[];
  readonly meter: BrokerMeter;
  readonly clock: Clock;
}

export class Dispatcher implements Answering {
  readonly #handlers: ReadonlyMap<number, Handler<unknown, unknown>>;
  readonly #meter: BrokerMeter;
  readonly #clock: Clock;

  constructor({ handlers, meter, clock }: DispatcherOptions) {
    this.#handlers = new Map(handlers.map((handler) => [handler.api.key, handler]));
    this.#meter = meter;
    this.#clock = clock;
  }

  isProduce(frame: Uint8Array): boolean {
    return frame[0] === 0 && frame[1] === produceApi.key;
  }

  answer(frame: Uint8Array, facts: ConnectionFacts): Promise<readonly Uint8Array[] | undefined> {
    try {
      return this.#finish(this.#begin(frame, facts));
    } catch (cause) {
      return Promise.reject(cause as Error);
    }
  }

  /** Reads the request and begins to handle it. What is given holds nothing of the frame, which may be large. */
  #begin(frame: Uint8Array, { clientHost, signal, hold }: ConnectionFacts): Begun {
    const since = this.#clock.monotonic();
    const reader = new WireReader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestStart(reader);
    const handler = this.#handlers.get(apiKey);
    if (handler === undefined) throw new WireError(`there is no API ${apiKey} here`);
    const { api } = handler;
    const isServed = api.serves(apiVersion);
    if (!isServed && handler.unsupported === undefined)
      throw new WireError(`${api.name} is not served in version ${apiVersion}`);
    const version = isServed ? apiVersion : 0;
    const clientId = isServed ? readRequestRest(reader, api.isFlexible(version)) : null;
    const call: Call = { version, clientId, clientHost, signal, hold };
    const response = isServed ? handler.handle(api.readRequest(reader, version), call) : handler.unsupported?.();
    return { api, version, correlationId, since, requestBytes: frame.byteLength, response };
  }

  async #finish(begun: Begun): Promise<readonly Uint8Array[] | undefined> {
    const { api, version, correlationId, since, requestBytes } = begun;
    const response = await begun.response;
    if (response === undefined) return undefined;
    const writer = new WireWriter();
    writeResponseHeader(writer, api, version, correlationId);
    api.writeResponse(writer, version, response);
    const answer = writer.frame();
    const durationMs = this.#clock.monotonic() - since;
    this.#meter.answered({ api: api.name, version, durationMs, requestBytes, answerBytes: writer.sizeBytes });
    return answer;
  }
}

/** A request that is being handled. */
interface Begun {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  readonly since: number;
  readonly requestBytes: number;
  readonly response: unknown;
}
