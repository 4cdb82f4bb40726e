// Values in parts, copies by the server, uploads that were never ended; and deletions of thousands of keys: on the fake
// service, always, and on every real server there is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import type { CopyPiece, StoreOperation } from '../../src/index.ts';
import { S3ObjectStore } from '../../src/s3.ts';
import { startFakeS3, type FakeFault, type FakeS3, type FakeS3Options } from './fake-s3.mjs';
import type { S3Request } from './fake-s3-request.mjs';
import { describeOnServer, testServers } from './test-bucket.ts';

const purpose = 'compaction' as const;
const MiB = 1024 * 1024;
const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };

/** Bytes that are nowhere the same. */
const large = Uint8Array.from({ length: 20 * MiB + 17 }, (_, i) => (i * 7 + (i >> 13) * 3) & 255);

async function* inChunks(bytes: Uint8Array, length = 1_000_003): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}

async function bytesAt(store: S3ObjectStore, key: string): Promise<Uint8Array | string> {
  const value = await store.get(key, { purpose });
  return typeof value === 'string' ? value : value.bytes;
}

function isSame(a: Uint8Array | string, b: Uint8Array): boolean {
  return typeof a !== 'string' && Buffer.compare(a, b) === 0;
}

interface Place {
  readonly store: S3ObjectStore;
  /** Begins an upload and leaves it. */
  begin(key: string): Promise<void>;
}

