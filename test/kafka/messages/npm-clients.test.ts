// The tables against two clients that others have written: kafkajs speaks the old encoding, @platformatic/kafka the
// flexible one. What they send is read, and written again byte by byte; what is written for them, they read. The values
// that go over are told apart by being used once.
import * as platformatic from '@platformatic/kafka';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import type { Api } from '../../../src/kafka/wire/api.ts';
import { zeroUuid } from '../../../src/kafka/wire/schema.ts';
import { WireReader } from '../../../src/kafka/wire/wire-reader.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';
import { goldenFrames, readFrame } from './golden.ts';
import { kafkajsArguments, platformaticArguments } from './npm-client-arguments.ts';
import { servedApis } from './served-apis.ts';

/** Every number, string and byte field in a value that is not one of those that stand for nothing. */
function leavesOf(value: unknown): string[] {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'function') return [];
  if (value instanceof Uint8Array) return value.length === 0 ? [] : [Buffer.from(value).toString('base64')];
  if (typeof value === 'object') {
    const inner = value instanceof Map ? [...value.entries()] : Object.values(value);
    return (inner as unknown[]).flatMap(leavesOf);
  }
  const text = idAsHere(String(value as string | number | bigint));
  return ['', '0', '-1', '1'].includes(text) ? [] : [text];
}

/** An id as it is written here: the client has it in hexadecimal. */
function idAsHere(text: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text)) return text;
  return Buffer.from(text.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The first golden answer of a version, in which every field is given, without records: those are not of this layer. */
function fullAnswer(api: Api, version: number): unknown {
  const golden = goldenFrames.find((one) => one.api === api && one.version === version && one.is === 'response');
  if (golden === undefined) throw new Error(`there is no golden answer of ${api.name} ${version}`);
  return withoutRecords(readFrame(golden, golden.frame).value);
}

/** Tagged fields behind which something else follows: @platformatic/kafka does not get over them. */
const tagged = /^(currentLeader|nodeEndpoints|divergingEpoch|snapshotId|topicConfigErrorCode)$/;

/** Errors make some readers throw what they have read; records of random bytes are none. */
function withoutRecords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRecords);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (tagged.test(name)) return [name, undefined];
      if (name === 'records') return [name, []];
      if (/^error(Code|Message)$|^batchIndexErrorMessage$/.test(name)) return [name, name === 'errorCode' ? 0 : null];
      return [name, withoutRecords(one)];
    }),
  );
}

function written(write: (writer: WireWriter) => void): Buffer {
  const writer = new WireWriter();
  write(writer);
  return Buffer.from(writer.toBytes());
}

/** What stands for nothing besides what leaves never are. */
const nothing = new Set(['2147483647', '-2', zeroUuid]);

