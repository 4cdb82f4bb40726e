// The fake S3 server does what AWS documents, and does wrongly exactly what it is told to. It is asked by the SDK with
// signatures that it computes again, and by hand where the SDK hides what matters.
import * as sdk from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeS3, type FakeS3Options, startFakeS3 } from './fake-s3.mjs';
import { ask, begin, signedBy } from './raw-request.ts';

const Bucket = 'qanat-test';
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(options: FakeS3Options = {}): Promise<FakeS3> {
  const fake = await startFakeS3(options);
  ends.push(() => fake.close());
  return fake;
}

function clientOf({ endpoint }: { endpoint: string }, more: sdk.S3ClientConfig = {}): sdk.S3Client {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
  const about = { endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials };
  const client = new sdk.S3Client({ ...about, requestChecksumCalculation: 'WHEN_REQUIRED', ...more });
  ends.push(() => client.destroy());
  return client;
}

/** The failure of a call: status and code. */
async function failureOf(call: Promise<unknown>): Promise<{ status: number | undefined; code: string }> {
  const failure = await call.then(
    () => expect.fail('the call succeeded'),
    (cause: unknown) => cause as sdk.S3ServiceException,
  );
  return { status: failure.$metadata?.httpStatusCode, code: failure.name };
}

const put = (Key: string, Body: string, more: Partial<sdk.PutObjectCommandInput> = {}): sdk.PutObjectCommand =>
  new sdk.PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more });
const get = (Key: string, more: Partial<sdk.GetObjectCommandInput> = {}): sdk.GetObjectCommand =>
  new sdk.GetObjectCommand({ Bucket, Key, ...more });
const list = (more: Partial<sdk.ListObjectsV2CommandInput> = {}): sdk.ListObjectsV2Command =>
  new sdk.ListObjectsV2Command({ Bucket, ...more });

async function textOf(
  client: sdk.S3Client,
  key: string,
  more: Partial<sdk.GetObjectCommandInput> = {},
): Promise<string> {
  const { Body } = await client.send(get(key, more));
  return (await Body?.transformToString()) ?? expect.fail('no body');
}

describe('objects', () => {
  it('are put, read whole and in ranges, looked at and deleted, with signatures that hold', async () => {
    const client = clientOf(await start({ verifySignatures: true }));
    for (const key of ['plain', "a b/ü+?&'%(1)*!~=@:", '\u{1f600}//x', 'x'.repeat(1024)]) {
      const { ETag } = await client.send(put(key, '0123456789'));
      expect(ETag).toMatch(/^"[0-9a-f]{32}"$/);
      expect(await textOf(client, key)).toBe('0123456789');
      expect(await textOf(client, key, { Range: 'bytes=2-4' })).toBe('234');
      expect(await textOf(client, key, { Range: 'bytes=8-99' })).toBe('89');
      expect(await textOf(client, key, { Range: 'bytes=-3' })).toBe('789');
      expect(await textOf(client, key, { Range: 'bytes=-99' })).toBe('0123456789');
      const { ContentRange, ContentLength } = await client.send(get(key, { Range: 'bytes=2-4' }));
      expect({ ContentRange, ContentLength }).toEqual({ ContentRange: 'bytes 2-4/10', ContentLength: 3 });
      expect(await failureOf(client.send(get(key, { Range: 'bytes=10-' })))).toEqual({
        status: 416,
        code: 'InvalidRange',
      });
      expect(await failureOf(client.send(get(key, { IfNoneMatch: ETag })))).toMatchObject({ status: 304 });
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: key }));
      expect(head).toMatchObject({ ETag, ContentLength: 10 });
      await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: key }));
      expect(await failureOf(client.send(get(key)))).toEqual({ status: 404, code: 'NoSuchKey' });
    }
  });

  it('have the size in the header of a range that lies beyond their end', async () => {
    const fake = await start();
    await clientOf(fake).send(put('a', '0123456789'));
    const headers = { ...signedBy(), Range: 'bytes=10-12' };
    const answer = await ask(`${fake.endpoint}/${Bucket}/a`, { headers });
    expect(answer).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
  });

  it('keep a checksum that was given, and refuse a body that has another', async () => {
    const client = clientOf(await start(), { requestChecksumCalculation: 'WHEN_SUPPORTED' });
    await client.send(put('a', 'body'));
    const { ChecksumCRC32, Body } = await client.send(get('a', { ChecksumMode: 'ENABLED' }));
    expect(ChecksumCRC32).toMatch(/^.{6}==$/);
    expect(await Body?.transformToString()).toBe('body');
    const wrong = client.send(put('a', 'bodY', { ChecksumCRC32 }));
    expect(await failureOf(wrong)).toEqual({ status: 400, code: 'BadDigest' });
    expect(await textOf(client, 'a')).toBe('body');
  });

  it('lie in buckets that were made', async () => {
    const fake = await start();
    const client = clientOf(fake);
    const other = { Bucket: 'other' };
    expect(await failureOf(client.send(new sdk.HeadBucketCommand(other)))).toMatchObject({ status: 404 });
    expect(await failureOf(client.send(put('a', 'x', other)))).toEqual({ status: 404, code: 'NoSuchBucket' });
    await client.send(new sdk.CreateBucketCommand(other));
    await client.send(new sdk.HeadBucketCommand(other));
    await client.send(put('a', 'x', other));
    expect([...fake.objects('other').keys()]).toEqual(['a']);
    expect(fake.objects().size).toBe(0);
  });
});