function declare(place: () => Place, { listsUploads = true } = {}): void {
  it('a large value goes in parts, a small one at once, and both come back as they were', async () => {
    const { store } = place();
    for (const [key, bytes] of Object.entries({ large, small: large.subarray(0, 1_000), none: new Uint8Array(0) })) {
      const put = await store.putLarge(key, inChunks(bytes), { purpose, sizeBytes: bytes.byteLength });
      expect(put.outcome).toBe('stored');
      expect(isSame(await bytesAt(store, key), bytes)).toBe(true);
      const value = await store.get(key, { purpose });
      expect(value).toMatchObject({ size: bytes.byteLength, etag: put.outcome === 'stored' ? put.etag : '' });
    }
  });

  it('a body of another length than it was said to have is refused, and nothing stands', async () => {
    const { store } = place();
    for (const [bytes, wrong] of [
      [large, -1],
      [large, 1],
      [large.subarray(0, 100), 1],
      [large.subarray(0, 100), -1],
    ] as const) {
      const put = store.putLarge('wrong', inChunks(bytes), { purpose, sizeBytes: bytes.byteLength + wrong });
      await expect(put).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await bytesAt(store, 'wrong')).toBe('missing');
    }
    expect(await store.abortUploads({ prefix: '', olderThanMs: 0, purpose })).toBe(0);
  });

  it('a body that fails fails the put with its own error, and leaves nothing', async () => {
    const { store } = place();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield large.subarray(0, 12 * MiB);
      throw new Error('the source is gone');
    }
    const put = store.putLarge('failing', failing(), { purpose, sizeBytes: large.byteLength });
    await expect(put).rejects.toThrow('the source is gone');
    expect(await bytesAt(store, 'failing')).toBe('missing');
    expect(await store.abortUploads({ prefix: '', olderThanMs: 0, purpose })).toBe(0);
  });

  it('a put that is given up rejects with the reason', async () => {
    const { store } = place();
    const leaving = new AbortController();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield large.subarray(0, 12 * MiB);
      leaving.abort(new Error('enough'));
      yield large.subarray(12 * MiB);
    }
    const { signal } = leaving;
    const put = store.putLarge('left', slow(), { purpose, sizeBytes: large.byteLength, signal });
    await expect(put).rejects.toThrow('enough');
    expect(await bytesAt(store, 'left')).toBe('missing');
  });

  it('a value is put together from ranges and bytes', async () => {
    const { store } = place();
    await store.put('source', large, { purpose });
    const cut = 11 * MiB + 3;
    const pieces: CopyPiece[] = [
      { bytes: large.subarray(0, 100) },
      { key: 'source', range: { start: 3, end: cut } },
      { key: 'source', range: { start: 7, end: 17 } },
      { key: 'source', range: { start: cut, end: large.byteLength } },
      { bytes: large.subarray(5, 9) },
    ];
    const whole = pieces.map((piece) => {
      return 'bytes' in piece ? piece.bytes : large.subarray(piece.range.start, piece.range.end);
    });
    expect(await store.copyRanges('copied', pieces, { purpose })).toMatchObject({ outcome: 'stored' });
    expect(isSame(await bytesAt(store, 'copied'), Buffer.concat(whole))).toBe(true);
    expect(await store.copyRanges('empty', [], { purpose })).toMatchObject({ outcome: 'stored' });
    expect(await bytesAt(store, 'empty')).toEqual(new Uint8Array(0));
  });

  it("a copy of what is not there, or not so long, is 'missing', and nothing stands", async () => {
    const { store } = place();
    await store.put('short', large.subarray(0, 6 * MiB), { purpose });
    const sources: CopyPiece[] = [
      { key: 'nothing', range: { start: 0, end: 6 * MiB } },
      { key: 'nothing', range: { start: 0, end: 10 } },
      { key: 'short', range: { start: 0, end: 6 * MiB + 1 } },
      { key: 'short', range: { start: 7 * MiB, end: 13 * MiB } },
      { key: 'short', range: { start: 6 * MiB - 5, end: 6 * MiB + 5 } },
      { key: 'short', range: { start: 7 * MiB, end: 7 * MiB + 5 } },
    ];
    for (const source of sources) expect(await store.copyRanges('not copied', [source], { purpose })).toBe('missing');
    expect(await bytesAt(store, 'not copied')).toBe('missing');
    expect(await store.abortUploads({ prefix: '', olderThanMs: 0, purpose })).toBe(0);
  });

  it('uploads that were never ended are given up, under the prefix and once they are old enough', async () => {
    const { store, begin } = place();
    for (const key of ['old/1', 'old/2', 'other/1']) await begin(key);
    if (!listsUploads) {
      // MinIO lists the uploads of a key, not of a prefix; it gives old ones up by itself, after a day.
      for (const key of ['old/1', 'old/2', 'other/1'])
        expect(await store.abortUploads({ prefix: key, olderThanMs: 0, purpose })).toBe(1);
      return;
    }
    expect(await store.abortUploads({ prefix: 'old/', olderThanMs: 3_600_000, purpose })).toBe(0);
    expect(await store.abortUploads({ prefix: 'old/', olderThanMs: 0, purpose })).toBe(2);
    expect(await store.abortUploads({ prefix: '', olderThanMs: 0, purpose })).toBe(1);
    expect(await store.abortUploads({ prefix: '', olderThanMs: 0, purpose })).toBe(0);
    await expect(store.abortUploads({ prefix: '', olderThanMs: -1, purpose })).rejects.toThrow('0 or more');
  });

  it('2,500 keys are deleted with three requests, also those that are not there or odd', async () => {
    const { store } = place();
    const keys = Array.from({ length: 2_500 }, (_, i) => `many/${String(i).padStart(5, '0')} <&"'>é+%2F`);
    const there = keys.filter((_, i) => i % 100 === 0);
    await Promise.all(there.map((key) => store.put(key, new Uint8Array(1), { purpose })));
    const sent: StoreOperation[] = [];
    const tally = { sent: (operation: StoreOperation) => void sent.push(operation), received: (): void => {} };
    expect(await store.delete([...keys, ...there], { purpose, tally })).toEqual({ failed: [] });
    expect(sent).toEqual(['delete', 'delete', 'delete']);
    expect((await store.list({ prefix: 'many/', purpose })).keys).toEqual([]);
  });
}

describe('the fake service', () => {
  let service: FakeS3;
  let place: Place;
  beforeAll(async () => {
    service = await startFakeS3({ verifySignatures: true });
    const at = { endpoint: service.endpoint, bucket: 'qanat-test', prefix: 'a part' };
    place = placeOf(new S3ObjectStore({ ...at, credentials }), at);
  });
  afterAll(() => service.close());
  declare(() => place);
});

for (const server of testServers)
  describeOnServer(
    'values in parts',
    server,
    (bucket) => declare(() => placeOf(bucket().open(), bucket()), { listsUploads: server.name !== 'MinIO' }),
    {
      whole: true,
    },
  );

