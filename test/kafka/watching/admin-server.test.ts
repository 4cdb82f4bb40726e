// The admin server: what it answers, and what it does with clients that are wrong, slow or many.
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { systemRuntime, type Stats } from '../../../src/index.ts';
import { silentLog } from '../../../src/kafka/broker-log.ts';
import { AdminServer, connectionsMax, type AdminOptions } from '../../../src/kafka/watching/admin-server.ts';
import { healthOf, pendingMaxMs, unuploadedAgeMaxMs, type Vitals } from '../../../src/kafka/watching/health.ts';
import { later } from '../../engine/world.ts';

const patience = { requestMs: 300, answerMs: 600, closeMs: 100 };

const well: Vitals = { stats: { status: 'open' }, isListening: true, isStarting: false, isClosing: false };

async function startAdmin(more: Partial<AdminOptions> = {}, answerMs = patience.answerMs): Promise<AdminServer> {
  const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'qanat_streams 1\n' };
  const listen = { host: '127.0.0.1', port: 0 };
  const given = { listen, health: () => healthOf(well), metrics, log: silentLog, runtime: systemRuntime, ...more };
  const admin = await AdminServer.start(given, { ...patience, answerMs });
  later(() => admin.close());
  return admin;
}

/** Sends text as it is; gives what came until the end, and how long that took. */
async function raw({ address }: AdminServer, text: string, options: { readAfterMs?: number } = {}) {
  const socket: Socket = connect(address.port, address.host);
  const startMs = performance.now();
  const chunks: Buffer[] = [];
  socket.on('error', () => {});
  socket.write(text);
  if (options.readAfterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.readAfterMs));
  socket.on('data', (chunk) => void chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return { answer: Buffer.concat(chunks).toString(), tookMs: performance.now() - startMs };
}

const get = (admin: AdminServer, path: string, options?: RequestInit) =>
  fetch(`http://127.0.0.1:${admin.address.port}${path}`, options);