describe('conditions of a put', () => {
  it('refuse what exists, what has changed and what is not there', async () => {
    const client = clientOf(await start());
    const { ETag = '' } = await client.send(put('a', '1', { IfNoneMatch: '*' }));
    const exists = client.send(put('a', '2', { IfNoneMatch: '*' }));
    expect(await failureOf(exists)).toEqual({ status: 412, code: 'PreconditionFailed' });
    await client.send(put('a', '3', { IfMatch: ETag }));
    const changed = client.send(put('a', '4', { IfMatch: ETag.replaceAll('"', '') }));
    expect(await failureOf(changed)).toEqual({ status: 412, code: 'PreconditionFailed' });
    const missing = client.send(put('b', '5', { IfMatch: ETag }));
    expect(await failureOf(missing)).toEqual({ status: 404, code: 'NoSuchKey' });
    expect(await textOf(client, 'a')).toBe('3');
  });

  /** Two bodies of which the second begins and ends while the first stops in the middle. */
  async function raceOfHalfABody(options: FakeS3Options): Promise<readonly number[]> {
    const { endpoint } = await start(options);
    const url = `${endpoint}/${Bucket}/a`;
    const headers = { ...signedBy(), 'If-None-Match': '*', 'Content-Length': 10 };
    const slow = begin(url, { headers });
    await new Promise((resolve) => slow.message.write('01234', resolve));
    const quick = await ask(url, { method: 'PUT', headers, body: 'abcdefghij' });
    slow.message.end('56789');
    return [quick.status, (await slow.answer).status];
  }

  it('are tested when the whole body is there', async () => {
    expect(await raceOfHalfABody({})).toEqual([200, 412]);
  });

  it('are tested too early by a service that is told so', async () => {
    expect(await raceOfHalfABody({ defects: { conditionAtStart: true } })).toEqual([200, 200]);
  });

  it('are ignored by a service that is told so', async () => {
    const client = clientOf(await start({ defects: { ignoreIfNoneMatch: true, ignoreIfMatch: true } }));
    await client.send(put('a', '1'));
    await client.send(put('a', '2', { IfNoneMatch: '*' }));
    await client.send(put('a', '3', { IfMatch: 'other' }));
    expect(await textOf(client, 'a')).toBe('3');
  });

  it('know only etags without quotes where told so', async () => {
    const client = clientOf(await start({ defects: { bareIfMatch: true, etagWithoutQuotes: true } }));
    const { ETag = '' } = await client.send(put('a', '1'));
    expect(ETag).toMatch(/^[0-9a-f]{32}$/);
    expect(await failureOf(client.send(put('a', '2', { IfMatch: `"${ETag}"` })))).toMatchObject({ status: 412 });
    await client.send(put('a', '2', { IfMatch: ETag }));
  });
});

