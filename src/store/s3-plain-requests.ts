// The two requests that are made thousands of times, a get of a value and a put of one, built by hand and signed by the
// SDK's signer. The SDK's own way from a command to a request costs ten times as much as signing it, whatever its size.
//
// What is hard stays the SDK's: where the bucket is (endpoint, region, path or host) is seen in a request that the SDK
// builds and that is never sent; credentials are found and renewed by its chain.
import { createHash } from 'node:crypto';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { toDate, type Runtime } from '../base/runtime.ts';
import {
  escapeUri,
  type ExchangeOptions,
  type S3Transport,
  type SignedRequest,
  type TransportAnswer,
} from './s3-transport.ts';

/** A request, as far as it is not the same for all. */
export interface PlainRequest {
  readonly method: 'GET' | 'PUT';
  /** As the bucket has it. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

/** What S3PlainRequests are made of. */
export interface S3PlainRequestsOptions {
  readonly client: S3Client;
  readonly transport: S3Transport;
  readonly bucket: string;
  readonly runtime: Runtime;
  /** Bodies go without their hash in the signature. */
  readonly isPayloadUnsigned: boolean;
}

type Signer = Awaited<ReturnType<S3Client['config']['signer']>>;

/** Where all keys of the bucket are, and who signs requests to it. */
interface BucketPlace {
  readonly origin: Pick<SignedRequest, 'protocol' | 'hostname'> & { readonly port?: number };
  /** The path of a key is this and the key. */
  readonly basePath: string;
  readonly host: string;
  readonly userAgent: string;
  readonly signing: { readonly signingRegion: string; readonly signingService: string };
  readonly signer: Signer;
}

const probeKey = 'key';

/** Sends gets and puts. */
export class S3PlainRequests {
  readonly #options: S3PlainRequestsOptions;
  #place: Promise<BucketPlace> | undefined;
  /** How much the server's clock is ahead of ours, as far as it has complained. */
  #clockOffsetMs = 0;

  constructor(options: S3PlainRequestsOptions) {
    this.#options = options;
  }

  /** Sends one request. The headers of a good answer; anything else rejects with what the answer says. */
  async send(request: PlainRequest, options: ExchangeOptions): Promise<Readonly<Record<string, string>>> {
    const { transport, runtime, isPayloadUnsigned } = this.#options;
    const { origin, basePath, host, userAgent, signing, signer } = await this.#findPlace();
    const { method, key, body } = request;
    const headers: Record<string, string> = { ...request.headers, host, 'user-agent': userAgent };
    if (body !== undefined) {
      headers['content-length'] = String(body.byteLength);
      headers['x-amz-content-sha256'] = isPayloadUnsigned
        ? 'UNSIGNED-PAYLOAD'
        : createHash('sha256').update(body).digest('hex');
    }
    const whole = { ...origin, method, path: basePath + pathOf(key), query: {}, headers, body } as SignedRequest;
    const signingDate = toDate(runtime.clock.now() + this.#clockOffsetMs);
    const signed = await signer.sign(whole as Parameters<Signer['sign']>[0], { ...signing, signingDate });
    const { response } = await transport.handle(signed as SignedRequest, options);
    if (response.statusCode < 300) return response.headers;
    throw await this.#failureOf(response);
  }

  async #failureOf({ statusCode, headers, body }: TransportAnswer['response']): Promise<Error> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const field = (name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
    const code = field('Code') ?? (statusCode === 404 ? 'NotFound' : undefined);
    if (code === 'RequestTimeTooSkewed') {
      const theirs = Date.parse(String(headers['date']));
      if (!Number.isNaN(theirs)) this.#clockOffsetMs = theirs - this.#options.runtime.clock.now();
    }
    return Object.assign(new Error(field('Message') ?? ''), {
      ...{ name: code ?? 'Unknown', Code: code, Region: field('Region') },
      $metadata: { httpStatusCode: statusCode },
    });
  }

  #findPlace(): Promise<BucketPlace> {
    this.#place ??= this.#lookForPlace().catch((cause: unknown) => {
      this.#place = undefined; // The next one looks again.
      throw cause;
    });
    return this.#place;
  }

  /** Lets the SDK build a request that is not sent, and sees where it would go. */
  async #lookForPlace(): Promise<BucketPlace> {
    const { client, bucket } = this.#options;
    let seen: SignedRequest | undefined;
    const exchange = { onSent: () => {}, onBuilt: (request: SignedRequest) => void (seen = request) };
    const options: ExchangeOptions = { abortSignal: new AbortController().signal, exchange };
    await client.send(new GetObjectCommand({ Bucket: bucket, Key: probeKey }), options).catch((cause: unknown) => {
      if (seen === undefined) throw cause;
    });
    const { protocol, hostname, port, path, headers } = seen as SignedRequest;
    const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(headers['authorization'] ?? '');
    const [, signingRegion = '', signingService = ''] = scope ?? [];
    const scheme = { name: 'sigv4', signingName: signingService, signingRegion, properties: {} };
    return {
      origin: { protocol, hostname, ...(port === undefined ? {} : { port }) },
      basePath: path.slice(0, -probeKey.length),
      host: headers['host'] ?? hostname,
      userAgent: headers['user-agent'] ?? 'qanat',
      signing: { signingRegion, signingService },
      signer: await client.config.signer(scheme),
    };
  }
}

/** A key in a path: everything but letters, digits and -_.~ is escaped, slashes are not. */
function pathOf(key: string): string {
  return key.split('/').map(escapeUri).join('/');
}
