// What a probe asks about conditions: alone, of many writers at once, and of two whose bodies overlap. Everything that
// the engine promises rests on these: a journal record, a log segment and the root have one writer each.
import {
  firstOf,
  halfBodyFinding,
  holds,
  isMissing,
  oneWinner,
  told,
  unclear,
  worstOf,
  wrong,
  type Finding,
} from './probe-findings.ts';
import type { ProbeFolder } from './probe-folder.ts';
import type { ProbeQuestion } from './probe-questions.ts';
import type { PutCondition, PutResult } from './object-store.ts';

const writerCount = 8;

/** How long a rival is waited for before the rest of the slow body is sent: some servers let him wait for it. */
const rivalPatienceMs = 1_000;

const creates =
  'a store must let one writer alone create a key, or two nodes take the same place in the log and what one of them ' +
  'acknowledged is lost; use a store that passes (docs/operations.md names some), or a newer version of this one';
const replaces =
  'a store must replace a value only over the etag it was told, or nodes undo what others have written; use a store ' +
  'that passes (docs/operations.md names some), or a newer version of this one';

/** The checks about conditions. */
export const conditionQuestions: readonly ProbeQuestion[] = [
  { name: 'a key that is there is not created again', cure: creates, ask: createTwice },
  { name: `of ${writerCount} writers who create a key at once one succeeds`, cure: creates, ask: raceToCreate },
  {
    name: 'a key is not created twice while a body is on its way',
    cure: creates,
    needsSlowPut: true,
    ask: halfABodyToCreate,
  },
  { name: 'a value is replaced over its etag, and over no other', cure: replaces, ask: replaceTwice },
  { name: `of ${writerCount} writers who replace a value at once one succeeds`, cure: replaces, ask: raceToReplace },
  {
    name: 'a value is not replaced twice while a body is on its way',
    cure: replaces,
    needsSlowPut: true,
    ask: halfABodyToReplace,
  },
];

async function createTwice(at: ProbeFolder): Promise<Finding> {
  const body = at.body('first', 100);
  const first = await at.put('key', body, 'absent');
  const second = await at.put('key', at.body('second', 90), 'absent');
  return firstOf(
    told('the creation of a key', first, 'stored'),
    told('its creation by another writer', second, 'exists'),
    holds('a read of the key', await at.get('key'), body, first),
  );
}

async function replaceTwice(at: ProbeFolder): Promise<Finding> {
  const etag = etagOf(await at.put('key', at.body('first', 100)));
  if (etag === undefined) return unclear("a put was not answered 'stored'");
  const body = at.body('second', 90);
  const second = await at.put('key', body, { etag });
  const stale = await at.put('key', at.body('third', 80), { etag });
  const nothing = await at.put('nothing', at.body('none', 70), { etag });
  return firstOf(
    told('a replacement over the etag that stands', second, 'stored'),
    told('a replacement over an etag of before', stale, 'changed'),
    told('a replacement where nothing stands', nothing, 'changed'),
    holds('a read of the key', await at.get('key'), body, second),
    isMissing('a read of what was never created', await at.get('nothing')),
  );
}

async function raceToCreate(at: ProbeFolder): Promise<Finding> {
  const rounds = await Promise.all(['key-1', 'key-2'].map((name) => race(at, name, 'absent')));
  return worstOf(rounds);
}

async function raceToReplace(at: ProbeFolder): Promise<Finding> {
  const etag = etagOf(await at.put('key', at.body('before', 500)));
  return etag === undefined ? unclear("a put was not answered 'stored'") : race(at, 'key', { etag });
}

async function race(at: ProbeFolder, name: string, condition: PutCondition): Promise<Finding> {
  const bodies = Array.from({ length: writerCount }, (_, writer) => at.body(`writer ${writer}`, 100 + writer));
  const answers = await Promise.all(bodies.map((body) => at.putUntilKnown(name, body, condition)));
  return oneWinner(answers, await at.get(name));
}

function halfABodyToCreate(at: ProbeFolder): Promise<Finding> {
  return halfABody(at, 'absent');
}

async function halfABodyToReplace(at: ProbeFolder): Promise<Finding> {
  const etag = etagOf(await at.put('key', at.body('before', 500)));
  return etag === undefined ? unclear("a put was not answered 'stored'") : halfABody(at, { etag });
}

async function halfABody(at: ProbeFolder, condition: PutCondition): Promise<Finding> {
  const [slowBody, rivalBody] = [at.body('slow', 256 * 1024), at.body('rival', 100)];
  const begun = at.putSlowly('key', slowBody, condition);
  if (begun === undefined) return wrong('bodies cannot be stopped in the middle');
  let putRival: Promise<PutResult> | undefined;
  try {
    await begun.halfway;
    putRival = at.put('key', rivalBody, condition);
    const isWaiting = await at.isPendingAfter(putRival, rivalPatienceMs);
    const between = isWaiting ? undefined : await at.get('key');
    const slow = await begun.finish();
    const rival = await putRival;
    return halfBodyFinding({ slowBody, rivalBody, rival, slow, between, last: await at.get('key') });
  } catch (cause) {
    // What comes of the two is not asked for any more, but neither is under way when the keys are deleted.
    await Promise.allSettled([begun.finish(), putRival]);
    throw cause;
  }
}

function etagOf(result: PutResult): string | undefined {
  return result.outcome === 'stored' ? result.etag : undefined;
}
