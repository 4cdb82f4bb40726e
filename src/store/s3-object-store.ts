// An object store in a bucket of S3, or of anything that speaks like it. Keeps the contract of object-store.ts:
//
// - A put is one request. What is certain is told as 'stored', 'exists' or 'changed'; what is not (no answer, a 5xx, a
//   409, a time limit) as 'unknown'; it throws only where nothing was written: the request never went out, or was
//   refused for what it is.
// - A request has a time limit, and is never tried again in here: reads and lists are retried by who uses the store,
//   and what became of a put its caller finds out.
// - Etags are bare: without quotes, which some servers do not take in conditions.
// - Misconfiguration (credentials, region, permissions, bucket) is STORE_UNSUITABLE as long as that kind of request has
//   never worked, and STORE_UNAVAILABLE from then on: at night a policy is changed back sooner than a process started.
import { DeleteObjectCommand, DeleteObjectsCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { mapLimited } from '../base/limiter.ts';
import { systemRuntime, type Runtime } from '../base/runtime.ts';
import { invalidArgument, isQanatError } from '../model/errors.ts';
import { checkDelete, checkGet, checkList, checkPut, keyMaxBytes, listLimitDefault } from './check-request.ts';
import type {
  AbortUploadsOptions,
  ByteRange,
  CopyPiece,
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  ProbeOptions,
  ProbeReport,
  PutLargeOptions,
  PutOptions,
  PutResult,
  StorePurpose,
  StoreRequestOptions,
} from './object-store.ts';
import type { HedgeCounts } from './hedging.ts';
import type { SlowPut } from './probe-folder.ts';
import { probeStore } from './probe-store.ts';
import type { LaneState } from './purpose-lanes.ts';
import { bareEtag, checksumOf, decodeKey, isXmlText } from './s3-answers.ts';
import { checkS3Options, keyPrefixOf, parseS3Url, type S3ObjectStoreOptions } from './s3-options.ts';
import { S3Parts } from './s3-parts.ts';
import { S3RequestError, S3Requests, type RequestFacts, type SendCommand, type Sent } from './s3-requests.ts';
import { beginSlowPut } from './s3-slow-put.ts';

/** Keys in one request of deletion: what S3 takes. */
const deleteCountMax = 1_000;

/** Requests of one call that are under way at once. */
const deleteWidth = 4;

/** Reads that somebody waits for, and that may be asked twice. */
const hedged: ReadonlySet<string> = new Set<StorePurpose>(['read', 'follow', 'recovery']);

/** A bucket, or a part of one, as an object store. */
export class S3ObjectStore implements ObjectStore {
  readonly #requests: S3Requests;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #runtime: Runtime;
  readonly #parts: S3Parts;

  /** Checks the options; makes no request. */
  constructor(options: S3ObjectStoreOptions, runtime: Runtime = systemRuntime) {
    checkS3Options(options);
    this.#bucket = options.bucket;
    this.#prefix = keyPrefixOf(options.prefix ?? '');
    this.#runtime = runtime;
    this.#requests = new S3Requests(options, runtime);
    const [requests, bucket, prefix] = [this.#requests, this.#bucket, this.#prefix];
    this.#parts = new S3Parts({ requests, runtime, bucket, prefix });
  }

  /** The store of a URL: `s3://bucket/prefix?endpoint=https://host:port&region=name`. */
  static fromUrl(url: string, options: Omit<S3ObjectStoreOptions, 'bucket'> = {}): S3ObjectStore {
    return new S3ObjectStore({ ...parseS3Url(url), ...options });
  }

  /** Writes a value with one request, with its CRC-32 for the server to check. */
  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    checkPut(key, body, options);
    return this.#put(key, body, options);
  }

  async #put(
    key: string,
    body: Uint8Array,
    options: PutOptions,
    pieces?: AsyncIterable<Uint8Array>,
  ): Promise<PutResult> {
    const { if: condition } = options;
    const facts = this.#facts('put', 's3:PutObject', key, options, { valueBytes: body.byteLength, pieces });
    const headers = {
      'content-type': 'application/octet-stream',
      'x-amz-checksum-crc32': checksumOf(body),
      ...(condition === 'absent'
        ? { 'if-none-match': '*' }
        : condition === undefined
          ? {}
          : { 'if-match': condition.etag }),
    };
    try {
      const { output } = await this.#requests.sendPlain(facts, { method: 'PUT', headers, body });
      return { outcome: 'stored', etag: bareEtag(output['etag']) };
    } catch (cause) {
      if (!(cause instanceof S3RequestError)) throw cause;
      const outcome = outcomeOfFailedPut(cause, condition);
      if (outcome === undefined) throw this.#requests.toStoreError(cause, facts);
      return { outcome };
    }
  }

  /** Reads a value or a range of it, into memory of just that size. */
  async get(key: string, options: GetOptions): Promise<GetResult> {
    checkGet(key, options);
    const { range, ifNoneMatch } = options;
    if (range !== undefined && isEmpty(range)) return this.#head(key, options);
    const sizeBytes = range === undefined ? undefined : 'last' in range ? range.last : range.end - range.start;
    const hedgeBytes = hedged.has(options.purpose) ? sizeBytes : undefined;
    const asked = { value: { range }, answerBytes: sizeBytes, hedgeBytes };
    const facts = this.#facts('get', 's3:GetObject', key, options, asked);
    const headers = {
      ...(range === undefined ? {} : { range: headerOf(range) }),
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
    };
    const answer = await this.#read(facts, () => this.#requests.sendPlain(facts, { method: 'GET', headers }));
    if (typeof answer === 'string') return answer === 'range' ? this.#head(key, options) : answer;
    const { bytes, size } = answer.exchange.arrived ?? { bytes: new Uint8Array(0), size: undefined };
    if (size === undefined) return this.#head(key, options);
    return { bytes, etag: bareEtag(answer.output['etag']), size };
  }

  /** No bytes of a value, with its etag and size: where a range has none, for which servers have no other answer. */
  async #head(key: string, options: GetOptions): Promise<GetResult> {
    const { ifNoneMatch } = options;
    const facts = this.#facts('get', 's3:GetObject', key, options);
    const command = new HeadObjectCommand({
      ...this.#at(key),
      ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
    });
    const answer = await this.#read(facts, () =>
      this.#requests.send(facts, (client, more) => client.send(command, more)),
    );
    if (typeof answer === 'string') return answer === 'range' ? 'missing' : answer;
    return { bytes: new Uint8Array(0), etag: bareEtag(answer.output.ETag), size: answer.output.ContentLength ?? 0 };
  }

  /** Lists keys with one request; a page has at most 1,000. */
  async list(options: ListOptions): Promise<ListResult> {
    checkList(options);
    const { prefix, after, limit = listLimitDefault } = options;
    const facts = this.#facts('list', 's3:ListBucket', prefix, options);
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: this.#prefix + prefix,
      MaxKeys: Math.min(limit, listLimitDefault),
      EncodingType: 'url', // A key may hold what XML cannot.
      ...(after === undefined ? {} : { StartAfter: this.#prefix + after }),
    });
    const { output } = await this.#send(facts, (client, more) => client.send(command, more));
    const keys = (output.Contents ?? []).map(({ Key = '', Size = 0 }) => ({
      key: decodeKey(Key).slice(this.#prefix.length),
      size: Size,
    }));
    return { keys, more: output.IsTruncated === true };
  }

  /** Deletes keys, up to 1,000 with a request. */
  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    checkDelete(keys, options);
    const unique = [...new Set(keys)];
    const single = unique.length === 1 ? unique : unique.filter((key) => !isXmlText(key));
    const together = unique.length === 1 ? [] : unique.filter((key) => isXmlText(key));
    const runs = [...single.map((key) => [key]), ...runsOf(together, deleteCountMax)];
    const failed = await mapLimited(runs, deleteWidth, (run) =>
      run.length === 1 ? this.#deleteOne(run[0] as string, options) : this.#deleteRun(run, options),
    );
    // Where nothing could be done the store has failed, not its keys.
    if (runs.length === 1 && failed[0]?.length === unique.length && unique.length > 0) {
      const cause = failed[0][0]?.cause;
      if (isQanatError(cause)) throw cause;
    }
    return { failed: failed.flat() };
  }

  async #deleteOne(key: string, options: StoreRequestOptions): Promise<DeleteResult['failed']> {
    const facts = this.#facts('delete', 's3:DeleteObject', key, options);
    const command = new DeleteObjectCommand(this.#at(key));
    try {
      const answer = await this.#read(facts, () =>
        this.#requests.send(facts, (client, more) => client.send(command, more)),
      );
      return typeof answer === 'string' && answer !== 'missing' ? [{ key, cause: new Error(answer) }] : [];
    } catch (cause) {
      if (!isQanatError(cause)) throw cause;
      return [{ key, cause }];
    }
  }

  async #deleteRun(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult['failed']> {
    const facts = this.#facts('delete', 's3:DeleteObject', keys[0] as string, options);
    const objects = keys.map((key) => ({ Key: this.#prefix + key }));
    const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects: objects, Quiet: true } });
    try {
      const { output } = await this.#send(facts, (client, more) => client.send(command, more));
      return (output.Errors ?? []).map(({ Key = '', Code = 'Error' }) => {
        const key = Key.slice(this.#prefix.length);
        return { key, cause: this.#requests.errorOfKey(Code, { ...facts, key: Key }) };
      });
    } catch (cause) {
      if (!isQanatError(cause)) throw cause;
      return keys.map((key) => ({ key, cause }));
    }
  }

  /** Writes a large value from a stream, in parts of at least 8 MiB, four of which are in memory at a time. */
  async putLarge(key: string, body: AsyncIterable<Uint8Array>, options: PutLargeOptions): Promise<PutResult> {
    checkPut(key, new Uint8Array(0), options);
    if (!Number.isSafeInteger(options.sizeBytes) || options.sizeBytes < 0)
      throw invalidArgument(`sizeBytes is the size of the whole body; got ${String(options.sizeBytes)}`);
    return this.#parts.putLarge(key, body, options);
  }

  /** Puts a value together from pieces; the server copies ranges of 5 MiB and more itself. */
  async copyRanges(
    key: string,
    pieces: readonly CopyPiece[],
    options: StoreRequestOptions,
  ): Promise<PutResult | 'missing'> {
    checkPut(key, new Uint8Array(0), options);
    for (const piece of pieces) if ('key' in piece) checkGet(piece.key, { ...options, range: piece.range });
    return this.#parts.copyRanges(key, pieces, options);
  }

  /** Gives up values in parts that were begun so long ago and never ended. How many. */
  async abortUploads(options: AbortUploadsOptions): Promise<number> {
    checkList(options);
    return this.#parts.abortUploads(options);
  }

  /** Tries on the server what the contract demands; about eighty small requests under `qanat-probe/`. */
  async probe(options: ProbeOptions = {}): Promise<ProbeReport> {
    const slowPut = (key: string, body: Uint8Array, how: PutOptions): SlowPut => this.slowPut(key, body, how);
    return probeStore(this, { runtime: this.#runtime, slowPut, ...options });
  }

  /** @internal A put that stops in the middle of its body. */
  slowPut(key: string, body: Uint8Array, options: PutOptions): SlowPut {
    return beginSlowPut(body, this.#runtime, (pieces) => this.#put(key, body, options, pieces));
  }

  /** How many requests of each purpose are under way, may be, and wait. */
  lanes(): readonly LaneState[] {
    return this.#requests.lanes.limits();
  }

  /** How many reads there were, how many of them were asked twice, and how often the second answer came first. */
  hedges(): HedgeCounts {
    return this.#requests.hedges();
  }

  /** Ends all connections; what is under way fails. The store is not used any more. */
  close(): void {
    this.#requests.close();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  #facts(
    operation: RequestFacts['operation'],
    permission: string,
    key: string,
    { purpose, signal, tally }: StoreRequestOptions,
    more: Partial<RequestFacts> = {},
  ): RequestFacts {
    const whole = this.#prefix + key;
    if (Buffer.byteLength(whole) > keyMaxBytes)
      throw invalidArgument(
        `a key has, with the store's prefix, at most ${keyMaxBytes} UTF-8 bytes; this one has more`,
      );
    return { operation, permission, key: whole, purpose, signal, tally, ...more };
  }

  async #send<T>(facts: RequestFacts, command: SendCommand<T>): Promise<Sent<T>> {
    try {
      return await this.#requests.send(facts, command);
    } catch (cause) {
      throw cause instanceof S3RequestError ? this.#requests.toStoreError(cause, facts) : cause;
    }
  }

  async #read<T>(
    facts: RequestFacts,
    send: () => Promise<Sent<T>>,
  ): Promise<Sent<T> | 'missing' | 'not-modified' | 'range'> {
    try {
      return await send();
    } catch (cause) {
      if (!(cause instanceof S3RequestError)) throw cause;
      const { kind } = cause.failure;
      if (kind === 'missing' || kind === 'not-modified' || kind === 'range') return kind;
      throw this.#requests.toStoreError(cause, facts);
    }
  }
}

/** What is known of a put that was not answered with success; undefined if certainly nothing was written. */
function outcomeOfFailedPut(
  { failure, wasSent }: S3RequestError,
  condition: PutOptions['if'],
): 'exists' | 'changed' | 'unknown' | undefined {
  if (!wasSent) return undefined;
  switch (failure.kind) {
    case 'precondition':
      return condition === undefined ? 'unknown' : condition === 'absent' ? 'exists' : 'changed';
    case 'missing':
      return condition === undefined || condition === 'absent' ? 'unknown' : 'changed';
    case 'misconfigured':
      return failure.status === undefined ? 'unknown' : undefined;
    default:
      return 'unknown';
  }
}

function isEmpty(range: ByteRange): boolean {
  return 'last' in range ? range.last === 0 : range.start === range.end;
}

function headerOf(range: ByteRange): string {
  return 'last' in range ? `bytes=-${range.last}` : `bytes=${range.start}-${range.end - 1}`;
}

function runsOf<T>(items: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, i) => items.slice(i * length, (i + 1) * length));
}
