// Stores that somebody has told something wrong: the wrong secret, the wrong place, a clock that is wrong, permissions
// that are missing. What the tests of messages share.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { inspect } from 'node:util';
import { afterEach } from 'vitest';
import { S3ObjectStore, type S3ObjectStoreOptions } from '../../src/s3.ts';
import { startFakeS3, type FakeS3, type FakeS3Options } from './fake-s3.mjs';

/** What must never be seen, in whatever way it is looked for. */
export const secret = 'Zm9yLXlvdXItZXllcy1vbmx5LXNlY3JldC1rZXkh';
export const token = 'IQoJb3JpZ2luX2VjEJr//////////wEaCXNlc3Npb24tdG9rZW4';
export const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: secret };

const ends: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A fake server that knows the credentials, until the end of the test. */
export async function startServer(options: FakeS3Options = {}): Promise<FakeS3> {
  const fake = await startFakeS3({ credentials, verifySignatures: true, ...options });
  ends.push(() => fake.close());
  return fake;
}

/** A store that is told what somebody might have told it. */
export function storeAt(endpoint: string, more: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore {
  const store = new S3ObjectStore({ bucket: 'qanat-test', region: 'us-east-1', endpoint, credentials, ...more });
  ends.push(() => store.close());
  return store;
}

/** A server that speaks HTTP and is none of S3. */
export async function startWebServer(answer: RequestListener): Promise<string> {
  const server = createHttpServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  ends.push(() => server.closeAllConnections());
  return `http://${await listen(server)}`;
}

/** A server that answers the first bytes with these, whatever they are. */
export async function startBareServer(bytes: readonly number[]): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(bytes)));
  });
  return `http://${await listen(server)}`;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Everything that anybody could print of an error: its message, its stack, its fields, its causes. */
export function printed(error: unknown): string {
  const chain: unknown[] = [];
  for (let one = error; one !== undefined && one !== null && !chain.includes(one);) {
    chain.push(one);
    one = (one as { cause?: unknown }).cause;
  }
  const views = chain.flatMap((one) => {
    const { message, stack } = one as Partial<Error>;
    const fields = Object.getOwnPropertyNames(one).map((name) => [name, (one as Record<string, unknown>)[name]]);
    return [message, stack, String(one), JSON.stringify(one), JSON.stringify(fields)];
  });
  return [...views, inspect(error, { depth: 20, showHidden: true })].join('\n');
}

/** What of the secrets can be seen in a text: nothing, if all is well. */
export function secretsIn(text: string): readonly string[] {
  const patterns = [secret, token, secret.slice(4, 20), token.slice(4, 20)];
  const found = patterns.filter((pattern) => text.includes(pattern));
  const signatures = text.match(/signature["':= ]+[0-9a-f]{16,}/gi) ?? [];
  return [...found, ...signatures];
}
