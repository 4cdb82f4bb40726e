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

/** The sequence of a key of a WAL segment, a seal or a data object; undefined when it is none of ours. */
export function sequenceOfKey(key: string): number | undefined {
  return numberIn(/^[^/]+\/(?:wal|data)\/[0-9a-f]{2}\/[^/]+\/(\d{16})$/.exec(key)?.[1]);
}

/** The number that 16 digits of a key stand for; undefined where there are none, or more than a number can be. */
export function numberIn(digits: string | undefined): number | undefined {
  const value = digits === undefined ? undefined : Number(digits);
  return Number.isSafeInteger(value) ? value : undefined;
}

const journalKey = /^[0-9a-f]{32}\/journal\/(?:\d{16}|root|snapshot-\d{16}-[0-9a-f]{64})$/;
const familyKey = /^[0-9a-f]{32}\/(?:wal|data)\/[0-9a-f]{2}\/[^/]+-\d+\/\d{16}$/;

/** Whether a key is one that the engine could have written for this cluster. All others are somebody else's. */
export function isKeyOfCluster(key: string, clusterId: string): boolean {
  if (key === clusterFileKey) return true;
  return key.startsWith(clusterPrefix(clusterId)) && (journalKey.test(key) || familyKey.test(key));
}
