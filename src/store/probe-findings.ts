// What a probe concludes from what a store answered: pure. A finding is what went wrong, or that it cannot be told;
// none is good news. An answer 'unknown' is never wrong by itself, so a check that met one is made again.
import { equalBytes } from '../base/bytes.ts';
import type { GetResult, ListedKey, PutResult } from './object-store.ts';

/** What a check found; undefined if all is well. */
export type Finding = { readonly kind: 'wrong' | 'unclear'; readonly text: string } | undefined;

/** The answer to one writer of a race, and whether an earlier try of the same put was answered 'unknown'. */
export interface RaceAnswer {
  readonly body: Uint8Array;
  readonly result: PutResult;
  readonly hesitated: boolean;
}

/** The finding that a store does what it must not. */
export function wrong(text: string): Finding {
  return { kind: 'wrong', text };
}

/** The finding that a store has not said clearly what it did. */
export function unclear(text: string): Finding {
  return { kind: 'unclear', text };
}

/** The first of several, in the order of what was asked: what follows on something unclear says nothing. */
export function firstOf(...findings: readonly Finding[]): Finding {
  return findings.find((finding) => finding !== undefined);
}

/** The worst of several that have nothing to do with each other. */
export function worstOf(findings: readonly Finding[]): Finding {
  return findings.find((finding) => finding?.kind === 'wrong') ?? firstOf(...findings);
}

/** Whether a put was answered as it must be. */
export function told(what: string, { outcome }: PutResult, expected: PutResult['outcome']): Finding {
  if (outcome === expected) return undefined;
  const text = `${what} was answered '${outcome}' and not '${expected}'`;
  return outcome === 'unknown' ? unclear(text) : wrong(text);
}

/** Whether a key has this value, and the etag that the put was told. */
export function holds(what: string, got: GetResult, body: Uint8Array, put?: PutResult): Finding {
  if (typeof got === 'string') return wrong(`${what} is answered '${got}'`);
  if (!equalBytes(got.bytes, body)) return wrong(`${what} gives other bytes (${got.bytes.byteLength} of them)`);
  if (got.size !== body.byteLength) return wrong(`${what} gives the size ${got.size} of ${body.byteLength} bytes`);
  const etag = put?.outcome === 'stored' ? put.etag : got.etag;
  return got.etag === etag ? undefined : wrong(`${what} gives another etag than its put was told`);
}

/** Whether there is nothing. */
export function isMissing(what: string, got: GetResult): Finding {
  return got === 'missing' ? undefined : wrong(`${what} is not answered 'missing'`);
}

/** Whether a range gave these bytes of a value of this size. */
export function gives(what: string, got: GetResult, bytes: Uint8Array, size: number): Finding {
  if (typeof got === 'string') return wrong(`${what} are answered '${got}'`);
  if (!equalBytes(got.bytes, bytes)) {
    const kind = got.bytes.byteLength === bytes.byteLength ? 'other bytes' : `${got.bytes.byteLength} bytes`;
    return wrong(`${what} are ${kind}, and not the ${bytes.byteLength} that stand there`);
  }
  return got.size === size ? undefined : wrong(`${what} come with the size ${got.size} of a value of ${size}`);
}

/** Whether a list gave these keys, in this order, with these sizes. */
export function lists(what: string, got: readonly ListedKey[], expected: readonly ListedKey[]): Finding {
  const index = expected.findIndex(({ key, size }, at) => got[at]?.key !== key || got[at].size !== size);
  if (index < 0 && got.length === expected.length) return undefined;
  const names = (keys: readonly ListedKey[]): string =>
    keys.map(({ key, size }) => `${JSON.stringify(nameOf(key))} (${size})`).join(' ') || 'nothing';
  return wrong(`${what} gives ${names(got)}, and not ${names(expected)}`);
}

/** The order that a list must have: that of the UTF-8 bytes of the keys. */
export function inOrder(keys: readonly ListedKey[]): readonly ListedKey[] {
  return keys.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

/** Whether one of several writers has won, alone, and his value stands. */
export function oneWinner(answers: readonly RaceAnswer[], got: GetResult): Finding {
  const count = answers.length;
  const stored = answers.filter(({ result }) => result.outcome === 'stored');
  if (stored.length > 1) return wrong(`${stored.length} of ${count} writers at once were told 'stored'`);
  const isSure = answers.every(({ result, hesitated }) => !hesitated && result.outcome !== 'unknown');
  const standing = typeof got === 'string' ? undefined : answers.find(({ body }) => equalBytes(body, got.bytes));
  if (standing === undefined) {
    if (stored.length === 1) return wrong(`one of ${count} writers was told 'stored', and his value does not stand`);
    const text = `${count} writers at once were all refused`;
    return isSure ? wrong(text) : unclear(text);
  }
  const { result, hesitated } = standing;
  if (result.outcome === 'stored')
    return sureEnough(answers, holds('a read of the winner', got, standing.body, result));
  const mayHaveWon = stored.length === 0 && (hesitated || result.outcome === 'unknown');
  if (!mayHaveWon) return wrong(`the value of a writer stands who was told '${result.outcome}'`);
  return sureEnough(answers, undefined);
}

/** A race in which fewer than two were answered clearly shows nothing. */
function sureEnough(answers: readonly RaceAnswer[], finding: Finding): Finding {
  const clear = answers.filter(({ result }) => result.outcome !== 'unknown').length;
  return finding ?? (clear >= 2 ? undefined : unclear(`${clear} of ${answers.length} writers were answered clearly`));
}

/** What happened around a put whose body was stopped in the middle while a rival wrote the same key. */
export interface HalfBody {
  readonly slowBody: Uint8Array;
  readonly rivalBody: Uint8Array;
  readonly rival: PutResult;
  readonly slow: PutResult;
  /** What stood when the rival had been answered; undefined if he was answered only when the body was whole. */
  readonly between: GetResult | undefined;
  /** What stood in the end. */
  readonly last: GetResult;
}

/**
 * Whether a condition is tested when the whole body is there: of two whose bodies overlap the one wins whose body ended
 * first. A server that lets the rival wait for the body that began earlier has one winner, too.
 */
export function halfBodyFinding({ slowBody, rivalBody, rival, slow, between, last }: HalfBody): Finding {
  if (rival.outcome === 'stored' && slow.outcome === 'stored')
    return wrong("a slow writer and a rival were both told 'stored': no condition is tested when the body is whole");
  const inTheEnd = 'a read in the end';
  if (rival.outcome === 'stored')
    return firstOf(
      between === undefined ? undefined : holds("a read after the rival's put", between, rivalBody, rival),
      holds(inTheEnd, last, rivalBody, rival),
    );
  if (between !== undefined && rival.outcome !== 'unknown')
    return wrong(`a rival was answered '${rival.outcome}' because of a body half sent`);
  if (slow.outcome === 'stored') return holds(inTheEnd, last, slowBody, slow);
  return unclear(`a slow writer was answered '${slow.outcome}' and a rival '${rival.outcome}'`);
}

/** The last part of a key, as a person would name it. */
function nameOf(key: string): string {
  return key.split('/').slice(3).join('/');
}
