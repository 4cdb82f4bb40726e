// Values in parts, at an S3 server: a large value from a stream (by lib-storage), a value put together from ranges that
// the server copies itself, and the giving up of what was begun and never ended.
//
// - Each request is tried a few times: the same part again is the same part, and a value is ended once. Only after the
//   request that ends it the outcome may be unknown; whatever fails before, nothing was written.
// - What fails is given up at the server; what could not even be given up is found by `abortUploads`.
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type MultipartUpload,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { sleep } from '../base/abort.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import { MiB } from '../base/bytes.ts';
import { mapLimited } from '../base/limiter.ts';
import type { Runtime } from '../base/runtime.ts';
import { invalidArgument } from '../model/errors.ts';
import type {
  AbortUploadsOptions,
  CopyPiece,
  PutLargeOptions,
  PutResult,
  StoreRequestOptions,
} from './object-store.ts';
import { bareEtag, checksumOf } from './s3-answers.ts';
import { partSizeMaxBytes, partSizeMinBytes, planCopy, type CopyPart, type CopySource } from './s3-copy-plan.ts';
import { S3RequestError, type RequestFacts, type S3Requests, type SendCommand, type Sent } from './s3-requests.ts';

/** Where the parts go. */
export interface S3PartsOptions {
  readonly requests: S3Requests;
  readonly runtime: Runtime;
  readonly bucket: string;
  readonly prefix: string;
}

const partSizeBytes = 8 * MiB;
const partCountMax = 10_000;

/** Parts of one value that are under way at once; each is in memory. */
const partWidth = 4;

const triesMax = 5;
const pauses = { delayMinMs: 50, delayMaxMs: 2_000 };

