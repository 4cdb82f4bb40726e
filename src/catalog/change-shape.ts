// Whether a change is what its type says: the first of the checks, because what a record decodes to is only bytes that
// somebody sent. Limits that callers are told about at the call are enforced here again, for all replicas alike.
import { Buffer } from 'node:buffer';
import { checkKvKey, checkNodeName, checkStreamName } from '../model/check-names.ts';
import type { Attributes } from '../model/ids.ts';
import { attributesMaxBytes, kvValueMaxBytes, nameMaxBytes } from '../model/limits.ts';
import type { ObjectPart } from '../model/record-batch.ts';
import type { WalIdentity, WalKind } from '../model/wal-identity.ts';
import type { Change, CommitChange, CommittedObject } from './change.ts';

type Shapes = { readonly [K in Change['kind']]: (change: Extract<Change, { kind: K }>) => boolean };

const shapes: Shapes = {
  register: (c) => isNodeName(c.node) && isWal(c.wal) && isAttributes(c.attributes) && isId(c.rules),
  fence: (c) => isNodeName(c.node) && isId(c.epoch),
  commit: (c) => isCommit(c),
  recovered: (c) =>
    isNodeName(c.node) &&
    isId(c.epoch) &&
    isCount(c.from) &&
    isCount(c.sealedAt) &&
    isFlag(c.givenUp) &&
    (c.givenUp ? c.sealedAt >= c.from : c.sealedAt === c.from),
  settle: (c) => isCount(c.settledBelow),
  create: (c) => (c.name === undefined || passes(checkStreamName, c.name)) && isAttributes(c.attributes),
  open: (c) => isId(c.stream) && isOptional(c.expectedEpoch, isCount),
  delete: (c) => isId(c.stream),
  trim: (c) => isId(c.stream) && isId(c.streamEpoch) && isCount(c.startOffset),
  attributes: (c) => isId(c.stream) && isAttributes(c.attributes) && isOptional(c.ifVersion, isCount),
  'kv-put': (c) =>
    passes(checkKvKey, c.key) &&
    c.value instanceof Uint8Array &&
    c.value.byteLength <= kvValueMaxBytes &&
    isOptional(c.ifVersion, isCount),
  'kv-delete': (c) => passes(checkKvKey, c.key) && isOptional(c.ifVersion, isCount),
  'forget-node': (c) => isNodeName(c.node),
  rules: (c) => isId(c.rules),
};

/** Whether this package knows what a change of this kind does. What has no kind at all is malformed, not unknown. */
export function isKnownKind(change: Change): boolean {
  const kind: unknown = isObject(change) ? change.kind : undefined;
  return typeof kind !== 'string' || Object.hasOwn(shapes, kind);
}

/** Whether a change of a known kind has every field that its type says, within the limits, and agrees with itself. */
export function isWellShaped(change: Change): boolean {
  if (!isObject(change) || typeof change.kind !== 'string') return false;
  return (shapes[change.kind] as (change: Change) => boolean)(change);
}

/** Whether a writer is one: a node epoch, or a nonce. */
export function isWriter(writer: unknown): writer is number | string {
  return isId(writer) || (typeof writer === 'string' && writer.length > 0 && isText(writer, nameMaxBytes));
}

/** A positive integer. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isCommit(change: CommitChange): boolean {
  return (
    isId(change.epoch) &&
    isCount(change.from) &&
    isCount(change.to) &&
    change.from <= change.to &&
    isCount(change.settledBelow) &&
    Array.isArray(change.objects) &&
    change.objects.every((object) => isCommittedObject(object, change)) &&
    isDistinct(change.objects.map(({ family, sequence }) => `${family} ${sequence}`)) &&
    isOptional(change.closeStreams, isIdList) &&
    isFlag(change.closeEpoch)
  );
}

/** The WAL segments that a change registers are among those it releases. */
function isCommittedObject(object: CommittedObject, { from, to }: CommitChange): boolean {
  return (
    isObject(object) &&
    (object.family === 'data' || object.family === 'wal') &&
    isCount(object.sequence) &&
    (object.family === 'data' || (object.sequence >= from && object.sequence < to)) &&
    isCount(object.sizeBytes) &&
    Array.isArray(object.parts) &&
    object.parts.every(
      (part: ObjectPart) =>
        isObject(part) &&
        isId(part.stream) &&
        isId(part.streamEpoch) &&
        isCount(part.startOffset) &&
        isCount(part.endOffset) &&
        part.startOffset < part.endOffset &&
        isCount(part.sizeBytes) &&
        isOptional(part.maxTimestamp, Number.isFinite),
    )
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** A non-negative integer. Minus zero is none: it would not come back from a snapshot as it went in. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

function isFlag(value: unknown): boolean {
  return value === undefined || value === true;
}

function isOptional(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

function isIdList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isId) && isDistinct(value);
}

function isDistinct(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}

function isNodeName(value: unknown): boolean {
  return passes(checkNodeName, value);
}

function isWal(wal: WalIdentity): boolean {
  const kinds: readonly WalKind[] = ['object', 'file', 'memory', 'none'];
  return isObject(wal) && kinds.includes(wal.kind) && typeof wal.id === 'string' && isText(wal.id, nameMaxBytes);
}

function isAttributes(attributes: Attributes): boolean {
  if (!isObject(attributes) || Array.isArray(attributes)) return false;
  let sizeBytes = 0;
  for (const [name, value] of Object.entries<unknown>(attributes)) {
    if (typeof value !== 'string' || !isText(name, attributesMaxBytes) || !isText(value, attributesMaxBytes))
      return false;
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return sizeBytes <= attributesMaxBytes;
}

function isText(text: string, maxBytes: number): boolean {
  return text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes && !/\p{Surrogate}/u.test(text);
}

function passes(check: (value: unknown) => unknown, value: unknown): boolean {
  try {
    check(value);
    return true;
  } catch {
    return false; // The checks throw for callers; here a wrong value is only a void change.
  }
}
