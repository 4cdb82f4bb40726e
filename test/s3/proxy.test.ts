// The proxy changes nothing of what it has no rule for, signatures included; it counts what the service behind it
// counts; and each of its deeds is told by what reached the service and what reached the client.
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeS3, startFakeS3 } from './fake-s3.mjs';
import { type Proxy, type ProxyDeed, startProxy } from './proxy.mjs';
import { ask, begin, signedBy } from './raw-request.ts';

const Bucket = 'qanat-test';
let fake: FakeS3;
let proxy: Proxy;
let url: string;

beforeEach(async () => {
  fake = await startFakeS3({ verifySignatures: false });
  proxy = await startProxy({ upstream: fake.endpoint });
  url = `${proxy.endpoint}/${Bucket}/a`;
});

afterEach(async () => {
  await proxy.close();
  await fake.close();
});

const putOf = (body: string): Promise<{ status: number; body: string }> => ask(url, { method: 'PUT', body });
const stored = (): string | undefined => {
  const object = fake.objects().get('a');
  return object === undefined ? undefined : Buffer.from(object.bytes).toString();
};
const putsAtTheService = (): number =>
  fake.requests().find(({ operation }) => operation === 'PutObject')?.requests ?? 0;
const always = (deed: ProxyDeed): void => proxy.setRule(() => deed);

it('lets signed requests through unchanged, of any size, and counts like the service', async () => {
  const strict = await startFakeS3({ verifySignatures: true });
  const between = await startProxy({ upstream: strict.endpoint, latencyMs: 1 });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
  for (const { endpoint } of [between, await startProxy({ upstream: strict.endpoint })]) {
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials });
    for (const size of [0, 10, 3_000_000]) {
      const Body = Buffer.alloc(size, size % 251);
      await client.send(new PutObjectCommand({ Bucket, Key: "odd +/ü'", Body }));
      const answer = await client.send(new GetObjectCommand({ Bucket, Key: "odd +/ü'" }));
      expect(Buffer.compare(Buffer.from((await answer.Body?.transformToByteArray()) ?? []), Body)).toBe(0);
    }
    await expect(client.send(new GetObjectCommand({ Bucket, Key: 'none' }))).rejects.toThrow('not exist');
    client.destroy();
  }
  const [puts, gets] = strict.requests();
  expect(puts).toMatchObject({ operation: 'PutObject', requests: 6, failures: 0, bytesIn: 6_000_020 });
  expect(gets).toMatchObject({ operation: 'GetObject', requests: 8, failures: 2, bytesOut: 6_000_020 });
  expect(between.requests()).toMatchObject([
    { operation: 'PutObject', requests: 3, failures: 0, bytesIn: 3_000_010, bytesOut: 0 },
    { operation: 'GetObject', requests: 4, failures: 1, bytesIn: 0, bytesOut: 3_000_010 },
  ]);
  await between.close();
  await strict.close();
});

it('counts what passes as it is, too', async () => {
  await putOf('0123456789');
  await ask(url);
  await ask(url, { method: 'HEAD' });
  expect(proxy.requests()).toEqual(fake.requests());
  expect(proxy.requests().map(({ operation }) => operation)).toEqual(['PutObject', 'GetObject', 'HeadObject']);
  proxy.resetRequests();
  expect(proxy.requests()).toEqual([]);
});

describe('a request', () => {
  it('is dropped before it reaches the service', async () => {
    always({ dropBefore: true });
    await expect(putOf('1')).rejects.toThrow(/hang up|ECONNRESET/);
    expect(putsAtTheService()).toBe(0);
  });

  it('is cut in the middle of its body', async () => {
    always({ cutRequestAfter: 4 });
    await expect(putOf('0123456789')).rejects.toThrow(/hang up|ECONNRESET/);
    await expect.poll(() => fake.requests()).toMatchObject([{ operation: 'PutObject', requests: 1 }]);
    expect(stored()).toBeUndefined();
  });

  it('is sent twice, and the second answer is given', async () => {
    always({ twice: true });
    const headers = { ...signedBy(), 'If-None-Match': '*' };
    expect(await ask(url, { method: 'PUT', headers, body: '1' })).toMatchObject({ status: 412 });
    expect(stored()).toBe('1');
    expect(putsAtTheService()).toBe(2);
  });

  it('lands late, after the client has given up', async () => {
    always({ delayMs: 60 });
    const { message, answer } = begin(url, { headers: { ...signedBy(), 'Content-Length': 4 } });
    answer.catch(() => {});
    await new Promise((resolve) => message.end('late', () => resolve(undefined)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    message.destroy();
    expect(stored()).toBeUndefined();
    await expect.poll(stored).toBe('late');
  });

  it('stops in the middle of its body until it is let go', async () => {
    let letGo: (value: unknown) => void = () => {};
    const until = new Promise((resolve) => (letGo = resolve));
    proxy.setRule(({ headers }) => (headers['x-slow'] === undefined ? {} : { holdBodyAfter: { bytes: 2, until } }));
    const headers = { ...signedBy(), 'If-None-Match': '*' };
    const slow = ask(url, { method: 'PUT', headers: { ...headers, 'x-slow': 'yes' }, body: 'slow' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask(url, { method: 'PUT', headers, body: 'quick' })).toMatchObject({ status: 200 });
    letGo(undefined);
    expect(await slow).toMatchObject({ status: 412 });
    expect(stored()).toBe('quick');
  });

  it('hangs', async () => {
    always({ hang: true });
    const asked = putOf('1').catch(() => 'ended');
    expect(await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])).toBe('nothing');
    expect(putsAtTheService()).toBe(0);
    await proxy.close();
    expect(await asked).toBe('ended');
  });
});

describe('an answer', () => {
  it('is dropped after the effect', async () => {
    always({ dropAfter: true });
    await expect(putOf('1')).rejects.toThrow(/hang up|ECONNRESET/);
    expect(stored()).toBe('1');
  });

  it("is the proxy's own", async () => {
    always({ answer: { status: 503, code: 'SlowDown' } });
    const { status, body } = await putOf('1');
    expect({ status, body }).toEqual({ status: 503, body: expect.stringContaining('<Code>SlowDown</Code>') });
    expect(putsAtTheService()).toBe(0);
  });

  it('comes late, slowly, or in part', async () => {
    await putOf('0123456789');
    for (const deed of [{ delayAnswerMs: 50 }, { slowBody: { bytesPerSecond: 100 } }]) {
      always(deed);
      const from = performance.now();
      expect((await ask(url)).body).toBe('0123456789');
      expect(performance.now() - from).toBeGreaterThan(45);
    }
    always({ cutBodyAfter: 4 });
    await expect(ask(url)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('is given though a rule looked and did nothing', async () => {
    const seen: string[] = [];
    proxy.setRule(({ operation, key }) => void seen.push(`${operation} ${key}`));
    await putOf('1');
    expect(seen).toEqual(['PutObject a']);
    expect(stored()).toBe('1');
  });
});
