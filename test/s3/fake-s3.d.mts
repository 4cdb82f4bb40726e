import type { RequestRow, S3Request } from './fake-s3-request.mjs';

export type { RequestRow, S3Request } from './fake-s3-request.mjs';

/** Who may ask. */
export interface FakeCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Must then come with every request. */
  readonly sessionToken?: string;
  /** Every request is answered ExpiredToken. */
  readonly isExpired?: boolean;
}

/** What the service does wrongly, always. Each can be switched while it runs, in `FakeS3.defects`. */
export interface FakeDefects {
  ignoreIfNoneMatch?: boolean;
  ignoreIfMatch?: boolean;
  /** Tests the condition of a write when its body begins, and never again. */
  conditionAtStart?: boolean;
  /** Compares If-Match to the etag without quotes only. */
  bareIfMatch?: boolean;
  /** Answers all of the value to any range, or to ranges from the end; or bytes that lie one further on. */
  wrongRange?: 'ignored' | 'suffix-ignored' | 'shifted';
  /** Keys of a page come in reverse order. */
  unorderedList?: boolean;
  /** What was written less than a second ago is not listed. */
  staleList?: boolean;
  /** Deleting is answered as done, and is not. */
  deleteKeeps?: boolean;
  etagWithoutQuotes?: boolean;
}

/** What befalls one request. */
export interface FakeFault {
  /** Answers this, with no effect. With 200 the failure is in the body, as AWS does it for operations that last. */
  readonly status?: number;
  /** Of the failure; 'InternalError' unless given. */
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Waits before it takes effect. */
  readonly delayMs?: number;
  /** Waits between the effect and the answer. */
  readonly delayAnswerMs?: number;
  /** Closes the connection at once: no effect. */
  readonly dropBefore?: boolean;
  /** Closes the connection instead of the answer: the effect is there. */
  readonly dropAfter?: boolean;
  /** Takes the body, does nothing, answers never. */
  readonly hang?: boolean;
  readonly slowBody?: { readonly bytesPerSecond: number };
  /** Closes the connection after so many bytes of the answer's body. */
  readonly cutBodyAfter?: number;
}

export interface FakeS3Options {
  /** Any free one unless given. */
  readonly port?: number;
  /** 'us-east-1' unless given. */
  readonly region?: string;
  /** 'test' with 'testtest' unless given. */
  readonly credentials?: FakeCredentials | readonly FakeCredentials[];
  /** Buckets that exist; 'qanat-test' unless given. */
  readonly buckets?: readonly string[];
  /** The clock of the service, in milliseconds. */
  readonly now?: () => number;
  /** Computes signatures and hashes of payloads again, so that a wrong secret is refused. */
  readonly verifySignatures?: boolean;
  /** Whether an action, named as policies name it ('s3:GetObject'), is denied. For lists, `key` is the prefix. */
  readonly deny?: (action: string, key: string) => boolean;
  /** Code of the failure with which a key of a DeleteObjects is answered. */
  readonly failDelete?: (key: string) => string | undefined;
  readonly defects?: FakeDefects;
  readonly onRequest?: (request: S3Request) => FakeFault | undefined | Promise<FakeFault | undefined>;
  /** Every answer comes so much later. */
  readonly latencyMs?: number;
  /** More requests at a time are answered 503 SlowDown. */
  readonly concurrentMax?: number;
}

export interface FakeObject {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly etag: string;
  /** By the clock of the service. */
  readonly modified: number;
}

export interface FakeUpload {
  readonly id: string;
  readonly key: string;
  /** By the clock of the service. */
  readonly initiated: number;
}

export interface FakeS3 {
  readonly endpoint: string;
  readonly port: number;
  readonly defects: FakeDefects;
  /** Requests since the start, or since `resetRequests`. */
  requests(): readonly RequestRow[];
  resetRequests(): void;
  /** Values by key, of the first bucket unless another is named. */
  objects(bucket?: string): ReadonlyMap<string, FakeObject>;
  uploads(bucket?: string): readonly FakeUpload[];
  /** Empties all buckets. */
  clear(): void;
  /** Closes all connections, too. */
  close(): Promise<void>;
}

export function startFakeS3(options?: FakeS3Options): Promise<FakeS3>;
