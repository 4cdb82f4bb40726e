// Changes of nodes and epochs: register, fence, recovered, forget-node, rules (R2, R6, W1, W2).
//
//   register:   current 'open'       → unrecovered, and the new epoch is 'recovering'
//               current 'recovering' → forgotten: it never acknowledged anything; what is unrecovered stays
//               nothing unrecovered  → the new epoch is 'open' at once
//   fence:      the same for the current epoch, and no new one
//   recovered:  unrecovered → over, sealed for ever; a 'recovering' current epoch becomes 'open'
//   forget-node: a node with neither → off the list; its epochs, seals and name stay in the ledger for ever
//
// An epoch without a WAL (kind 'none') owes nothing. It is recovered by the very change that fences it, sealed at its
// released position: a recoverer would have nothing to look at, and until it came the node would wait for nothing.
import type { FenceChange, ForgetNodeChange, RecoveredChange, RegisterChange, RulesChange, Verdict } from './change.ts';
import type { EpochEntry, NodeEntry } from './node-table.ts';
import type { CatalogState } from './state.ts';
import { applies, voids, type Tell } from './verdict.ts';

export function judgeRegister(state: CatalogState, change: RegisterChange): Verdict {
  // A node that cannot follow the rules in force would only judge wrongly.
  return change.rules < state.rules ? voids('conflict', state.rules) : applies(state.index + 1);
}

export function register(state: CatalogState, nonce: string, change: RegisterChange, tell: Tell): void {
  const { nodes } = state.tables;
  const node = nodes.ensure(change.node);
  if (node.current !== undefined) fenceCurrent(state, node, node.current, tell);
  node.attributes = Object.freeze({ ...change.attributes });
  const epoch: EpochEntry = {
    epoch: state.index + 1,
    node: node.name,
    status: node.unrecovered === undefined ? 'open' : 'recovering',
    wal: Object.freeze({ kind: change.wal.kind, id: change.wal.id }),
    released: 0,
    settledBelow: 0,
    rules: change.rules,
    nonce,
  };
  nodes.grant(node, epoch);
  tellOfNode(state, epoch, 'registered', tell);
  if (epoch.status === 'open') tellOfNode(state, epoch, 'opened', tell);
}

export function judgeFence(state: CatalogState, change: FenceChange): Verdict {
  return state.node(change.node)?.current?.epoch === change.epoch ? applies() : voids('not-found');
}

export function fence(state: CatalogState, change: FenceChange, tell: Tell): void {
  const node = state.tables.nodes.get(change.node) as NodeEntry;
  fenceCurrent(state, node, node.current as EpochEntry, tell);
}

export function judgeRecovered(state: CatalogState, change: RecoveredChange): Verdict {
  const node = state.tables.nodes.get(change.node);
  const owed = node?.unrecovered;
  if (owed?.epoch === change.epoch) return change.from === owed.released ? applies() : voids('position', owed.released);
  const sealedAt = state.sealedAt(change.epoch);
  const isOfNode = node !== undefined && state.tables.nodes.ofEpoch(change.epoch) === node;
  return isOfNode && sealedAt !== undefined ? voids('recovered', sealedAt) : voids('not-found');
}

export function recovered(state: CatalogState, change: RecoveredChange, tell: Tell): void {
  const node = state.tables.nodes.get(change.node) as NodeEntry;
  finishRecovery(state, node, change, change.givenUp === true, tell);
  if (node.current?.status !== 'recovering') return;
  node.current.status = 'open';
  tellOfNode(state, node.current, 'opened', tell);
}

export function judgeForgetNode(state: CatalogState, change: ForgetNodeChange): Verdict {
  const node = state.node(change.node);
  if (node === undefined) return voids('not-found');
  const living = node.current ?? node.unrecovered;
  return living === undefined ? applies() : voids('conflict', living.epoch);
}

export function forgetNode(state: CatalogState, change: ForgetNodeChange, tell: Tell): void {
  const node = state.tables.nodes.get(change.node) as NodeEntry;
  state.tables.nodes.forget(node);
  tell?.({ index: state.index + 1, of: 'node', what: 'forgotten', node: node.name, epoch: node.lastEpoch });
}

export function judgeRules(state: CatalogState, change: RulesChange): Verdict {
  if (change.rules <= state.rules) return voids('conflict', state.rules);
  for (const { current } of state.nodes())
    if (current !== undefined && current.rules < change.rules) return voids('conflict', state.rules);
  return applies();
}

/** Takes the current epoch away from its node: into the unrecovered slot if it may owe something. */
function fenceCurrent(state: CatalogState, node: NodeEntry, epoch: EpochEntry, tell: Tell): void {
  const { nodes } = state.tables;
  tellOfNode(state, epoch, 'fenced', tell);
  if (epoch.status === 'recovering') {
    nodes.end(node, 'current');
    return;
  }
  node.unrecovered = epoch; // Empty until now: an epoch is open only where nothing is unrecovered.
  node.current = undefined;
  if (epoch.wal.kind !== 'none') return;
  finishRecovery(state, node, { from: epoch.released, sealedAt: epoch.released }, false, tell);
}

/** Ends the unrecovered epoch of a node for ever. */
function finishRecovery(
  state: CatalogState,
  node: NodeEntry,
  { from, sealedAt }: Pick<RecoveredChange, 'from' | 'sealedAt'>,
  givenUp: boolean,
  tell: Tell,
): void {
  const { nodes } = state.tables;
  const epoch = node.unrecovered as EpochEntry;
  if (givenUp || epoch.wal.kind === 'memory' || epoch.wal.kind === 'none') forgetLostOffsets(state, epoch.epoch, tell);
  nodes.ledger.seal(epoch.epoch, sealedAt, from);
  nodes.end(node, 'unrecovered');
  tellOfNode(state, epoch, 'recovered', tell);
}

/**
 * Where acknowledged data may be lost, a stream may have been trimmed beyond all that is left of it. Its end follows
 * the start then, so that whoever opens it next gives offsets that can be read.
 */
function forgetLostOffsets(state: CatalogState, epoch: number, tell: Tell): void {
  for (const stream of state.tables.streams.from(1)) {
    if (stream.ownerEpoch !== epoch || stream.endOffset >= stream.startOffset) continue;
    stream.endOffset = stream.startOffset;
    tell?.({ index: state.index + 1, of: 'stream', what: 'extended', stream: stream.id, name: stream.name });
  }
}

type NodeEffect = 'registered' | 'fenced' | 'opened' | 'recovered';

function tellOfNode(state: CatalogState, epoch: EpochEntry, what: NodeEffect, tell: Tell): void {
  tell?.({ index: state.index + 1, of: 'node', what, node: epoch.node, epoch: epoch.epoch });
}