describe('who asks', () => {
  it.each<[string, FakeS3Options, sdk.S3ClientConfig, object]>([
    [
      'a wrong secret',
      { verifySignatures: true },
      { credentials: { accessKeyId: 'test', secretAccessKey: 'other' } },
      { status: 403, code: 'SignatureDoesNotMatch' },
    ],
    [
      'an unknown key id',
      {},
      { credentials: { accessKeyId: 'who', secretAccessKey: 'testtest' } },
      { status: 403, code: 'InvalidAccessKeyId' },
    ],
    ['a wrong region', {}, { region: 'eu-west-1' }, { status: 400, code: 'AuthorizationHeaderMalformed' }],
    ['a clock that is wrong', { now: () => Date.now() + 1e6 }, {}, { status: 403, code: 'RequestTimeTooSkewed' }],
    [
      'a token that is missing',
      { credentials: { accessKeyId: 'test', secretAccessKey: 'testtest', sessionToken: 'token' } },
      {},
      { status: 400, code: 'InvalidToken' },
    ],
    [
      'a token that has expired',
      { credentials: { accessKeyId: 'test', secretAccessKey: 'testtest', isExpired: true } },
      {},
      { status: 400, code: 'ExpiredToken' },
    ],
  ])('is refused for %s', async (_, options, config, failure) => {
    const fake = await start(options);
    expect(await failureOf(clientOf(fake, config).send(put('a', '1')))).toEqual(failure);
    expect(fake.objects().size).toBe(0);
  });

  it('is told the region that would be right', async () => {
    const { endpoint } = await start({ region: 'eu-west-1' });
    const { status, body } = await ask(`${endpoint}/${Bucket}/a`);
    expect({ status, region: /<Region>(.*)<\/Region>/.exec(body)?.[1] }).toEqual({ status: 400, region: 'eu-west-1' });
  });

  it('is refused without a signature, and with a body that was not the signed one', async () => {
    const { endpoint } = await start({ verifySignatures: true });
    expect(await ask(`${endpoint}/${Bucket}/a`, { headers: {} })).toMatchObject({ status: 403 });
    const sent = new Promise<{ headers: Record<string, string> }>((resolve) => {
      const handle = (request: { headers: Record<string, string> }): Promise<never> => {
        resolve(request);
        return new Promise(() => {});
      };
      const client = clientOf(
        { endpoint },
        { requestHandler: { handle } as unknown as sdk.S3ClientConfig['requestHandler'] & {} },
      );
      void client.send(put('a', 'body'));
    });
    const { headers } = await sent;
    const url = `${endpoint}/${Bucket}/a?x-id=PutObject`;
    const other = await ask(url, { method: 'PUT', headers, body: 'bodY' });
    expect(other.body).toContain('XAmzContentSHA256Mismatch');
    expect(await ask(url, { method: 'PUT', headers, body: 'body' })).toMatchObject({ status: 200 });
  });

  it('may do what is not denied', async () => {
    const denied = new Set<string>();
    const fake = await start({ deny: (action, key) => denied.has(`${action} ${key}`) });
    const client = clientOf(fake);
    await client.send(put('a', '1'));
    denied.add('s3:GetObject a').add('s3:PutObject b').add('s3:DeleteObject a').add('s3:ListBucket p');
    const refused = { status: 403, code: 'AccessDenied' };
    expect(await failureOf(client.send(get('a')))).toEqual(refused);
    expect(await failureOf(client.send(put('b', '1')))).toEqual(refused);
    expect(await failureOf(client.send(list({ Prefix: 'p' })))).toEqual(refused);
    expect(await failureOf(client.send(new sdk.DeleteObjectCommand({ Bucket, Key: 'a' })))).toEqual(refused);
    expect(await failureOf(client.send(get('none')))).toEqual({ status: 404, code: 'NoSuchKey' });
    denied.add('s3:ListBucket ');
    expect(await failureOf(client.send(get('none')))).toEqual(refused);
  });
});

