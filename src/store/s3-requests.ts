// Sends requests to an S3 server: one at a time through the SDK's client, each with a time limit, counted when it goes
// out, and understood when it fails. The SDK never tries again by itself: what became of a request is for those to say
// who know what it was for.
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { sharedAbortController } from '../base/abort.ts';
import type { Runtime } from '../base/runtime.ts';
import { qanatError } from '../model/errors.ts';
import type { LeaseOutcome } from './adaptive-limiter.ts';
import { Hedger, type HedgeCounts } from './hedging.ts';
import type { ByteRange, RequestTally, StoreOperation, StorePurpose } from './object-store.ts';
import { PurposeLanes } from './purpose-lanes.ts';
import { requestLimitMs } from './request-deadlines.ts';
import { understandFailure, type S3Failure, type S3FailureContext } from './s3-failure.ts';
import { checkCredentials, type S3Credentials, type S3ObjectStoreOptions } from './s3-options.ts';
import { S3PlainRequests, type PlainRequest } from './s3-plain-requests.ts';
import { S3Transport, type Exchange, type ExchangeOptions } from './s3-transport.ts';

/** One request, as far as it is not in the command. */
export interface RequestFacts {
  readonly operation: StoreOperation;
  readonly purpose: StorePurpose;
  /** The permission that it needs. */
  readonly permission: string;
  /** Key or prefix, as the bucket has it. */
  readonly key: string;
  /** Bytes of a value that go out with it. */
  readonly valueBytes?: number | undefined;
  /** Bytes of a value that may come back. */
  readonly answerBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tally?: RequestTally | undefined;
  readonly value?: { readonly range: ByteRange | undefined } | undefined;
  /** A read of about this size that may be asked twice when it is late. */
  readonly hedgeBytes?: number | undefined;
  readonly pieces?: AsyncIterable<Uint8Array> | undefined;
}

/** What came of a request. */
export interface Sent<T> {
  readonly output: T;
  readonly exchange: Exchange;
}

/** A request that failed, understood. Never seen outside of src/store/s3-*. */
export class S3RequestError extends Error {
  readonly failure: S3Failure;
  /** Whether it went out: if it did, it may have taken effect. */
  readonly wasSent: boolean;
  readonly answer: Exchange['answer'];

  constructor(failure: S3Failure, wasSent: boolean, answer: Exchange['answer']) {
    super(failure.problem);
    this.name = 'S3RequestError';
    this.failure = failure;
    this.wasSent = wasSent;
    this.answer = answer;
  }
}

/** Sends one command with the client that it is given. */
export type SendCommand<T> = (client: S3Client, options: ExchangeOptions) => Promise<T>;

export class S3Requests {
  /** How many requests of each purpose are under way. */
  readonly lanes: PurposeLanes = new PurposeLanes();
  readonly #hedger: Hedger;
  readonly #client: S3Client;
  readonly #transport = new S3Transport();
  readonly #plain: S3PlainRequests;
  readonly #runtime: Runtime;
  readonly #bucket: string;
  readonly #place: string;
  #region: string | undefined;
  /** Permissions that have been used: what fails later for want of one was not told wrongly from the start. */
  readonly #worked = new Set<string>();

