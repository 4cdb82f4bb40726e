// Names and attributes as callers give them, checked at the door.
import { invalidArgument } from './errors.ts';
import { streamId, type Attributes, type StreamRef } from './ids.ts';
import { attributesMaxBytes, nameMaxBytes, nodeNameMaxLength } from './limits.ts';

const nodeNamePattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

/** Checks a node name: it stands in object keys, so its alphabet is narrow. */
export function checkNodeName(node: unknown): string {
  if (typeof node !== 'string' || !nodeNamePattern.test(node))
    throw invalidArgument(
      `a node name has 1 to ${nodeNameMaxLength} characters of a-z, 0-9, '.', '_', '-', ` +
        `and begins and ends with a letter or digit; got ${show(node)}`,
    );
  return node;
}

/** Checks a stream name: any well-formed string of 1 to 512 UTF-8 bytes; it never becomes a path. */
export function checkStreamName(name: unknown): string {
  return checkText(name, 'a stream name');
}

/** Checks a key of the small key-value store. */
export function checkKvKey(key: unknown): string {
  return checkText(key, 'a kv key');
}

/** Checks a stream reference: a positive integer or a legal name. */
export function checkStreamRef(stream: unknown): StreamRef {
  if (typeof stream === 'number') {
    if (!Number.isSafeInteger(stream) || stream < 1)
      throw invalidArgument(`a stream id is a positive integer; got ${stream}`);
    return streamId(stream);
  }
  return checkStreamName(stream);
}

/** Checks and copies attributes: an object of strings, of at most 4 KiB in all. */
export function checkAttributes(attributes: unknown): Attributes {
  if (attributes === undefined) return {};
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes))
    throw invalidArgument('attributes are an object of strings', TypeError);
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value !== 'string') throw invalidArgument(`the attribute ${show(name)} is not a string`, TypeError);
    if (!isWellFormed(name) || !isWellFormed(value))
      throw invalidArgument(`the attribute ${show(name)} must be well-formed Unicode`);
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (sizeBytes > attributesMaxBytes)
    throw invalidArgument(`attributes have at most ${attributesMaxBytes} bytes in all; these have ${sizeBytes}`);
  return { ...(attributes as Attributes) };
}

function checkText(text: unknown, what: string): string {
  if (typeof text !== 'string') throw invalidArgument(`${what} is a string; got ${show(text)}`, TypeError);
  const length = Buffer.byteLength(text);
  if (length < 1 || length > nameMaxBytes)
    throw invalidArgument(`${what} has 1 to ${nameMaxBytes} UTF-8 bytes; this one has ${length}`);
  if (!isWellFormed(text)) throw invalidArgument(`${what} must be well-formed Unicode; this one has a lone surrogate`);
  return text;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function show(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
}
