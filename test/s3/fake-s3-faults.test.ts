// What befalls single requests at the fake S3 server, and that it counts all of them.
import { afterEach, expect, it } from 'vitest';
import { type FakeS3, type FakeS3Options, startFakeS3 } from './fake-s3.mjs';
import { ask, begin, signedBy } from './raw-request.ts';

let fake: FakeS3;
let url: string;

afterEach(() => fake.close());

async function start(options: FakeS3Options = {}): Promise<void> {
  fake = await startFakeS3(options);
  url = `${fake.endpoint}/qanat-test/a`;
}

it.each([
  ['dropBefore', { dropBefore: true }, false],
  ['dropAfter', { dropAfter: true }, true],
])('%s breaks the connection, and has its effect or not', async (_, fault, isStored) => {
  await start({ onRequest: () => fault });
  await expect(ask(url, { method: 'PUT', body: '1' })).rejects.toThrow(/hang up|ECONNRESET/);
  expect(fake.objects().has('a')).toBe(isStored);
});

it('answers what it is told, also as a failure inside of a success', async () => {
  await start({ onRequest: ({ method }) => ({ status: method === 'PUT' ? 503 : 200, code: 'SlowDown' }) });
  expect(await ask(url, { method: 'PUT', body: '1' })).toMatchObject({ status: 503 });
  expect(fake.objects().size).toBe(0);
  const { status, body } = await ask(`${url}?uploads`, { method: 'POST' });
  expect({ status, body }).toEqual({ status: 200, body: expect.stringContaining('<Error><Code>SlowDown<') });
});

it('delays, trickles, cuts short, and hangs', async () => {
  let fault = {};
  await start({ onRequest: ({ method }) => (method === 'GET' ? fault : undefined) });
  await ask(url, { method: 'PUT', body: '0123456789' });
  for (const slow of [{ delayMs: 50 }, { delayAnswerMs: 50 }, { slowBody: { bytesPerSecond: 100 } }]) {
    fault = slow;
    const from = performance.now();
    expect((await ask(url)).body).toBe('0123456789');
    expect(performance.now() - from).toBeGreaterThan(45);
  }
  fault = { cutBodyAfter: 4 };
  await expect(ask(url)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  fault = { hang: true };
  const asked = ask(url).catch(() => 'ended');
  const first = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]);
  expect(first).toBe('nothing');
});

it('refuses more requests at a time than it is told to take', async () => {
  await start({ concurrentMax: 1, onRequest: ({ key }) => (key === 'a' ? { delayAnswerMs: 300 } : undefined) });
  const first = ask(url, { method: 'PUT', body: '1' });
  await expect.poll(() => fake.objects().has('a')).toBe(true);
  const others = await Promise.all(['b', 'c'].map((key) => ask(`${url}${key}`, { method: 'PUT', body: '1' })));
  expect(others.map(({ status }) => status)).toEqual([503, 503]);
  expect(await first).toMatchObject({ status: 200 });
  await expect.poll(async () => (await ask(`${url}b`)).status).toBe(404);
});

it('keeps nothing of a body that breaks off', async () => {
  await start();
  const { message, answer } = begin(url, { headers: { ...signedBy(), 'Content-Length': 10 } });
  answer.catch(() => {});
  await new Promise((resolve) => message.write('01234', resolve));
  message.destroy();
  await expect.poll(() => fake.requests()).toMatchObject([{ operation: 'PutObject', requests: 1 }]);
  expect(fake.objects().size).toBe(0);
});

it('counts requests by operation, with their bytes', async () => {
  await start();
  await ask(url, { method: 'PUT', body: '0123456789' });
  await ask(url, { headers: { ...signedBy(), Range: 'bytes=0-3' } });
  await ask(`${url}-none`);
  expect(fake.requests()).toEqual([
    { operation: 'PutObject', requests: 1, failures: 0, bytesIn: 10, bytesOut: 0 },
    { operation: 'GetObject', requests: 2, failures: 1, bytesIn: 0, bytesOut: 4 },
  ]);
  fake.resetRequests();
  expect(fake.requests()).toEqual([]);
});
