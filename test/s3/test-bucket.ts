// Buckets on real servers, for the tests that need one: which servers there are is told by the environment, and a test
// that has none is skipped with the reason in its title.
//
//   S3_ENDPOINT           the server that most tests run on
//   S3_ENDPOINT_MINIO     another one, for the tests that have to hold on more than one
//   S3_ENDPOINT_SLOW      a server that answers 503 SlowDown under load, with the data of the first
//   S3_BUCKET             the bucket, made if it is not there; 'qanat-test' unless given
//   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, … as the SDK reads them
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, DeleteBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
import { S3ObjectStore } from '../../src/s3.ts';

const { env } = process;

// The SDK's opinion on versions of Node is no result of a test.
env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** A server, if the environment names it. */
export interface TestServer {
  readonly name: string;
  readonly variable: string;
  readonly endpoint: string | undefined;
}

const first = { name: 'the S3 server', variable: 'S3_ENDPOINT', endpoint: env['S3_ENDPOINT'] || undefined };
const minio = env['S3_ENDPOINT_MINIO'] || undefined;
const slow = env['S3_ENDPOINT_SLOW'] || undefined;

/** The servers on which everything has to hold. A MinIO that is the first server is not tried twice. */
export const testServers: readonly TestServer[] = [
  first,
  { name: 'MinIO', variable: 'S3_ENDPOINT_MINIO', endpoint: minio === first.endpoint ? undefined : minio },
];

/** The server that most tests run on. */
export const mainServer: TestServer = first;

/** The server that has little patience. */
export const slowServer: TestServer = { name: 'the slow server', variable: 'S3_ENDPOINT_SLOW', endpoint: slow };

/** What a server says it is; nothing where it says nothing, or is not there. */
export async function softwareOf({ endpoint }: TestServer): Promise<string | undefined> {
  if (endpoint === undefined) return undefined;
  const answer = await fetch(endpoint, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  return answer?.headers.get('server') ?? undefined;
}

const bucketName = env['S3_BUCKET'] || 'qanat-test';
const region = env['AWS_REGION'] || 'us-east-1';

/** A bucket, or the part of one, that a test has to itself. */
export interface TestBucket {
  readonly endpoint: string;
  readonly bucket: string;
  /** Of everything that is the test's own; '' in a bucket of its own. */
  readonly prefix: string;
  /** Another handle, with connections of its own. The part of the bucket below `prefix` of the test's part. */
  open(prefix?: string): S3ObjectStore;
  /** The same as a URL. */
  url(prefix?: string): string;
  /** Removes what is there. */
  clear(): Promise<void>;
}

/**
 * Declares tests that need a server, which are skipped without it. `body` is given a function that gives the test's
 * part of the bucket once tests run: everything below a prefix of its own, or with `whole` a bucket of its own. It is
 * emptied in the end.
 */
export function describeOnServer(
  title: string,
  server: TestServer,
  body: (bucket: () => TestBucket) => void,
  { whole = false }: { readonly whole?: boolean } = {},
): void {
  const { name, variable, endpoint = '' } = server;
  describe.skipIf(endpoint === '')(`${title} on ${name} (needs ${variable})`, () => {
    let opened: OpenedBucket | undefined;
    beforeAll(async () => {
      opened = await OpenedBucket.open(endpoint, whole);
    });
    afterAll(() => opened?.close());
    body(() => opened as TestBucket);
  });
}

class OpenedBucket implements TestBucket {
  readonly endpoint: string;
  readonly bucket: string;
  readonly #client: S3Client;
  readonly prefix: string;
  readonly #isOwn: boolean;
  readonly #stores: S3ObjectStore[] = [];

  private constructor(client: S3Client, endpoint: string, isOwn: boolean) {
    const chance = randomBytes(6).toString('hex');
    this.endpoint = endpoint;
    this.bucket = isOwn ? `${bucketName}-${chance}` : bucketName;
    this.#client = client;
    this.prefix = isOwn ? '' : `test-${chance}`;
    this.#isOwn = isOwn;
  }

  static async open(endpoint: string, isOwn: boolean): Promise<OpenedBucket> {
    const client = new S3Client({ endpoint, region, forcePathStyle: true });
    const opened = new OpenedBucket(client, endpoint, isOwn);
    const place = { Bucket: opened.bucket };
    const isThere = await client.send(new HeadBucketCommand(place)).then(
      () => true,
      () => false,
    );
    if (!isThere) await client.send(new CreateBucketCommand(place)).catch(unlessThere);
    return opened;
  }

  open(prefix = ''): S3ObjectStore {
    const { endpoint, bucket } = this;
    const store = new S3ObjectStore({ endpoint, region, bucket, prefix: this.#below(prefix) });
    this.#stores.push(store);
    return store;
  }

  url(prefix = ''): string {
    const query = new URLSearchParams({ endpoint: this.endpoint, region });
    return `s3://${this.bucket}/${this.#below(prefix)}?${query.toString()}`;
  }

  async clear(): Promise<void> {
    const store = this.open();
    // Until nothing is left: MinIO lists some keys only when others are gone.
    for (let count = 1; count > 0;) {
      const page = await store.list({ prefix: '', purpose: 'sweep' });
      const keys = page.keys.map(({ key }) => key);
      count = keys.length;
      if (count > 0) await store.delete(keys, { purpose: 'sweep' });
    }
  }

  async close(): Promise<void> {
    await this.clear();
    for (const store of this.#stores) store.close();
    if (this.#isOwn) await this.#client.send(new DeleteBucketCommand({ Bucket: this.bucket }));
    this.#client.destroy();
  }

  #below(prefix: string): string {
    return [this.prefix, prefix].filter((part) => part !== '').join('/');
  }
}

/** Somebody else may have made the bucket at the same moment. */
function unlessThere(cause: unknown): void {
  if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes((cause as Error).name)) throw cause;
}