describe('lists', () => {
  const keys = ['a/1', 'a/10', 'a/2', 'a/\u{ff5e}', 'a/\u{1f600}', 'a/x&<"y', 'b'];

  it('come in the order of UTF-8 bytes, page by page, from any key on', async () => {
    const client = clientOf(await start({ verifySignatures: true }));
    for (const key of keys.toReversed()) await client.send(put(key, 'xyz'));
    const found: string[] = [];
    let token: string | undefined;
    do {
      const more = token === undefined ? {} : { ContinuationToken: token };
      const page = await client.send(list({ Prefix: 'a/', MaxKeys: 2, EncodingType: 'url', ...more }));
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
      for (const { Key = '', Size } of page.Contents ?? []) {
        expect(Size).toBe(3);
        found.push(decodeURIComponent(Key.replaceAll('+', ' ')));
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(found).toEqual(['a/1', 'a/10', 'a/2', 'a/x&<"y', 'a/\u{ff5e}', 'a/\u{1f600}']);
    const after = await client.send(list({ StartAfter: 'a/x&<"y' }));
    expect(after.Contents?.map(({ Key }) => Key)).toEqual(['a/\u{ff5e}', 'a/\u{1f600}', 'b']);
  });

  it('are out of order, or miss what is new, where told so', async () => {
    let now = Date.now();
    const fake = await start({ now: () => now });
    const client = clientOf(fake);
    const listed = async (): Promise<unknown> => (await client.send(list())).Contents?.map(({ Key }) => Key);
    await client.send(put('a', ''));
    await client.send(put('b', ''));
    fake.defects.unorderedList = true;
    expect(await listed()).toEqual(['b', 'a']);
    fake.defects.staleList = true;
    expect(await listed()).toBeUndefined();
    now += 1001;
    expect(await listed()).toEqual(['b', 'a']);
  });
});

describe('deleting many keys', () => {
  const remove = (keys: readonly string[], Quiet: boolean): sdk.DeleteObjectsCommand =>
    new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet } });

  it('says which failed and, unless quiet, which did not', async () => {
    const fake = await start({
      deny: (action, key) => action === 's3:DeleteObject' && key === 'b',
      failDelete: (key) => (key === 'c&' ? 'InternalError' : undefined),
    });
    const client = clientOf(fake);
    for (const key of ['a', 'b', 'c&']) await client.send(put(key, ''));
    const said = await client.send(remove(['a', 'b', 'c&', 'none'], false));
    expect(said.Deleted?.map(({ Key }) => Key)).toEqual(['a', 'none']);
    expect(said.Errors?.map(({ Key, Code }) => `${Key} ${Code}`)).toEqual(['b AccessDenied', 'c& InternalError']);
    expect([...fake.objects().keys()]).toEqual(['b', 'c&']);
    expect((await client.send(remove(['b'], true))).Deleted).toBeUndefined();
  });

  it('does nothing where told so', async () => {
    const fake = await start({ defects: { deleteKeeps: true } });
    const client = clientOf(fake);
    await client.send(put('a', ''));
    await client.send(remove(['a'], false));
    await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect(fake.objects().size).toBe(1);
  });
});

describe('values in parts', () => {
  const part = 5 * 1024 * 1024;

  it('are begun, filled, copied into, completed, listed and given up', async () => {
    const fake = await start();
    const client = clientOf(fake);
    await client.send(put('source', '0123456789'));
    const at = { Bucket, Key: 'large' };
    const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(at));
    const Body = Buffer.alloc(part, 7);
    const first = await client.send(new sdk.UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body }));
    const copy = { ...at, UploadId, CopySource: `${Bucket}/source`, CopySourceRange: 'bytes=3-5' };
    const second = await client.send(new sdk.UploadPartCopyCommand({ ...copy, PartNumber: 2 }));
    const Parts = [
      { PartNumber: 1, ETag: first.ETag },
      { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
    ];
    const beyond = { ...copy, PartNumber: 3, CopySourceRange: 'bytes=3-10' };
    expect(await failureOf(client.send(new sdk.UploadPartCopyCommand(beyond)))).toMatchObject({ status: 400 });
    expect(fake.objects().has('large')).toBe(false);
    const complete = { ...at, UploadId, MultipartUpload: { Parts } };
    const { ETag } = await client.send(new sdk.CompleteMultipartUploadCommand(complete));
    expect(ETag).toMatch(/-2"$/);
    expect(await textOf(client, 'large', { Range: 'bytes=-4' })).toBe('\u0007345');
    expect(await failureOf(client.send(new sdk.CompleteMultipartUploadCommand(complete)))).toMatchObject({
      code: 'NoSuchUpload',
    });

    const begun = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: 'given-up' }));
    const listed = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: 'given' }));
    expect(listed.Uploads).toMatchObject([{ Key: 'given-up', UploadId: begun.UploadId, Initiated: expect.any(Date) }]);
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: 'given-up', UploadId: begun.UploadId }));
    expect(fake.uploads()).toEqual([]);
  });

  it('are refused with small parts, parts out of order and parts that are not there', async () => {
    const client = clientOf(await start());
    const at = { Bucket, Key: 'large' };
    const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(at));
    const upload = async (PartNumber: number): Promise<sdk.CompletedPart> => {
      const { ETag } = await client.send(new sdk.UploadPartCommand({ ...at, UploadId, PartNumber, Body: 'small' }));
      return { PartNumber, ETag };
    };
    const [one, two] = [await upload(1), await upload(2)];
    const complete = (...Parts: sdk.CompletedPart[]): Promise<unknown> =>
      client.send(new sdk.CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
    expect(await failureOf(complete(one, two))).toMatchObject({ code: 'EntityTooSmall' });
    expect(await failureOf(complete(two, one))).toMatchObject({ code: 'InvalidPartOrder' });
    expect(await failureOf(complete({ PartNumber: 3, ETag: 'x' }))).toMatchObject({ code: 'InvalidPart' });
    await complete(two);
    expect(await textOf(client, 'large')).toBe('small');
  });
});
