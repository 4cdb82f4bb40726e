// The way of a request to an S3 server and of its answer back, under the SDK: undici's dispatch, which lets a value
// arrive in memory that was prepared for it, and costs little.
//
// - A body is one Uint8Array, handed to the socket as it is: nothing is copied or gathered.
// - A value is written once, into memory of just its size, as it arrives. Of an answer that is wider than what was
//   asked for, only what was asked for is kept.
// - Everything else (lists, errors) is small; what is larger than `smallBodyMaxBytes` is given up.
// - A request that was aborted before it went out is never sent. One that is aborted later takes its connection along.
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { ByteRange } from './object-store.ts';
import { expectedWindow, type AnswerHeaders, type ValueWindow } from './s3-value-window.ts';

/** What one request is told besides what the SDK makes of it, and what it tells. */
export interface Exchange {
  /** The request is about to be written to a connection: from here on it may take effect. */
  readonly onSent: () => void;
  /** The body goes out in these pieces, which together are what the SDK signed. */
  readonly pieces?: AsyncIterable<Uint8Array> | undefined;
  /** Takes the request as it was built, instead of sending it. */
  readonly onBuilt?: ((request: SignedRequest) => void) | undefined;
  /** The answer is a value, of which this is asked for. */
  readonly value?: { readonly range: ByteRange | undefined } | undefined;
  /** What came: the status and headers of the answer, and the value. */
  answer?: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
  arrived?: { readonly bytes: Uint8Array; readonly size: number | undefined } | undefined;
}

/** A list of 1,000 keys of 1,024 bytes, each byte of them escaped, is smaller. */
const smallBodyMaxBytes = 16 * 1024 * 1024;

/** A request as the SDK builds it, signed. */
export interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** An answer as the SDK takes it. */
export interface TransportAnswer {
  readonly response: {
    readonly statusCode: number;
    readonly headers: Record<string, string>;
    readonly body: Readable;
  };
}

/** Options that a command is sent with. The SDK hands them on whole. */
export interface ExchangeOptions {
  readonly abortSignal: AbortSignal;
  readonly exchange: Exchange;
}

/** The SDK's request handler over undici. */
export class S3Transport {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #agent: Agent;

  constructor() {
    this.#agent = new Agent({
      connect: { timeout: 5_000 },
      // How long a request may take is for its sender to say, by its signal.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 10_000,
      maxHeaderSize: 64 * 1024,
    });
  }

  /** Sends one request. Called by the SDK, with the options of `send`. */
  handle(request: SignedRequest, options: object = {}): Promise<TransportAnswer> {
    const { abortSignal, exchange } = options as ExchangeOptions;
    return new Promise((resolve, reject) => {
      if (abortSignal.aborted || exchange.onBuilt !== undefined) {
        exchange.onBuilt?.(request);
        reject((abortSignal.reason as Error | undefined) ?? new Error('not to be sent'));
        return;
      }
      const receiver = new Receiver(exchange, abortSignal, resolve, reject);
      const { protocol, hostname, port, method, body } = request;
      const pieces = exchange.pieces === undefined ? undefined : Readable.from(exchange.pieces, { objectMode: false });
      this.#agent.dispatch(
        {
          origin: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
          path: pathOf(request),
          method: method as Dispatcher.HttpMethod,
          headers: request.headers,
          body: pieces ?? (body as Uint8Array | string | undefined) ?? null,
        },
        receiver,
      );
    });
  }

  updateHttpClientConfig(): void {
    // There is nothing to set.
  }

  httpHandlerConfigs(): object {
    return {};
  }

  /** Ends all connections; requests under way fail. */
  destroy(): void {
    this.#agent.destroy().catch(() => {});
  }
}

/** Takes one answer in. */
class Receiver implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #signal: AbortSignal;
  readonly #resolve: (answer: TransportAnswer) => void;
  readonly #reject: (cause: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Record<string, string> = {};
  #window: ValueWindow | undefined;
  #value: Uint8Array | undefined;
  /** Bytes of the body that have passed. */
  #passed = 0;
  #chunks: Uint8Array[] = [];

  constructor(
    exchange: Exchange,
    signal: AbortSignal,
    resolve: (answer: TransportAnswer) => void,
    reject: (cause: unknown) => void,
  ) {
    this.#exchange = exchange;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    this.#controller?.abort(this.#signal.reason as Error);
    this.#end(() => this.#reject(this.#signal.reason));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(this.#signal.reason as Error);
    else this.#exchange.onSent();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = flatten(headers);
    this.#exchange.answer = { status, headers: this.#headers };
    if (this.#exchange.value === undefined || (status !== 200 && status !== 206)) return;
    this.#window = expectedWindow(status, this.#headers, this.#exchange.value.range);
    if (typeof this.#window === 'string') controller.abort(new Error(this.#window));
    else this.#value = new Uint8Array(Buffer.allocUnsafeSlow(this.#window.take).buffer);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const at = this.#passed;
    this.#passed += chunk.byteLength;
    if (this.#value === undefined) {
      if (this.#passed > smallBodyMaxBytes) controller.abort(new Error('the answer is far too long'));
      else this.#chunks.push(chunk);
      return;
    }
    const { skip, take } = this.#window as Exclude<ValueWindow, string>;
    const from = Math.max(0, skip - at);
    const to = Math.min(chunk.byteLength, skip + take - at);
    if (from < to) this.#value.set(chunk.subarray(from, to), at + from - skip);
    // A server that sends the whole value though a part of it was asked for need not go on.
    if (at + chunk.byteLength >= skip + take && this.#cut()) this.#finish(() => controller.abort(new Error('enough')));
  }

  onResponseEnd(): void {
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(() => this.#reject(error));
  }

  #cut(): boolean {
    const { skip, take, size } = this.#window as Exclude<ValueWindow, string>;
    return this.#status === 200 && skip + take < (size ?? 0);
  }

  #finish(after?: () => void): void {
    if (this.#value !== undefined) {
      const { skip, take, size } = this.#window as Exclude<ValueWindow, string>;
      if (this.#passed < skip + take) {
        this.#end(() => this.#reject(new Error('the answer ended before the value did')));
        return;
      }
      this.#exchange.arrived = { bytes: this.#value, size };
    }
    const body = this.#chunks.length === 0 ? [] : [Buffer.concat(this.#chunks)];
    const response = { statusCode: this.#status, headers: this.#headers, body: Readable.from(body) };
    this.#end(() => this.#resolve({ response }));
    after?.();
  }

  #end(settle: () => void): void {
    this.#signal.removeEventListener('abort', this.#abort);
    settle();
  }
}

function flatten(headers: AnswerHeaders): Record<string, string> {
  const flat = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]);
  return Object.fromEntries(flat) as Record<string, string>;
}

function pathOf({ path, query }: SignedRequest): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => (one === null ? escapeUri(name) : `${escapeUri(name)}=${escapeUri(one)}`)),
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** As the signature has it: everything but letters, digits and -_.~ */
export function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
