// The HTTP server that tells how a broker is: `/metrics` for Prometheus, `/health` and `/ready` for those who start and
// watch processes. It is plain HTTP, changes nothing, and is meant for a network of one's own.
//
// - Bounded: connections, headers, the time a request or an answer may take, and requests on a connection. A request's
//   body is never read; a client that sends one is disconnected after its answer.
// - A failure of what is asked is an answer with 500 and a line in the log, never an unhandled rejection.
// - close() waits for answers under way for a second at most.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Runtime } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import type { Health } from './health.ts';

/** What an admin server answers from. */
export interface AdminOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly health: () => Health;
  /** The metrics; undefined where none are kept, which is 404. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> } | undefined;
  readonly log: BrokerLog;
  readonly runtime: Pick<Runtime, 'timers'>;
}

export const connectionsMax = 64;
const headersMaxBytes = 8_192;
const requestsPerConnectionMax = 1_000;

/** How long a client may take, in milliseconds. Tests are less patient. */
export interface AdminPatience {
  /** For the whole of a request, and between two. */
  readonly requestMs: number;
  /** For taking its answer. */
  readonly answerMs: number;
  /** What is left of answers under way when the server is closed. */
  readonly closeMs: number;
}

const usualPatience: AdminPatience = { requestMs: 5_000, answerMs: 15_000, closeMs: 1_000 };

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export class AdminServer {
  readonly address: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #options: AdminOptions;
  readonly #patience: AdminPatience;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, options: AdminOptions, patience: AdminPatience) {
    const { address, port } = server.address() as AddressInfo;
    this.address = { host: address, port };
    this.#server = server;
    this.#options = options;
    this.#patience = patience;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** Listens. Rejects with the error of the machine if it cannot. */
  static async start(options: AdminOptions, patience: AdminPatience = usualPatience): Promise<AdminServer> {
    const server = createServer({
      maxHeaderSize: headersMaxBytes,
      headersTimeout: patience.requestMs,
      requestTimeout: patience.requestMs,
      keepAliveTimeout: patience.requestMs,
      connectionsCheckingInterval: Math.min(1_000, patience.requestMs),
    });
    server.maxConnections = connectionsMax;
    server.maxRequestsPerSocket = requestsPerConnectionMax;
    server.timeout = patience.answerMs; // A socket on which nothing moves for so long.
    server.on('clientError', (_cause, socket) => refuse(socket as Socket));
    const { host, port } = options.listen;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const { log } = options;
    server.on('error', (cause) => log.log('error', 'The admin server has failed.', { cause: cause.message }));
    return new AdminServer(server, options, patience);
  }

  /** Stops listening, lets answers under way end, and then disconnects everybody. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const cut = this.#options.runtime.timers.after(this.#patience.closeMs, () => this.#server.closeAllConnections());
      this.#server.close(() => {
        cut.cancel();
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    return this.#closing;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { timers } = this.#options.runtime;
    const late = timers.after(this.#patience.answerMs, () => request.socket.destroy(), { background: true });
    response.once('close', () => late.cancel());
    response.on('error', () => request.socket.destroy());
    const { status, contentType, body } = await this.#answerTo(request.method ?? '', pathOf(request.url ?? ''));
    if (response.destroyed) return;
    // What a client sends along is not read, so the connection cannot be used for another request.
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
    if (hasBody || this.#closing !== undefined) response.setHeader('connection', 'close');
    if (status === 405) response.setHeader('allow', 'GET, HEAD');
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(body, () => {
      if (hasBody) request.socket.destroySoon();
    });
  }

  async #answerTo(method: string, path: string): Promise<Answer> {
    try {
      const isKnown = ['/metrics', '/health', '/ready'].includes(path);
      if (!isKnown) return plain(404, 'There are /metrics, /health and /ready.\n');
      if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Only GET and HEAD.\n');
      if (path === '/metrics') return await this.#metrics();
      const { ready, healthy, ...rest } = this.#options.health();
      if (path === '/ready') return json(ready ? 200 : 503, { ready });
      return json(healthy ? 200 : 503, { healthy, ready, ...rest });
    } catch (cause) {
      const { message } = cause instanceof Error ? cause : new Error(String(cause));
      this.#options.log.log('error', 'An answer of the admin server failed.', { path, cause: message });
      return plain(500, 'Something went wrong; the log says what.\n');
    }
  }

  async #metrics(): Promise<Answer> {
    const { metrics } = this.#options;
    if (metrics === undefined) return plain(404, 'No metrics are kept.\n');
    return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

function plain(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

/** What came was no request, or came too slowly. */
function refuse(socket: Socket): void {
  if (!socket.writable) socket.destroy();
  else socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () => socket.destroy());
}
