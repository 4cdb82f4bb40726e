// What a put is told, whatever happens on the way: never something wrong. A proxy between the store and the service
// drops, doubles, delays and cuts; afterwards the service is asked, past the proxy, what stands.
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import fc from 'fast-check';
import { isQanatError } from '../../src/index.ts';
import type { ObjectStore, PutCondition, PutResult } from '../../src/index.ts';
import { S3ObjectStore } from '../../src/s3.ts';
import { systemRuntime, type Runtime } from '../../src/base/runtime.ts';
import { startFakeS3 } from './fake-s3.mjs';
import { startProxy, type Proxy, type ProxyDeed } from './proxy.mjs';
import { describeOnServer, testServers } from './test-bucket.ts';

const purpose = 'probe' as const;
const mine = new TextEncoder().encode('what this writer writes');
const rival = new TextEncoder().encode('what the rival has written');

/** Time limits pass ten times as fast: a put is given up after a second. */
const hasty: Runtime = {
  ...systemRuntime,
  timers: { ...systemRuntime.timers, after: (ms, run, how) => systemRuntime.timers.after(ms / 10, run, how) },
};

interface Place {
  /** Past the proxy. */
  readonly direct: ObjectStore;
  readonly through: S3ObjectStore;
  readonly proxy: Proxy;
}

interface Case {
  readonly what: string;
  readonly deed: ProxyDeed;
  /** What a put may be told that would be stored without the deed; undefined if it must throw STORE_UNAVAILABLE. */
  readonly told: PutResult['outcome'] | 'exists or changed' | undefined;
  /** Whether the value stands afterwards. */
  readonly stands: boolean;
}

const cases: readonly Case[] = [
  { what: 'nothing happens', deed: {}, told: 'stored', stands: true },
  {
    what: 'the connection breaks before the service sees it',
    deed: { dropBefore: true },
    told: 'unknown',
    stands: false,
  },
  { what: 'half of the body gets through', deed: { cutRequestAfter: 10 }, told: 'unknown', stands: false },
  { what: 'the answer is lost', deed: { dropAfter: true }, told: 'unknown', stands: true },
  { what: 'it arrives twice', deed: { twice: true }, told: 'exists or changed', stands: true },
  { what: 'no answer comes', deed: { hang: true }, told: 'unknown', stands: false },
  { what: 'the answer comes too late', deed: { delayAnswerMs: 4_000 }, told: 'unknown', stands: true },
  { what: 'it lands after it was given up', deed: { delayMs: 1_500 }, told: 'unknown', stands: true },
  ...[
    { status: 500, code: 'InternalError' },
    { status: 502, code: 'BadGateway' },
    { status: 503, code: 'SlowDown' },
    { status: 504, code: 'GatewayTimeout' },
    { status: 409, code: 'ConditionalRequestConflict' },
    { status: 408, code: 'RequestTimeout' },
    { status: 429, code: 'TooManyRequests' },
    { status: 400, code: 'RequestTimeout' },
    { status: 400, code: 'BadDigest' },
  ].map((answer): Case => ({
    what: `${answer.status} ${answer.code}`,
    deed: { answer },
    told: 'unknown',
    stands: false,
  })),
];

