// What a store, a stream set and the doctor say when something about a bucket is wrong: sentences that somebody who has
// never seen this package can act on, soon, and without a secret in any of them.
import { describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/cli/doctor.ts';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { S3ObjectStore, type S3ObjectStoreOptions } from '../../src/s3.ts';
import { bytesOf, errorOf, openSet, readAll, textOf } from '../engine/world.ts';
import {
  credentials,
  printed,
  secret,
  secretsIn,
  startBareServer,
  startServer,
  startWebServer,
  storeAt,
  token,
} from './bad-places.ts';
import type { FakeS3Options } from './fake-s3.mjs';

/** Opens a set on a store that cannot be opened, and has the doctor look at it: the error, and what he printed. */
async function refusals(
  open: () => S3ObjectStore,
  wrongSecrets: readonly string[] = [],
): Promise<{ error: Error & Record<string, unknown>; lines: string; status: number }> {
  const startMs = performance.now();
  const settings = { storeDeadlineMs: 200 };
  const error = await errorOf(StreamSet.open({ node: 'a', store: open(), settings }));
  const lines: string[] = [];
  const { signal } = new AbortController();
  const status = await runDoctor(open(), { title: 'a store', print: (line) => lines.push(line), signal });
  const text = lines.join('\n');
  for (const seen of [printed(error), text]) {
    expect(secretsIn(seen)).toEqual([]);
    for (const one of wrongSecrets) expect(seen).not.toContain(one);
  }
  expect(performance.now() - startMs, 'both were told soon').toBeLessThan(8_000);
  return { error, lines: text.replaceAll(/\s+/g, ' '), status };
}

interface WrongCase {
  readonly title: string;
  readonly server?: FakeS3Options;
  readonly store?: Partial<S3ObjectStoreOptions>;
  readonly says: RegExp;
}

const wrongSecret = 'TmV2ZXItc2hvdy10aGlzLW9uZS10by1hbnlib2R5IQ';

const cases: readonly WrongCase[] = [
  {
    title: 'a wrong secret',
    store: { credentials: { ...credentials, secretAccessKey: wrongSecret } },
    says: /the secret access key is not the one of this access key id at .*AWS_SECRET_ACCESS_KEY/,
  },
  {
    title: 'a key id that nobody knows',
    store: { credentials: { ...credentials, accessKeyId: 'AKIANOBODY' } },
    says: /does not know the access key id: correct it \(AWS_ACCESS_KEY_ID/,
  },
  {
    title: 'a session token that has ended',
    server: { credentials: { ...credentials, sessionToken: token, isExpired: true } },
    store: { credentials: { ...credentials, sessionToken: token } },
    says: /ExpiredToken .*: the session token has ended or is of other credentials; get new ones/,
  },
  {
    title: 'a session token where none is due',
    store: { credentials: { ...credentials, sessionToken: token } },
    says: /InvalidToken .*: the session token has ended or is of other credentials; get new ones/,
  },
  {
    title: 'a region that is not the one of the bucket',
    server: { region: 'eu-central-1' },
    says: /bucket 'qanat-test' was asked for in region 'us-east-1'; it is in 'eu-central-1' \(AWS_REGION, /,
  },
  {
    title: 'a bucket that does not exist',
    store: { bucket: 'no-such-bucket' },
    says: /there is no bucket 'no-such-bucket' at http:.*: create it, or correct its name/,
  },
  {
    title: 'a clock that is behind',
    server: { now: () => Date.now() + 20 * 60_000 },
    says: /the clock of this machine differs from that of http.*: set it; requests are signed with the time/,
  },
  {
    title: 'a clock that is ahead',
    server: { now: () => Date.now() - 20 * 60_000 },
    says: /the clock of this machine differs from that of http.*: set it; requests are signed with the time/,
  },
];

test('a secret is found wherever an error could hide one', () => {
  const nested = new Error('a', { cause: Object.assign(new Error('b'), { request: { headers: { x: token } } }) });
  for (const error of [new Error(`with ${secret}`), nested, { authorization: 'Signature=0123456789abcdef0123' }])
    expect(secretsIn(printed(error))).not.toEqual([]);
  expect(secretsIn(printed(new Error('of a signature and a token')))).toEqual([]);
});

describe('a store that is told something wrong', () => {
  test.each(cases)('says so: $title', async ({ server, store, says }) => {
    const { endpoint } = await startServer(server);
    const { error, lines, status } = await refusals(() => storeAt(endpoint, store), [wrongSecret]);
    expect(error).toMatchObject({ code: 'STORE_UNSUITABLE', action: 'correct', outcome: 'none' });
    expect(error.message).toMatch(says);
    expect(lines).toMatch(says);
    expect(status).toBe(1);
  });

  test('says by how much the clocks differ, where the server tells its time', async () => {
    const behind = new Date(Date.now() - 3_600_000).toUTCString();
    const body = '<?xml version="1.0"?><Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message></Error>';
    const endpoint = await startWebServer((_, response) => {
      response.writeHead(403, { 'content-type': 'application/xml', date: behind });
      response.end(body);
    });
    const { error } = await refusals(() => storeAt(endpoint));
    expect(error.message).toMatch(/ by 36\d\d s \(it is ahead\): set it/);
  });

  test('says that there are no credentials', async () => {
    const { endpoint } = await startServer();
    const nobody = (): never => {
      throw Object.assign(new Error(`no credentials, not even ${secret}`), { name: 'CredentialsProviderError' });
    };
    const { error } = await refusals(() => storeAt(endpoint, { credentials: async () => nobody() }));
    expect(error).toMatchObject({ code: 'STORE_UNSUITABLE' });
    expect(error.message).toMatch(/^there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or /);
  });
});

describe('a place that is not right', () => {
  const page = '<html><body>Welcome</body></html>';
  const web = (status: number, type: string, body: string) => (): Promise<string> =>
    startWebServer((_, response) => void response.writeHead(status, { 'content-type': type }).end(body));
  const alert = [0x15, 3, 1, 0, 2, 2, 0x46]; // What a TLS server says to somebody who does not speak TLS.
  const isRight = 'is the endpoint right?';

  const places: readonly (readonly [string, () => Promise<string>, string, string])[] = [
    ['where nothing listens', async () => 'http://127.0.0.1:1', 'STORE_UNAVAILABLE', 'nothing listens at http'],
    ['with no such name', async () => 'http://no-such-host.invalid', 'STORE_UNAVAILABLE', 'there is no host of that'],
    ['that speaks no TLS', async () => (await startServer()).endpoint.replace('http', 'https'), 'STORE_UNSUITABLE', ''],
    ['that speaks only TLS', () => startBareServer(alert), 'STORE_UNSUITABLE', 'write https:// in the endpoint'],
    ['that hangs up', () => startBareServer([]), 'STORE_UNAVAILABLE', 'no answer from'],
    ['that has pages', web(200, 'text/html', page), 'STORE_UNSUITABLE', `a page for people (HTTP 200): is there an S3`],
    ['without pages', web(404, 'text/html', page), 'STORE_UNSUITABLE', `a page for people (HTTP 404): is there an S3`],
    ['that has data', web(200, 'application/json', '{}'), 'STORE_UNAVAILABLE', isRight],
    ['that says 404', web(404, 'text/plain', 'what?'), 'STORE_UNSUITABLE', isRight],
    ['that says 403', web(403, 'text/plain', 'no'), 'STORE_UNSUITABLE', isRight],
    ['that says 302', web(302, 'text/plain', ''), 'STORE_UNSUITABLE', isRight],
    ['that says 400', web(400, 'text/plain', 'what?'), 'STORE_UNSUITABLE', isRight],
    ['that fails', web(500, 'text/plain', 'oh'), 'STORE_UNAVAILABLE', 'HTTP 500'],
  ];

  test.each(places)('is told as such: one %s', async (_, start, code, says) => {
    const endpoint = await start();
    const { error, lines, status } = await refusals(() => storeAt(endpoint));
    expect(error).toMatchObject({ code, outcome: 'none' });
    expect(error.message).toContain(says === '' ? 'does not speak TLS; write http:// in the endpoint' : says);
    expect(lines).toContain(says === '' ? 'does not speak TLS' : says);
    expect(status).toBe(1);
  });

  test('that repeats the request in its answer is not repeated', async () => {
    const endpoint = await startWebServer((request, response) => {
      const message = `You sent ${JSON.stringify(request.headers)} and ${token} signed with ${secret}`;
      const body = `<Error><Code>InvalidArgument</Code><Message>${message.replaceAll(/[<>&]/g, '')}</Message></Error>`;
      response.writeHead(400, { 'content-type': 'application/xml' }).end(body);
    });
    const { error } = await refusals(() => storeAt(endpoint, { credentials: { ...credentials, sessionToken: token } }));
    expect(error.message).toMatch(/InvalidArgument \(HTTP 400\)/);
  });
});

describe('credentials without one permission', () => {
  const needed = ['s3:PutObject', 's3:ListBucket', 's3:GetObject', 's3:DeleteObject', 's3:ListBucketMultipartUploads'];

  test.each([...needed, 's3:PutObject s3:DeleteObject', 's3:GetObject s3:ListBucket', needed.join(' ')])(
    'are told that they lack %s',
    async (text) => {
      const denied = text.split(' ');
      const fake = await startServer({ deny: (action) => denied.includes(action) });
      const { error, lines, status } = await refusals(() => storeAt(fake.endpoint, { prefix: 'shared/by me' }));
      expect(error).toMatchObject({ code: 'STORE_UNSUITABLE', permission: expect.stringMatching(/^s3:/) });
      const failed = error['failedChecks'] as readonly { permission: string; problem: string }[];
      expect(new Set(failed.map(({ permission }) => permission))).toEqual(new Set(denied));
      expect(failed).toHaveLength(denied.length);
      for (const action of denied) {
        const says = `${action} of 'shared/by me/qanat-probe/`;
        for (const seen of [error.message, lines]) expect(seen).toContain(says);
        expect(error.message).toContain(`in bucket 'qanat-test': allow ${action} to these credentials`);
      }
      expect(lines).toContain(`the credentials lack ${denied.length} permissions`);
      expect(status).toBe(1);
      const left = [...fake.objects().keys()].filter((key) => !key.startsWith('shared/by me/qanat-probe/'));
      expect(left).toEqual([]);
    },
  );

  test('are told which one a view lacks', async () => {
    const fake = await startServer();
    await (await openSet(storeAt(fake.endpoint))).close();
    const denying = await startServer({ deny: (action) => action === 's3:GetObject' });
    const error = await errorOf(StreamSet.openReadOnly({ store: storeAt(denying.endpoint) }));
    expect(error).toMatchObject({ code: 'STORE_UNSUITABLE', permission: 's3:GetObject', key: 'qanat.json' });
  });
});

describe('a permission that is taken away', () => {
  type Ask = (store: S3ObjectStore) => Promise<unknown>;
  const probe = { purpose: 'probe' } as const;
  const requests: Readonly<Record<string, Ask>> = {
    's3:PutObject': (store) => store.put('key', bytesOf('tea'), probe),
    's3:GetObject': (store) => store.get('key', probe),
    's3:ListBucket': (store) => store.list({ ...probe, prefix: '' }),
    's3:ListBucketMultipartUploads': (store) => store.abortUploads({ ...probe, prefix: '', olderThanMs: 1 }),
  };

  test.each(Object.entries(requests))('is waited for if it was there: %s', async (permission, ask) => {
    let denied = '';
    const fake = await startServer({ deny: (action) => action === denied });
    const [used, fresh] = [storeAt(fake.endpoint), storeAt(fake.endpoint)];
    for (const other of Object.values(requests)) await other(used);
    denied = permission;
    expect(await errorOf(ask(used))).toMatchObject({ code: 'STORE_UNAVAILABLE', action: 'retry' });
    expect(await errorOf(ask(fresh))).toMatchObject({ code: 'STORE_UNSUITABLE', permission });
    for (const [name, other] of Object.entries(requests)) if (name !== permission) await other(fresh);
    expect(await errorOf(ask(fresh))).toMatchObject({ code: 'STORE_UNSUITABLE', permission });
    denied = '';
    await ask(used);
    await ask(fresh);
  });
});

describe('a bucket as it may be', () => {
  test('is opened when it is empty, and holds a cluster then', async () => {
    const fake = await startServer();
    const set = await openSet(storeAt(fake.endpoint));
    const stream = await set.create({ name: 's' });
    await stream.append(bytesOf('tea'));
    await set.close();
    const file = fake.objects().get('qanat.json');
    const text = textOf(file?.bytes ?? new Uint8Array(0));
    expect(JSON.parse(text)).toMatchObject({ format: 1, probe: { version: 1, checks: 15 } });
    expect(secretsIn(text)).toEqual([]);
    expect(text).not.toContain(credentials.accessKeyId);
    expect([...fake.objects().keys()].filter((key) => key.includes('qanat-probe'))).toEqual([]);
  });

  test.each(['a/', 'ümläut/★/😀', "it's a+b=c&d", '%20', 'qanat-probe'])(
    'is used below the prefix %j, and nowhere else',
    async (prefix) => {
      const fake = await startServer();
      const set = await openSet(storeAt(fake.endpoint, { prefix }));
      await (await set.create({ name: 's' })).append(bytesOf('tea'));
      await set.close();
      const again = await openSet(storeAt(fake.endpoint, { prefix }));
      expect(await readAll(await again.open('s'))).toEqual(['tea']);
      await again.close();
      const below = `${prefix.replace(/\/$/, '')}/`;
      const keys = [...fake.objects().keys()];
      expect(keys.length).toBeGreaterThan(2);
      expect(keys.filter((key) => !key.startsWith(below))).toEqual([]);
    },
  );

  test.each(['/a', 'a//b', '//', 'a/../b', '.', '..', 'a/.', 'a\nb', '\ud800', 'x'.repeat(600)])(
    'is refused with the prefix %j, before any request',
    (prefix) => {
      expect(() => storeAt('http://127.0.0.1:1', { prefix })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^a prefix /) }),
      );
    },
  );
});