  constructor(options: S3ObjectStoreOptions, runtime: Runtime) {
    this.#runtime = runtime;
    this.#hedger = new Hedger({ runtime, isSuspended: () => this.lanes.isReduced('read') });
    this.#bucket = options.bucket;
    this.#place = options.endpoint ?? 'the S3 service of the region';
    this.#client = new S3Client(configOf(options, this.#transport));
    const overTls = options.endpoint === undefined || options.endpoint.startsWith('https:');
    const isPayloadUnsigned = options.unsignedPayload ?? overTls;
    if (isPayloadUnsigned) leavePayloadUnsigned(this.#client);
    const [client, transport, { bucket }] = [this.#client, this.#transport, options];
    this.#plain = new S3PlainRequests({ client, transport, bucket, runtime, isPayloadUnsigned });
  }

  hedges(): HedgeCounts {
    return this.#hedger.counts();
  }

  get client(): S3Client {
    return this.#client;
  }

  /** Sends a get or a put of a value, as few steps as there can be. Fails as `send`. */
  sendPlain(facts: RequestFacts, request: Omit<PlainRequest, 'key'>): Promise<Sent<Readonly<Record<string, string>>>> {
    return this.send(facts, (_, options) => this.#plain.send({ ...request, key: facts.key }, options));
  }

  /** Sends one command. Fails with S3RequestError, or with the reason of the caller's signal. */
  async send<T>(facts: RequestFacts, command: SendCommand<T>): Promise<Sent<T>> {
    const lease = await this.lanes.enter(facts.purpose, facts.signal);
    let outcome: LeaseOutcome = 'failed';
    try {
      const sent = await this.#sendOnceOrTwice(facts, command);
      outcome = 'ok';
      return sent;
    } catch (cause) {
      if (cause instanceof S3RequestError) outcome = loadOf(cause.failure);
      throw cause;
    } finally {
      lease.leave(outcome);
    }
  }

  #sendOnceOrTwice<T>(facts: RequestFacts, command: SendCommand<T>): Promise<Sent<T>> {
    const { hedgeBytes: sizeBytes, signal } = facts;
    if (sizeBytes === undefined) return this.#sendNow(facts, command);
    return this.#hedger.run((own) => this.#sendNow({ ...facts, signal: own }, command), { sizeBytes, signal });
  }

  async #sendNow<T>(facts: RequestFacts, command: SendCommand<T>): Promise<Sent<T>> {
    const { operation, purpose, signal, valueBytes, answerBytes } = facts;
    const timeLimitMs = requestLimitMs({ operation, purpose, bytes: valueBytes ?? answerBytes });
    let wasSent = false;
    const exchange: Exchange = {
      onSent: () => {
        wasSent = true;
        facts.tally?.sent(operation, valueBytes ?? 0);
      },
      pieces: facts.pieces,
      value: facts.value,
    };
    const ending = sharedAbortController();
    const timer = this.#runtime.timers.after(timeLimitMs, () =>
      ending.abort(new Error(`no complete answer within ${timeLimitMs} ms`)),
    );
    const onAbort = (): void => ending.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const output = await orAborted(command(this.#client, { abortSignal: ending.signal, exchange }), ending.signal);
      this.#worked.add(facts.permission);
      if (exchange.arrived !== undefined) facts.tally?.received(exchange.arrived.bytes.byteLength);
      return { output, exchange };
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw new S3RequestError(await this.#understand(cause, facts, exchange), wasSent, exchange.answer);
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The error that a caller of the store is told. */
  toStoreError(error: S3RequestError, { operation, key, permission: needed }: RequestFacts): Error {
    const { kind, problem, permission } = error.failure;
    // What has worked before may work again: credentials are renewed, policies come back, clocks are set.
    if (kind === 'misconfigured' && !this.#worked.has(needed))
      return qanatError('STORE_UNSUITABLE', problem, { problem, permission, key });
    return qanatError('STORE_UNAVAILABLE', problem, { operation, key }, { cause: error });
  }

  /** The error of one key among those of a request that succeeded for others. */
  errorOfKey(code: string, facts: RequestFacts): Error {
    const failure = understandFailure(
      { Code: code, message: code },
      { ...this.#context(facts), answer: statusOf(code) },
    );
    return this.toStoreError(new S3RequestError(failure, true, undefined), facts);
  }

  #context({ permission, key }: RequestFacts): Omit<S3FailureContext, 'answer'> {
    const [bucket, place, region] = [this.#bucket, this.#place, this.#region];
    return { permission, key, bucket, place, region, nowMs: this.#runtime.clock.now() };
  }

  async #understand(cause: unknown, facts: RequestFacts, { answer }: Exchange): Promise<S3Failure> {
    this.#region = await this.#client.config.region().catch(() => undefined);
    const failure = understandFailure(cause, { ...this.#context(facts), answer });
    if (['missing', 'precondition', 'not-modified', 'range'].includes(failure.kind)) this.#worked.add(facts.permission);
    return failure;
  }

  /** Ends all connections. */
  close(): void {
    this.#client.destroy();
    this.#transport.destroy();
  }
}

function configOf(options: S3ObjectStoreOptions, transport: S3Transport): S3ClientConfig {
  const { endpoint, region, forcePathStyle, credentials } = options;
  const config: S3ClientConfig = {
    requestHandler: transport,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    // Not sent: a body of 8 MiB costs less than the round trip that asks whether it is welcome.
    ...({ expectContinueHeader: false } as object),
  };
  if (endpoint !== undefined) config.endpoint = endpoint;
  if (region !== undefined) config.region = region;
  else if (endpoint !== undefined) {
    const { region: chain } = new S3Client({}).config; // Of the environment or the profile, as the SDK finds it.
    config.region = () => chain().catch(() => 'us-east-1');
  }
  if (credentials !== undefined)
    config.credentials = typeof credentials === 'function' ? () => askFor(credentials) : plain(credentials);
  return config;
}

/** What a failure says of the load that the server bears. */
function loadOf({ kind }: S3Failure): LeaseOutcome {
  if (kind === 'throttled') return 'throttled';
  return kind === 'unavailable' ? 'failed' : 'ok';
}

/** The status that an answer about one key would have had by itself. */
function statusOf(code: string): Exchange['answer'] {
  return { status: code === 'AccessDenied' ? 403 : 500, headers: {} };
}

/** Sends bodies with their checksum and without their hash in the signature. */
function leavePayloadUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as { headers?: Record<string, string>; body?: unknown };
      if (headers !== undefined && body instanceof Uint8Array) headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', name: 'leavePayloadUnsigned', priority: 'low' },
  );
}

async function askFor(credentials: () => Promise<S3Credentials>): Promise<S3ClientCredentials> {
  const given = await credentials();
  checkCredentials(given);
  return plain(given);
}

type S3ClientCredentials = Omit<S3Credentials, 'sessionToken' | 'expiration'> & {
  sessionToken?: string;
  expiration?: Date;
};

function plain({ accessKeyId, secretAccessKey, sessionToken, expiration }: S3Credentials): S3ClientCredentials {
  return {
    ...{ accessKeyId, secretAccessKey },
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(expiration === undefined ? {} : { expiration }),
  };
}

/** Waits no longer than the signal: credentials, too, may take for ever. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    promise.then(resolve, reject);
  });
}