function declare(place: () => Place): void {
  const conditions = ['no condition', "if 'absent'", 'if the etag stands'] as const;
  for (const named of conditions)
    describe(named, () => {
      it.each(cases)('$what', async ({ what, deed, told, stands }) => {
        const { direct, through, proxy } = place();
        const key = `${named} ${what}`;
        const condition = await prepared(direct, key, named);
        proxy.setRule(() => deed);
        let sent = 0;
        const tally = { sent: () => void (sent += 1), received: (): void => {} };
        const { outcome } = await through.put(key, mine, { purpose, if: condition, tally });
        proxy.setRule(undefined);
        // Nothing tries again in secret: a second try of a put whose answer was lost would be refused by the first.
        expect(sent).toBe(1);
        if (told !== 'exists or changed') expect(outcome).toBe(told);
        else expect(outcome).toBe(condition === undefined ? 'stored' : condition === 'absent' ? 'exists' : 'changed');
        if (stands) await expect.poll(() => textAt(direct, key), { timeout: 5_000 }).toBe(textOf(mine));
        else expect(await textAt(direct, key)).not.toBe(textOf(mine));
      });

      it('a refusal throws, and nothing was written', async () => {
        const { direct, through, proxy } = place();
        const key = `${named} refused`;
        const condition = await prepared(direct, key, named);
        proxy.setRule(() => ({ answer: { status: 403, code: 'AccessDenied' } }));
        const refused = await through.put(key, mine, { purpose, if: condition }).catch((cause: unknown) => cause);
        proxy.setRule(undefined);
        expect(isQanatError(refused)).toBe(true);
        expect(refused).toMatchObject({ outcome: 'none', message: expect.stringContaining('s3:PutObject') as string });
        expect(await textAt(direct, key)).not.toBe(textOf(mine));
      });
    });

  test("half a body, a rival, the other half: the slow put is refused or 'unknown'", async () => {
    const { direct, through, proxy } = place();
    let goOn = (): void => {};
    const until = new Promise<void>((resolve) => (goOn = resolve));
    let seen = (): void => {};
    const begun = new Promise<void>((resolve) => (seen = resolve));
    proxy.setRule(() => {
      seen();
      return { holdBodyAfter: { bytes: 10, until } };
    });
    const slow = through.put('slow', mine, { purpose, if: 'absent' });
    await begun;
    const ofRival = direct.put('slow', rival, { purpose, if: 'absent' });
    await Promise.race([ofRival, new Promise((resolve) => setTimeout(resolve, 40))]);
    goOn();
    const told = [(await slow).outcome, (await ofRival).outcome];
    proxy.setRule(undefined);
    expect(told.filter((outcome) => outcome === 'stored').length).toBeLessThanOrEqual(1);
    const stands = await textAt(direct, 'slow');
    if (told[0] === 'stored') expect(stands).toBe(textOf(mine));
    if (told[1] === 'stored') expect(stands).toBe(textOf(rival));
  });

  test('a put that is given up by its caller rejects with the reason, sent or not', async () => {
    const { through, proxy } = place();
    proxy.setRule(() => ({ hang: true }));
    const leaving = new AbortController();
    const put = through.put('given up', mine, { purpose, signal: leaving.signal });
    await expect.poll(() => through.lanes().find((lane) => lane.purpose === purpose)?.running).toBe(1);
    leaving.abort(new Error('enough'));
    await expect(put).rejects.toThrow('enough');
    await expect(through.put('given up', mine, { purpose, signal: leaving.signal })).rejects.toThrow('enough');
    proxy.setRule(undefined);
    expect(through.lanes().every(({ running, waiting }) => running === 0 && waiting === 0)).toBe(true);
  });

  test('of writers who race for a key, through whatever happens on the way, at most one is told stored', async () => {
    let races = 0;
    const deeds = fc.constantFrom<ProxyDeed>(
      ...[{}, {}, {}, { dropBefore: true }, { dropAfter: true }, { twice: true }, { delayMs: 15 }],
      ...[{ delayAnswerMs: 10 }, { cutRequestAfter: 5 }, { answer: { status: 503, code: 'SlowDown' } }],
    );
    const race = fc.asyncProperty(fc.array(deeds, { minLength: 2, maxLength: 5 }), fc.boolean(), async (all, isNew) => {
      const { direct, through, proxy } = place();
      const key = `race ${races++}`;
      const condition = await prepared(direct, key, isNew ? "if 'absent'" : 'if the etag stands');
      const left = [...all];
      proxy.setRule(() => left.pop());
      const bodies = all.map((_, writer) => new TextEncoder().encode(`writer ${writer}`));
      const told = await Promise.all(bodies.map((body) => through.put(key, body, { purpose, if: condition })));
      proxy.setRule(undefined);
      await new Promise((resolve) => setTimeout(resolve, 30)); // What was delayed has landed.
      const stands = await textAt(direct, key);
      const winner = bodies.findIndex((body) => textOf(body) === stands);
      const stored = told.flatMap(({ outcome }, writer) => (outcome === 'stored' ? [writer] : []));
      expect(stored.length).toBeLessThanOrEqual(1);
      // Whoever was told so has written what stands; what stands by others was doubled, or its answer was lost.
      if (stored.length === 1) expect(stored).toEqual([winner]);
      if (told.every(({ outcome }) => outcome === 'exists' || outcome === 'changed')) expect(winner).not.toBe(-1);
    });
    await fc.assert(race, { numRuns: 60 });
  });
}

async function prepared(
  direct: ObjectStore,
  key: string,
  named: 'no condition' | "if 'absent'" | 'if the etag stands',
): Promise<PutCondition | undefined> {
  if (named !== 'if the etag stands') return named === 'no condition' ? undefined : 'absent';
  const stored = await direct.put(key, new TextEncoder().encode('before'), { purpose });
  if (stored.outcome !== 'stored') throw new Error(`the service answered ${stored.outcome}`);
  return { etag: stored.etag };
}

async function textAt(store: ObjectStore, key: string): Promise<string | undefined> {
  const value = await store.get(key, { purpose });
  return typeof value === 'string' ? undefined : textOf(value.bytes);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function placeAt(
  endpoint: string,
  direct: S3ObjectStore,
  open: (endpoint: string) => S3ObjectStore,
): Promise<Place> {
  const proxy = await startProxy({ upstream: endpoint });
  const through = open(proxy.endpoint);
  await through.put('worked once', mine, { purpose });
  return { direct, through, proxy };
}

async function closePlace({ direct, through, proxy }: Place): Promise<void> {
  (direct as S3ObjectStore).close();
  through.close();
  await proxy.close();
}

describe('a put to the fake service through a bad network', () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
  const open = (endpoint: string): S3ObjectStore =>
    new S3ObjectStore({ bucket: 'qanat-test', endpoint, credentials }, hasty);
  let place: Place;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const service = await startFakeS3({ verifySignatures: true });
    place = await placeAt(service.endpoint, open(service.endpoint), open);
    close = async () => {
      await closePlace(place);
      await service.close();
    };
  });
  afterAll(() => close());
  declare(() => place);
});

for (const server of testServers)
  describeOnServer('a put through a bad network', server, (bucket) => {
    let place: Place;
    beforeAll(async () => {
      const { endpoint, bucket: name, prefix } = bucket();
      const open = (at: string): S3ObjectStore => new S3ObjectStore({ bucket: name, prefix, endpoint: at }, hasty);
      place = await placeAt(endpoint, bucket().open(), open);
    });
    afterAll(() => closePlace(place));
    declare(() => place);
  });