/** A value in parts, once it has been begun. */
interface Begun {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/** One call, and whether the value may stand though the call fails. */
interface Work {
  readonly facts: RequestFacts;
  mayStand: boolean;
}

export class S3Parts {
  readonly #requests: S3Requests;
  readonly #runtime: Runtime;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ requests, runtime, bucket, prefix }: S3PartsOptions) {
    this.#requests = requests;
    this.#runtime = runtime;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  /** Writes a value from a stream, in parts of at least 8 MiB; what fits one part goes as one request. */
  async putLarge(key: string, body: AsyncIterable<Uint8Array>, options: PutLargeOptions): Promise<PutResult> {
    const { sizeBytes, signal } = options;
    signal?.throwIfAborted();
    const work = this.#work(key, options);
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const send = (command: object): Promise<unknown> => this.#sendForUpload(command, work);
    const upload = new Upload({
      client: Object.create(this.#requests.client, { send: { value: send } }) as S3Client,
      params: { ...this.#at(key), Body: Readable.from(ofSize(body, sizeBytes)) },
      partSize: Math.max(partSizeBytes, Math.ceil(sizeBytes / partCountMax)),
      queueSize: partWidth,
      abortController: stopping,
    });
    try {
      const { ETag } = await upload.done();
      return await this.#stored(key, ETag, work);
    } catch (cause) {
      return this.#outcomeOf(cause, work);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** What lib-storage sends, with the limits and tries of everything else. */
  async #sendForUpload(command: object, work: Work): Promise<unknown> {
    const isEnd = command instanceof CompleteMultipartUploadCommand || command instanceof PutObjectCommand;
    const isPart = command instanceof UploadPartCommand || command instanceof PutObjectCommand;
    const body = isPart ? (command.input.Body as Uint8Array) : undefined;
    if (isPart) command.input.ChecksumCRC32 = checksumOf(body as Uint8Array);
    const given = command instanceof AbortMultipartUploadCommand ? giveUpFacts(work.facts) : work.facts;
    const facts = { ...given, valueBytes: body?.byteLength ?? 0 };
    const run: SendCommand<unknown> = (client, more) => client.send(command as PutObjectCommand, more);
    const { output } = await (isEnd ? this.#sendEnd(facts, work, run) : this.#send(facts, run));
    return output;
  }

  /** Puts a value together from pieces; ranges of 5 MiB and more are copied by the server. */
  async copyRanges(
    key: string,
    pieces: readonly CopyPiece[],
    options: StoreRequestOptions,
  ): Promise<PutResult | 'missing'> {
    const work = this.#work(key, options);
    const parts = planCopy(pieces, { minBytes: partSizeMinBytes, maxBytes: partSizeMaxBytes });
    if (parts.length === 0) parts.push({ gather: [], sizeBytes: 0 });
    let begun: Begun | undefined;
    try {
      const created = new CreateMultipartUploadCommand(this.#at(key));
      const { output } = await this.#send(work.facts, (client, more) => client.send(created, more));
      const started = { ...this.#at(key), UploadId: output.UploadId ?? '' };
      begun = started;
      const sent = await mapLimited(parts, partWidth, (part, index) => this.#part(part, index + 1, started, work));
      const etags = sent.filter((etag) => etag !== undefined);
      if (etags.length === parts.length) return await this.#stored(key, await this.#end(started, etags, work), work);
      await this.#giveUp(started, work.facts);
      return 'missing';
    } catch (cause) {
      if (begun !== undefined) await this.#giveUp(begun, work.facts);
      return this.#outcomeOf(cause, work);
    }
  }

  /** One part; its etag, or undefined if a source is not there or too short. */
  async #part(part: CopyPart, number: number, begun: Begun, work: Work): Promise<string | undefined> {
    try {
      if ('gather' in part) return await this.#sendPart(part, number, begun, work);
      const { key, start, end } = part.copy;
      const command = new UploadPartCopyCommand({
        ...begun,
        PartNumber: number,
        CopySource: `${this.#bucket}/${encodeURIComponent(this.#prefix + key)}`,
        CopySourceRange: `bytes=${start}-${end - 1}`,
      });
      const facts = { ...work.facts, answerBytes: end - start };
      const { output } = await this.#send(facts, (client, more) => client.send(command, more));
      return output.CopyPartResult?.ETag;
    } catch (cause) {
      if (cause instanceof S3RequestError && isNoSource(cause)) return undefined;
      throw cause;
    }
  }

  async #sendPart(
    { gather, sizeBytes }: Extract<CopyPart, { gather: unknown }>,
    number: number,
    begun: Begun,
    work: Work,
  ): Promise<string | undefined> {
    const body = Buffer.allocUnsafeSlow(sizeBytes);
    let at = 0;
    for (const piece of gather) {
      const bytes = piece instanceof Uint8Array ? piece : await this.#read(piece, work.facts);
      if (bytes === undefined) return undefined;
      body.set(bytes, at);
      at += bytes.byteLength;
    }
    const checksum = { ContentLength: sizeBytes, ChecksumCRC32: checksumOf(body) };
    const command = new UploadPartCommand({ ...begun, PartNumber: number, Body: body, ...checksum });
    const facts = { ...work.facts, valueBytes: sizeBytes };
    const { output } = await this.#send(facts, (client, more) => client.send(command, more));
    return output.ETag;
  }

  async #read({ key, start, end }: CopySource, facts: RequestFacts): Promise<Uint8Array | undefined> {
    const range = { start, end };
    const command = new GetObjectCommand({ ...this.#at(key), Range: `bytes=${start}-${end - 1}` });
    const reading: RequestFacts = {
      ...facts,
      ...{ operation: 'get', permission: 's3:GetObject', key: this.#prefix + key, value: { range } },
      answerBytes: end - start,
    };
    const { exchange } = await this.#send(reading, (client, more) => client.send(command, more));
    const bytes = exchange.arrived?.bytes;
    return bytes?.byteLength === end - start ? bytes : undefined;
  }

  async #end(begun: Begun, etags: readonly string[], work: Work): Promise<string | undefined> {
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    const command = new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts } });
    const { output } = await this.#sendEnd(work.facts, work, (client, more) => client.send(command, more));
    return output.ETag;
  }

  /** A value that stands. A server may say so without its etag, which is then asked for. */
  async #stored(key: string, etag: string | undefined, work: Work): Promise<PutResult> {
    if (bareEtag(etag) !== '') return { outcome: 'stored', etag: bareEtag(etag) };
    work.mayStand = true; // It does, and which one stands now is not known.
    const asking = { ...work.facts, operation: 'get', permission: 's3:GetObject' } as const;
    const command = new HeadObjectCommand(this.#at(key));
    const { output } = await this.#send(asking, (client, more) => client.send(command, more));
    return { outcome: 'stored', etag: bareEtag(output.ETag) };
  }

  /** Gives a value in parts up. What cannot be given up now is found later. */
  async #giveUp(begun: Begun, facts: RequestFacts): Promise<void> {
    try {
      const command = new AbortMultipartUploadCommand(begun);
      await this.#send(giveUpFacts(facts), (client, more) => client.send(command, more));
    } catch {
      // It stays until `abortUploads`.
    }
  }

  /** Gives up whatever was begun under a prefix so long ago, by the clock of the server. */
  async abortUploads({ prefix, olderThanMs, ...options }: AbortUploadsOptions): Promise<number> {
    if (!(olderThanMs >= 0))
      throw invalidArgument(`olderThanMs is a number of milliseconds, 0 or more; got ${String(olderThanMs)}`);
    const facts: RequestFacts = {
      ...this.#work(prefix, options).facts,
      ...{ operation: 'list', permission: 's3:ListBucketMultipartUploads' },
    };
    let count = 0;
    let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    try {
      for (let more = true; more;) {
        const command = new ListMultipartUploadsCommand({
          ...{ Bucket: this.#bucket, Prefix: this.#prefix + prefix },
          ...(marker.KeyMarker === undefined ? {} : { KeyMarker: marker.KeyMarker }),
          ...(marker.UploadIdMarker === undefined ? {} : { UploadIdMarker: marker.UploadIdMarker }),
        });
        const { output, exchange } = await this.#send(facts, (client, given) => client.send(command, given));
        const now = Date.parse(String(exchange.answer?.headers['date'])) + 999; // It is told in whole seconds.
        const old = (output.Uploads ?? []).filter(({ Initiated }) => now - Number(Initiated) >= olderThanMs);
        count += await this.#abortAll(old, facts);
        marker = { KeyMarker: output.NextKeyMarker, UploadIdMarker: output.NextUploadIdMarker };
        more = output.IsTruncated === true && marker.KeyMarker !== undefined;
      }
    } catch (cause) {
      throw cause instanceof S3RequestError ? this.#requests.toStoreError(cause, facts) : cause;
    }
    return count;
  }

  async #abortAll(uploads: readonly MultipartUpload[], facts: RequestFacts): Promise<number> {
    const aborted = await mapLimited(uploads, partWidth, async ({ Key, UploadId }) => {
      const command = new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId });
      try {
        await this.#send(giveUpFacts(facts), (client, more) => client.send(command, more));
        return 1;
      } catch (cause) {
        if (cause instanceof S3RequestError && cause.failure.kind === 'missing') return 0; // Ended meanwhile.
        throw cause;
      }
    });
    return aborted.reduce((sum: number, one) => sum + one, 0);
  }

