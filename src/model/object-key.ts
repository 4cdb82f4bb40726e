// Every key the engine writes, built in one place. `qanat.json` names the cluster; everything else lies under the
// cluster's id, so that two clusters can never mistake each other's objects for garbage.
import { crc32 } from '../base/checksum.ts';
import { utf8 } from '../base/bytes.ts';

/** The one key outside the cluster's folder: format version and cluster id, created once. */
export const clusterFileKey = 'qanat.json';

/** Probes of a store write below this, and delete what they wrote. Nothing of a cluster lies here. */
export const probePrefix = 'qanat-probe/';

/** The two families of data objects, numbered apart. */
export type ObjectFamily = 'wal' | 'data';

/** Who wrote an object, and as which of its works: what a key is computed from. */
export interface ObjectOrigin {
  readonly family: ObjectFamily;
  readonly node: string;
  readonly nodeEpoch: number;
  readonly sequence: number;
}

/** Everything of one cluster lies below this. */
export function clusterPrefix(clusterId: string): string {
  return `${clusterId}/`;
}

/**
 * All objects of one family of one node epoch lie below this; two hex digits spread epochs over the ranges of a store.
 */
export function epochPrefix(clusterId: string, origin: Omit<ObjectOrigin, 'sequence'>): string {
  const writer = `${origin.node}-${origin.nodeEpoch}`;
  const hash = (crc32(utf8(writer)) & 0xff).toString(16).padStart(2, '0');
  return `${clusterId}/${origin.family}/${hash}/${writer}/`;
}

/** Key of a WAL segment, a seal or a data object. */
export function objectKey(clusterId: string, origin: ObjectOrigin): string {
  return `${epochPrefix(clusterId, origin)}${padNumber(origin.sequence)}`;
}

/** Keys of the object journal. */
export function journalPrefix(clusterId: string): string {
  return `${clusterId}/journal/`;
}

/** Numbers in keys sort as numbers: 16 digits hold every safe integer. */
export function padNumber(value: number): string {
  return String(value).padStart(16, '0');
}

/** The sequence that a key under an epoch's prefix ends in; undefined when it is none of ours. */
export function sequenceOfKey(key: string): number | undefined {
  const digits = /\/(\d{16})$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
