// How a store reaches its service: TLS, session tokens, credentials that are given anew, a prefix in a shared bucket,
// and a connection that is closed.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3ObjectStore, type S3Credentials } from '../../src/s3.ts';
import { startFakeS3, type FakeS3 } from './fake-s3.mjs';
import type { S3Request } from './fake-s3-request.mjs';

const purpose = 'probe' as const;
const credentials: S3Credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('credentials', () => {
  it('go with their session token', async () => {
    const withToken = { ...credentials, sessionToken: 'the token' };
    const service = await startFakeS3({ verifySignatures: true, credentials: withToken });
    const at = { bucket: 'qanat-test', endpoint: service.endpoint };
    const store = new S3ObjectStore({ ...at, credentials: withToken });
    expect(await store.put('key', text('value'), { purpose })).toMatchObject({ outcome: 'stored' });
    const without = new S3ObjectStore({ ...at, credentials });
    await expect(without.get('key', { purpose })).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' });
    for (const one of [store, without]) one.close();
    await service.close();
  });

  it('of a function are asked for again when they end, and what it gives is checked', async () => {
    const service = await startFakeS3({ verifySignatures: true });
    const at = { bucket: 'qanat-test', endpoint: service.endpoint };
    let asked = 0;
    const give = async (): Promise<S3Credentials> => ({ ...credentials, expiration: new Date(Date.now() + ++asked) });
    const store = new S3ObjectStore({ ...at, credentials: give });
    for (let i = 0; i < 3; i++) expect(await store.get('key', { purpose })).toBe('missing');
    expect(asked).toBeGreaterThanOrEqual(3);
    const wrong = new S3ObjectStore({ ...at, credentials: async () => ({ accessKeyId: 'a' }) as S3Credentials });
    await expect(wrong.get('key', { purpose })).rejects.toThrow("'secretAccessKey' is not");
    for (const one of [store, wrong]) one.close();
    await service.close();
  });
});

describe('a shared bucket', () => {
  it('holds stores side by side; none sees the keys of another, or of strangers', async () => {
    const service = await startFakeS3({ verifySignatures: true });
    const open = (prefix: string): S3ObjectStore =>
      new S3ObjectStore({ bucket: 'qanat-test', prefix, endpoint: service.endpoint, credentials });
    const [whole, a, ab, odd] = ['', 'a', 'a/b', 'é +&%'].map(open) as [
      S3ObjectStore,
      S3ObjectStore,
      S3ObjectStore,
      S3ObjectStore,
    ];
    for (const store of [whole, a, ab, odd]) await store.put('key', text('value'), { purpose });
    const list = async (store: S3ObjectStore): Promise<string[]> =>
      (await store.list({ prefix: '', purpose })).keys.map(({ key }) => key);
    expect(await list(whole)).toEqual(['a/b/key', 'a/key', 'key', 'é +&%/key']);
    expect(await list(a)).toEqual(['b/key', 'key']);
    expect(await list(ab)).toEqual(['key']);
    expect(await list(odd)).toEqual(['key']);
    await a.delete(['key', 'nothing'], { purpose });
    expect(await list(whole)).toEqual(['a/b/key', 'key', 'é +&%/key']);
    await expect(odd.put('k'.repeat(1_020), text('x'), { purpose })).rejects.toThrow("with the store's prefix");
    for (const store of [whole, a, ab, odd]) store.close();
    await service.close();
  });
});

describe('a store that is closed', () => {
  it('fails what is under way, and everything later', async () => {
    const service = await startFakeS3({ onRequest: () => ({ hang: true }) });
    const store = new S3ObjectStore({ bucket: 'qanat-test', endpoint: service.endpoint, credentials });
    const [get, put] = [store.get('key', { purpose }), store.put('key', text('x'), { purpose })];
    for (const promise of [get, put]) promise.catch(() => {});
    await expect.poll(() => service.requests().length).toBeGreaterThan(0);
    store.close();
    await expect(get).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await put.catch((cause: unknown) => cause)).toMatchObject({ outcome: expect.any(String) as string });
    await expect(store.get('key', { purpose })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await service.close();
  });
});

const folder = mkdtempSync(join(tmpdir(), 'qanat-tls-'));
const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
const made = spawnSync('openssl', [
  ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
  ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
]);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(made.status !== 0)('over TLS (needs openssl)', () => {
  let service: FakeS3;
  let server: Server;
  let endpoint: string;
  const seen: S3Request[] = [];
  beforeAll(async () => {
    service = await startFakeS3({ verifySignatures: true, onRequest: (request) => void seen.push(request) });
    server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) => {
      const inner = connect(service.port, '127.0.0.1');
      for (const end of [socket, inner]) end.on('error', () => {});
      socket.pipe(inner).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await service.close();
  });

  it('a value comes back as it was, and bodies go without their hash, with a checksum', async () => {
    const child = fileURLToPath(new URL('tls-child.mjs', import.meta.url));
    const url = `s3://qanat-test/tls?endpoint=${endpoint}`;
    const { AWS_SESSION_TOKEN: _, ...env } = process.env;
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtest', AWS_REGION: 'us-east-1' };
    const { stdout } = await promisify(execFile)(process.execPath, [child, url], {
      env: { ...env, ...keys, NODE_EXTRA_CA_CERTS: certificate },
    });
    expect(JSON.parse(stdout)).toEqual({
      outcome: 'stored',
      bytes: Array.from({ length: 10 }, () => 7),
      size: 100_000,
    });
    const put = seen.find(({ operation }) => operation === 'PutObject');
    expect(put?.headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD');
    expect(put?.headers['x-amz-checksum-crc32']).toMatch(/^[A-Za-z0-9+/]{6}==$/);
    expect(put?.headers['expect']).toBeUndefined();
  });

  it('a certificate that nobody vouches for is refused with what to do', async () => {
    const store = new S3ObjectStore({ bucket: 'qanat-test', endpoint, credentials });
    const failed = store.get('key', { purpose });
    await expect(failed).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' });
    await expect(failed).rejects.toThrow('NODE_EXTRA_CA_CERTS');
    store.close();
  });

  it('over plain HTTP bodies are signed with their hash, unless it is said otherwise', async () => {
    for (const unsignedPayload of [undefined, true]) {
      seen.length = 0;
      const options = { bucket: 'qanat-test', endpoint: service.endpoint, credentials, unsignedPayload };
      const store = new S3ObjectStore(options);
      await store.put(`plain ${String(unsignedPayload)}`, text('value'), { purpose });
      const hash = seen[0]?.headers['x-amz-content-sha256'];
      if (unsignedPayload === true) expect(hash).toBe('UNSIGNED-PAYLOAD');
      else expect(hash).toMatch(/^[0-9a-f]{64}$/);
      store.close();
    }
  });
});