describe('the URL of a store', () => {
  test.each([
    'bucket',
    's3:bucket',
    's3://',
    's3:///prefix',
    'http://bucket/prefix',
    's3://Bucket_/x?regio=eu',
    's3://bucket?endpoint=nonsense',
    's3://bucket?endpoint=ftp://host',
    's3://bucket?region=eu west',
    's3://bucket?region=eu&region=us',
    's3://bucket?forcePathStyle=yes',
    's3://bucket/a//b',
    's3://bucket/%',
    's3://bucket#part',
    's3://b',
  ])('is refused with a sentence: %s', (url) => {
    expect(() => S3ObjectStore.fromUrl(url)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^\S+ .*\w/) }),
    );
  });

  test.each([
    `s3://AKIA:${secret}@bucket/prefix`,
    `s3://bucket?endpoint=https://AKIA:${secret}@host`,
    `s3://bucket?secretAccessKey=${secret}`,
    `https://AKIA:${secret}@host/bucket`,
  ])('is refused without showing a secret in it (%#)', (url) => {
    let error: unknown;
    try {
      S3ObjectStore.fromUrl(url);
    } catch (cause) {
      error = cause;
    }
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(secretsIn(printed(error))).toEqual([]);
  });
});

test('a store of the package that is no S3 store has nothing to hide and passes', async () => {
  const lines: string[] = [];
  const { signal } = new AbortController();
  const status = await runDoctor(new MemoryObjectStore(), {
    title: 'memory',
    print: (line) => lines.push(line),
    signal,
  });
  expect({ status, last: lines.at(-1)?.trim() }).toEqual({ status: 0, last: 'passed: all 12 checks passed' });
});