function placeOf(store: S3ObjectStore, at: { endpoint: string; bucket: string; prefix: string }): Place {
  const begin = async (key: string): Promise<void> => {
    const client = new S3Client({ endpoint: at.endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    const whole = at.prefix === '' ? key : `${at.prefix}/${key}`;
    await client.send(new CreateMultipartUploadCommand({ Bucket: at.bucket, Key: whole }));
    client.destroy();
  };
  return { store, begin };
}

describe('what fails', () => {
  /** A store over a service of its own. */
  async function opened(options: FakeS3Options): Promise<Place & { service: FakeS3; close(): Promise<void> }> {
    const service = await startFakeS3(options);
    const at = { endpoint: service.endpoint, bucket: 'qanat-test', prefix: '' };
    const store = new S3ObjectStore({ ...at, credentials });
    return { ...placeOf(store, at), service, close: () => (store.close(), service.close()) };
  }

  it('of thousands of keys each one that could not be deleted is told, with the reason', async () => {
    const { store, close } = await opened({ failDelete: (key) => (key.endsWith('7') ? 'AccessDenied' : undefined) });
    const keys = Array.from({ length: 2_500 }, (_, i) => `key/${i}`);
    await store.delete(['one'], { purpose });
    const { failed } = await store.delete(keys, { purpose });
    expect(failed.map(({ key }) => key).toSorted()).toEqual(keys.filter((key) => key.endsWith('7')).toSorted());
    expect(String(failed[0]?.cause)).toMatch(/s3:DeleteObject of 'key\/\d*7'/);
    await close();
  });

  it('where one request of several fails its keys are told, the others are deleted', async () => {
    let count = 0;
    const onRequest = ({ operation }: S3Request): FakeFault | undefined =>
      operation === 'DeleteObjects' && ++count === 2 ? { status: 503, code: 'SlowDown' } : undefined;
    const { store, close } = await opened({ onRequest });
    const keys = Array.from({ length: 2_500 }, (_, i) => `key/${i}`);
    const { failed } = await store.delete(keys, { purpose });
    expect(failed).toHaveLength(1_000);
    expect(failed.every(({ cause }) => (cause as { code?: string }).code === 'STORE_UNAVAILABLE')).toBe(true);
    await close();
  });

  it('where nothing can be deleted at all the call rejects', async () => {
    const { store, close } = await opened({ onRequest: () => ({ status: 500 }) });
    for (const keys of [['one'], ['one', 'two']])
      await expect(store.delete(keys, { purpose })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await close();
  });

  it('parts are tried again; a lost answer to the last request is unknown, and the value may stand', async () => {
    let faults: Record<string, FakeFault[]> = {};
    const onRequest = ({ operation }: S3Request): FakeFault | undefined => faults[operation]?.shift();
    const { store, service, close } = await opened({ onRequest });
    const put = (): ReturnType<S3ObjectStore['putLarge']> =>
      store.putLarge('key', inChunks(large), { purpose, sizeBytes: large.byteLength });
    const slow: FakeFault = { status: 503, code: 'SlowDown' };
    faults = { CreateMultipartUpload: [slow], UploadPart: [slow, { dropAfter: true }, { dropBefore: true }] };
    expect((await put()).outcome).toBe('stored');
    faults = { CompleteMultipartUpload: [{ dropBefore: true }] };
    expect((await put()).outcome).toBe('stored');
    service.clear();
    faults = { CompleteMultipartUpload: [{ dropAfter: true }] }; // The second try finds nothing to end.
    expect((await put()).outcome).toBe('unknown');
    expect(isSame(await bytesAt(store, 'key'), large)).toBe(true);
    faults = { UploadPart: Array.from({ length: 50 }, () => slow) };
    service.clear();
    await expect(put()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await bytesAt(store, 'key')).toBe('missing');
    expect(service.uploads()).toEqual([]);
    await close();
  });

  it('a copy through a store that fails is tried again, and unknown only after its end', async () => {
    let faults: Record<string, FakeFault[]> = {};
    const onRequest = ({ operation }: S3Request): FakeFault | undefined => faults[operation]?.shift();
    const { store, service, close } = await opened({ onRequest });
    await store.put('source', large, { purpose });
    const copy = (): ReturnType<S3ObjectStore['copyRanges']> =>
      store.copyRanges('key', [{ key: 'source', range: { start: 0, end: large.byteLength } }], { purpose });
    faults = { UploadPartCopy: [{ status: 500 }, { dropAfter: true }], CompleteMultipartUpload: [{ status: 503 }] };
    expect(await copy()).toMatchObject({ outcome: 'stored' });
    faults = { CompleteMultipartUpload: [{ dropAfter: true }] };
    expect(await copy()).toEqual({ outcome: 'unknown' });
    faults = { UploadPartCopy: Array.from({ length: 50 }, () => ({ status: 500 })) };
    await expect(copy()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(service.uploads()).toEqual([]);
    await close();
  });
});
