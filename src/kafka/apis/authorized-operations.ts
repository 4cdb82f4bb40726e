// What a client may do with a resource, as a set of bits. Nobody is refused anything yet, so it is whatever there is to
// do with a resource of that kind.

const bits = { read: 3, write: 4, create: 5, delete: 6, alter: 7, describe: 8 } as const;
const moreBits = { clusterAction: 9, describeConfigs: 10, alterConfigs: 11, idempotentWrite: 12 } as const;

function setOf(...positions: readonly number[]): number {
  return positions.reduce((set, position) => set | (1 << position), 0);
}

/** Says that the operations were not asked for. */
export const operationsNotAsked = -2_147_483_648;

export const topicOperations: number = setOf(...Object.values(bits), moreBits.describeConfigs, moreBits.alterConfigs);

export const clusterOperations: number = setOf(bits.create, bits.alter, bits.describe, ...Object.values(moreBits));

export const groupOperations: number = setOf(bits.read, bits.delete, bits.describe);
