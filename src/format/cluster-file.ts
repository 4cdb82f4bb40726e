// qanat.json: what a store holds, for people and for programs. Created once, and small; replaced, as a whole, when
// there is a newer verdict of a probe to keep.
//
// The text is the canonical JSON of its fields (two spaces, a line feed at the end), and `checksum` is the CRC-32 of
// the same text without that field. A file that reads differently in any byte is damaged; fields this version does
// not know are part of both, and are given back.
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { equalBytes, utf8 } from '../base/bytes.ts';
import { formatVersion } from '../model/limits.ts';
import { clusterFileKey } from '../model/object-key.ts';
import { checkVersion, corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { isClusterId } from './numbers.ts';

/** What the file says. */
export interface ClusterFile {
  readonly formatVersion: number;
  readonly clusterId: string;
  /** All other fields. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** What the file is made from: the cluster's id, and whatever else shall be said in JSON. */
export interface ClusterFileFields {
  readonly clusterId: string;
  readonly [field: string]: unknown;
}

/** What a probe of the store has found, kept so that it is run once. A probe that failed is not kept. */
export interface ProbeVerdict {
  /** Which probe it was: a later version of the package may ask more. */
  readonly version: number;
  /** When, in milliseconds since 1970, by the clock of the node that probed. For people only. */
  readonly at: number;
  /** How many checks it passed. */
  readonly checks: number;
}

/** The verdict that a file has; undefined if it has none, or none that can be understood. */
export function probeVerdictOf({ extra }: ClusterFile): ProbeVerdict | undefined {
  const { version, at, checks } = (extra['probe'] ?? {}) as Partial<Record<keyof ProbeVerdict, unknown>>;
  if (![version, at, checks].every((field) => typeof field === 'number')) return undefined;
  return { version, at, checks } as ProbeVerdict;
}

/** The same file with a verdict, in place of one that it had. */
export function encodeWithVerdict({ clusterId, extra }: ClusterFile, probe: ProbeVerdict): Uint8Array {
  return encodeClusterFile({ ...extra, clusterId, probe });
}

/** Encodes the file. */
export function encodeClusterFile(fields: ClusterFileFields): Uint8Array {
  const { clusterId, ...extra } = fields;
  assert(isClusterId(clusterId), () => `a cluster id has 32 hex digits: ${clusterId}`);
  assert(!('format' in extra) && !('checksum' in extra), 'format and checksum are not given but made');
  return withChecksum({ format: formatVersion, clusterId, ...extra });
}

/** Decodes the file. */
export function decodeClusterFile(bytes: Uint8Array, place: BytesPlace = { key: clusterFileKey }): ClusterFile {
  const fields = parseObject(bytes, place);
  const { checksum: _, ...content } = fields;
  if (!equalBytes(withChecksum(content), bytes))
    throw corrupt(place, 0, 'its text is not what its checksum was made of');
  const { format, clusterId, ...extra } = content;
  if (typeof format !== 'number' || !Number.isSafeInteger(format)) throw corrupt(place, 0, 'it names no format');
  checkVersion(place, 0, format);
  if (!isClusterId(clusterId)) throw corrupt(place, 0, 'it names no cluster');
  return { formatVersion: format, clusterId, extra };
}

function parseObject(bytes: Uint8Array, place: BytesPlace): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw corrupt(place, 0, 'it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(place, 0, 'it is no object');
  return value as Record<string, unknown>;
}

function withChecksum(content: Readonly<Record<string, unknown>>): Uint8Array {
  const checksum = crc32(utf8(textOf(content)))
    .toString(16)
    .padStart(8, '0');
  return utf8(textOf({ ...content, checksum }));
}

function textOf(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(fields, null, 2)}\n`;
}
