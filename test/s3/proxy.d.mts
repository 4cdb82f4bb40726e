import type { RequestRow, S3Request } from './fake-s3-request.mjs';

export type { RequestRow, S3Request } from './fake-s3-request.mjs';

/** What the proxy does to one request. Without any of it, the request passes. */
export interface ProxyDeed {
  /** Closes the connection; nothing is sent on. */
  readonly dropBefore?: boolean;
  /** Sends the request on, and closes the connection instead of giving its answer. */
  readonly dropAfter?: boolean;
  /** Sends the request on, waits for the answer, sends it again; the client gets the second answer. */
  readonly twice?: boolean;
  /** Sends the whole request on so much later, also if the client has gone away by then. */
  readonly delayMs?: number;
  /** Gives the answer so much later. */
  readonly delayAnswerMs?: number;
  /** Answers by itself; nothing is sent on. */
  readonly answer?: {
    readonly status: number;
    readonly code?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Takes the request, sends nothing on, never answers. */
  readonly hang?: boolean;
  /** Sends on so many bytes of the body, and closes both connections. */
  readonly cutRequestAfter?: number;
  /** Sends on so many bytes of the body, and the rest once it is let go. */
  readonly holdBodyAfter?: { readonly bytes: number; readonly until: Promise<unknown> };
  readonly slowBody?: { readonly bytesPerSecond: number };
  /** Closes the connection after so many bytes of the answer's body. */
  readonly cutBodyAfter?: number;
}

export type ProxyRule = (request: S3Request) => ProxyDeed | undefined | Promise<ProxyDeed | undefined>;

export interface ProxyOptions {
  /** Where requests go: 'http://127.0.0.1:9000'. */
  readonly upstream: string;
  readonly rule?: ProxyRule;
  /** Any free one unless given. */
  readonly port?: number;
  /** Every request is sent on so much later. */
  readonly latencyMs?: number;
}

export interface Proxy {
  readonly endpoint: string;
  readonly port: number;
  /** Requests of clients since the start, or since `resetRequests`. What is sent twice counts once. */
  requests(): readonly RequestRow[];
  resetRequests(): void;
  setRule(rule: ProxyRule | undefined): void;
  /** Closes all connections, too. */
  close(): Promise<void>;
}

export function startProxy(options: ProxyOptions): Promise<Proxy>;