/** That a request of a client is read whole, and is what the client meant. */
function expectRead(api: Api, version: number, bytes: Uint8Array, given: unknown, isLast: boolean): void {
  const reader = new WireReader(bytes);
  const read = api.readRequest(reader, version);
  expect(reader.remaining).toBe(0);
  const again = written((writer) => api.writeRequest(writer, version, read));
  expect(again.toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
  if (api.name === 'Produce') return; // The client makes a batch of what it is given.
  const meant = new Set(leavesOf(given));
  const found = leavesOf(read).filter((leaf) => !nothing.has(leaf));
  // One client adds the time of its commit.
  for (const leaf of found) if (!meant.has(leaf) && !/^1\d{12}$/.test(leaf)) expect.fail(`${leaf} was not given`);
  if (isLast) expect(new Set(found)).toEqual(meant);
}

/** What clients add to what they have read: the names of APIs, and where a setting comes from in version 0. */
const added = /^([A-Z][A-Za-z]+|5)$/;

/** Where @platformatic/kafka itself is not right: it writes a field too many, and reads two in the wrong order. */
const wrongRequests = ['Metadata 11', 'DescribeConfigs 2'];
const wrongAnswers = ['DescribeConfigs 2', 'OffsetForLeaderEpoch 4'];

/** That a client has read what was written for it, and hardly less than all. */
function expectTaken(taken: unknown, answer: unknown): void {
  const given = new Set(leavesOf(answer));
  const found = leavesOf(taken).filter((leaf) => !added.test(leaf));
  for (const leaf of found) if (!given.has(leaf)) expect.fail(`${leaf} was not written`);
  if (given.size > 0) expect(found.length).toBeGreaterThan(0);
}

interface KafkajsProtocol {
  readonly request: { readonly encode: () => Promise<{ readonly buffer: Buffer }> };
  readonly response: { readonly decode: (bytes: Buffer) => Promise<unknown> };
}

interface KafkajsRequests {
  readonly [name: string]: {
    readonly versions: readonly string[];
    readonly protocol: (of: { readonly version: number }) => (options: unknown) => KafkajsProtocol;
  };
}

describe('kafkajs', () => {
  const require = createRequire(import.meta.url);
  const { requests } = require('kafkajs/src/protocol/requests') as { readonly requests: KafkajsRequests };
  for (const api of servedApis) {
    const options = kafkajsArguments[api.name];
    const definition = requests[api.name === 'FindCoordinator' ? 'GroupCoordinator' : api.name];
    const versions = (definition?.versions ?? []).map(Number).filter((version) => api.serves(version));
    if (options === undefined || definition === undefined) continue;
    test.each(versions)(`agrees about ${api.name} in version %i`, async (version) => {
      const { request, response } = definition.protocol({ version })(options);
      const { buffer } = await request.encode();
      expectRead(api, version, buffer, options, version === versions.at(-1));
      const answer = fullAnswer(api, version);
      const bytes = written((writer) => api.writeResponse(writer, version, answer));
      expectTaken(await response.decode(bytes), answer);
    });
  }
});

interface Captured {
  readonly request: Uint8Array;
  readonly parse: (correlationId: number, key: number, version: number, reader: unknown) => unknown;
}

type PlatformaticCall = ((connection: object, ...args: unknown[]) => void) & {
  readonly key: number;
  readonly version: number;
};

/** What a call of the client would send, and how it would read the answer. */
function captured(call: PlatformaticCall, args: readonly unknown[]): Captured {
  let result: Captured | undefined;
  const send = (_key: number, _version: number, create: () => { buffer: Buffer }, parse: Captured['parse']): void => {
    result = { request: create().buffer, parse };
  };
  call({ send }, ...args);
  if (result === undefined) throw new Error('the client sends nothing');
  return result;
}

describe('@platformatic/kafka', () => {
  const modules = Object.values(platformatic as object).filter(
    (one): one is { readonly api: PlatformaticCall } => typeof one === 'object' && one !== null && 'api' in one,
  );
  const calls = modules.map(({ api }) => api);
  for (const api of servedApis) {
    const versions = calls.filter(({ key, version }) => key === api.key && api.serves(version));
    const last = Math.max(...versions.map(({ version }) => version));
    for (const call of versions.toSorted((a, b) => a.version - b.version)) {
      const { version } = call;
      test(`agrees about ${api.name} in version ${version}`, () => {
        const args = platformaticArguments(api.name, version);
        const { request, parse } = captured(call, args);
        const what = `${api.name} ${version}`;
        if (!wrongRequests.includes(what)) expectRead(api, version, request, args, version === last);
        if (wrongAnswers.includes(what)) return;
        const answer = fullAnswer(api, version);
        const bytes = written((writer) => api.writeResponse(writer, version, answer));
        expectTaken(parse(7, api.key, version, platformatic.Reader.from(bytes)), answer);
      });
    }
  }

  test('has been asked about every API that it has', () => {
    expect(new Set(calls.map(({ key }) => key)).size).toBeGreaterThan(24);
  });
});