  /** Sends a request, and again while it fails for now. Told of each failure. */
  async #send<T>(
    facts: RequestFacts,
    command: SendCommand<T>,
    onFailure: (failed: S3RequestError) => void = () => {},
  ): Promise<Sent<T>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#requests.send(facts, command);
      } catch (cause) {
        if (!(cause instanceof S3RequestError)) throw cause;
        onFailure(cause);
        if (!isPassing(cause) || attempt >= triesMax) throw cause;
        await sleep(this.#runtime, backoffDelayMs(attempt, pauses, this.#runtime.random), facts.signal);
      }
    }
  }

  /** Sends the request after which the value stands. If an answer is lost, a later try may find nothing to end. */
  async #sendEnd<T>(facts: RequestFacts, work: Work, command: SendCommand<T>): Promise<Sent<T>> {
    return this.#send(facts, command, (failed) => {
      if (failed.wasSent && isPassing(failed)) work.mayStand = true;
    });
  }

  #outcomeOf(cause: unknown, { facts, mayStand }: Work): PutResult {
    facts.signal?.throwIfAborted();
    if (!(cause instanceof S3RequestError)) throw cause;
    if (mayStand) return { outcome: 'unknown' };
    throw this.#requests.toStoreError(cause, facts);
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  #work(key: string, { purpose, signal, tally }: StoreRequestOptions): Work {
    const facts = { operation: 'put', permission: 's3:PutObject', key: this.#prefix + key } as const;
    return { facts: { ...facts, purpose, signal, tally }, mayStand: false };
  }
}

/** Whether another try may go better. */
function isPassing({ failure }: S3RequestError): boolean {
  return ['unavailable', 'throttled', 'conflict'].includes(failure.kind);
}

/** Giving up is free of charge, and goes on when the call that began it has ended. */
function giveUpFacts(facts: RequestFacts): RequestFacts {
  return { ...facts, operation: 'delete', permission: 's3:AbortMultipartUpload', signal: undefined };
}

/** Whether a copy failed because of its source: gone, or shorter than the range. */
function isNoSource({ failure }: S3RequestError): boolean {
  return (
    failure.kind === 'range' ||
    (failure.kind === 'missing' && failure.code === 'NoSuchKey') ||
    ['InvalidRange', 'InvalidRequest', 'InvalidArgument'].includes(failure.code)
  );
}

/** The chunks of a body, which must have `sizeBytes` bytes together. */
async function* ofSize(body: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let passed = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw invalidArgument('a body gives Uint8Arrays', TypeError);
    passed += chunk.byteLength;
    if (passed > sizeBytes) break;
    yield chunk;
  }
  if (passed !== sizeBytes)
    throw invalidArgument(
      `the body was said to have ${sizeBytes} bytes, and has ${passed > sizeBytes ? 'more' : passed}`,
    );
}