describe('an admin server', () => {
  test('answers /metrics, /health and /ready, and nothing else', async () => {
    const admin = await startAdmin();
    const metrics = await get(admin, '/metrics?x=1');
    expect([metrics.status, metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      200,
      'text/plain; version=0.0.4',
      'qanat_streams 1\n',
    ]);
    const health = await get(admin, '/health');
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ healthy: true, ready: true, status: 'open', problems: [] });
    const ready = await get(admin, '/ready');
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);
    for (const path of ['/', '/metrics/', '/healthz', '/../metrics/x', '/%2e%2e/etc/passwd'])
      expect((await get(admin, path)).status, path).toBe(404);
  });

  test('allows GET and HEAD only, and reads no bodies', async () => {
    const admin = await startAdmin();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await get(admin, '/metrics', { method });
      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
    const head = await get(admin, '/metrics', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '16', '']);
    const much = 'POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n';
    const { answer, tookMs } = await raw(admin, `${much}${'x'.repeat(100_000)}`);
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(tookMs).toBeLessThan(10_000);
  });

  test('says 503 and what is wrong', async () => {
    let vitals: Vitals = { ...well, stats: { status: 'failed' } };
    const admin = await startAdmin({ health: () => healthOf(vitals) });
    const health = await get(admin, '/health');
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({
      healthy: false,
      ready: false,
      problems: ['the stream set is failed; the broker has to be started again'],
    });
    expect((await get(admin, '/ready')).status).toBe(503);
    vitals = { ...well, isClosing: true };
    expect((await get(admin, '/ready')).status).toBe(503);
    expect((await get(admin, '/health')).status).toBe(200);
  });

  test('answers 500 if it cannot tell, says why in the log, and goes on', async () => {
    const said: unknown[] = [];
    const metrics = { contentType: 'text/plain', text: () => Promise.reject(new Error('no numbers')) };
    const log = { log: (...line: readonly unknown[]) => void said.push(line) };
    const admin = await startAdmin({ metrics, log });
    const answered = await get(admin, '/metrics');
    expect([answered.status, await answered.text()]).toEqual([500, 'Something went wrong; the log says what.\n']);
    expect(said).toEqual([
      ['error', 'An answer of the admin server failed.', { path: '/metrics', cause: 'no numbers' }],
    ]);
    expect((await get(admin, '/health')).status).toBe(200);
  });

  test('refuses garbage, and headers that have no end', async () => {
    const admin = await startAdmin();
    expect((await raw(admin, '\u0000\u0001\u0002garbage\r\n\r\n')).answer).toMatch(/^HTTP\/1\.1 400 /);
    const long = `GET /metrics HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`;
    expect((await raw(admin, long)).answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await get(admin, '/ready')).status).toBe(200);
  });

  test('disconnects who is slow to ask, and who does not take the answer', async () => {
    const large = { contentType: 'text/plain', text: async () => 'x'.repeat(50_000_000) };
    const admin = await startAdmin({ metrics: large });
    const asking = await raw(admin, 'GET /metrics HTTP/1.1\r\nhost: x\r\nx-half: ');
    expect(asking.tookMs).toBeGreaterThan(200);
    expect(asking.tookMs).toBeLessThan(10_000);
    const ask = 'GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const patient = await startAdmin({ metrics: large }, 30_000);
    expect((await raw(patient, ask)).answer.length).toBeGreaterThan(50_000_000);
    // What the machine had taken for it already is all that it gets.
    expect((await raw(admin, ask, { readAfterMs: 1_500 })).answer.length).toBeLessThan(40_000_000);
  });

  test('takes so many connections and no more', async () => {
    const admin = await startAdmin();
    const sockets = Array.from({ length: connectionsMax + 20 }, () => connect(admin.address.port, '127.0.0.1'));
    let closed = 0;
    for (const socket of sockets) socket.on('error', () => {}).on('close', () => (closed += 1));
    await expect.poll(() => closed, { timeout: 5_000 }).toBeGreaterThanOrEqual(20);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await get(admin, '/ready').catch(() => undefined))?.status).toBe(200);
  });

  test('closes within its time though a client holds on, and twice is once', async () => {
    const admin = await startAdmin();
    const socket = connect(admin.address.port, '127.0.0.1').on('error', () => {});
    socket.write('GET /metrics HTTP/1.1\r\n');
    await new Promise((resolve) => socket.once('connect', resolve));
    const startMs = performance.now();
    await Promise.all([admin.close(), admin.close()]);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    await expect(get(admin, '/ready')).rejects.toThrow();
  });

  test('says what the machine says if its port is taken', async () => {
    const { address } = await startAdmin();
    await expect(startAdmin({ listen: address })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('health', () => {
  const writing = (more: object): Pick<Stats, 'status' | 'writing'> => ({
    status: 'open',
    writing: { oldestPendingMs: 0, unuploadedAgeMs: 0, unuploadedBytes: 7, unreleasedSegments: 3, ...more } as never,
  });

  test.each([
    ['is good where nothing waits', writing({}), []],
    ['bears what usually waits', writing({ oldestPendingMs: 1_000, unuploadedAgeMs: 60_000 }), []],
    ['bears the limits', writing({ oldestPendingMs: pendingMaxMs, unuploadedAgeMs: unuploadedAgeMaxMs }), []],
    [
      'is bad where an append waits too long',
      writing({ oldestPendingMs: pendingMaxMs + 1_000 }),
      ['an append has been waiting for 31 s; look at the store and the disk'],
    ],
    [
      'is bad where uploads do not succeed',
      writing({ unuploadedAgeMs: unuploadedAgeMaxMs + 1_000 }),
      ['7 bytes wait for their upload, 601 s by now; look at the store'],
    ],
  ] as const)('%s', (_title, stats, problems) => {
    const health = healthOf({ ...well, stats });
    expect(health).toMatchObject({ problems, healthy: problems.length === 0, ready: true, unreleasedSegments: 3 });
  });

  test('is neither bad nor ready while the broker starts', () => {
    const starting: Vitals = { stats: undefined, isListening: false, isStarting: true, isClosing: false };
    expect(healthOf(starting)).toMatchObject({ healthy: true, ready: false, status: 'opening' });
    expect(healthOf({ ...starting, stats: { status: 'open' } })).toMatchObject({ healthy: true, ready: false });
  });

  test('is bad where the broker takes no connections, unless it is stopping', () => {
    expect(healthOf({ ...well, isListening: false })).toMatchObject({ healthy: false, ready: false });
    expect(healthOf({ ...well, isListening: false, isClosing: true })).toMatchObject({ healthy: true, ready: false });
  });
});
