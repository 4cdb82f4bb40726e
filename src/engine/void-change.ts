// What a caller is told when a change was void: the error of each reason, with its facts.
import { InvariantError } from '../base/assert.ts';
import { qanatError } from '../model/errors.ts';
import type { StreamRef } from '../model/ids.ts';
import type { Verdict } from '../catalog/change.ts';
import type { CatalogState } from '../catalog/state.ts';

type Void = Extract<Verdict, { applied: false }>;

/** The error for a void change of a stream. */
export function voidStreamError(verdict: Void, stream: StreamRef, state: CatalogState): Error {
  const shown = JSON.stringify(stream);
  switch (verdict.reason) {
    case 'not-found':
      return qanatError('STREAM_NOT_FOUND', `there is no stream ${shown}`, { stream });
    case 'exists':
      return qanatError('STREAM_EXISTS', `the name ${shown} is taken by stream ${verdict.fact}`, {
        streamName: String(stream),
        stream: verdict.fact as StreamRef,
      });
    case 'owned': {
      const owner = state.epoch(verdict.fact)?.node ?? 'a node';
      return qanatError('STREAM_OWNED', `stream ${shown} is open on ${owner} (epoch ${verdict.fact})`, {
        stream,
        owner,
        ownerEpoch: verdict.fact,
      });
    }
    case 'closed':
      return qanatError('STREAM_CLOSED', `stream ${shown} is not open here any more`, { stream });
    default:
      return voidError(verdict, `stream ${shown}`, 'currentEpoch');
  }
}

/** The error for a void change of a node. */
export function voidNodeError(verdict: Void, node: string, state: CatalogState): Error {
  if (verdict.reason === 'not-found') return nodeNotFound(node, state);
  if (verdict.reason !== 'conflict') return voidError(verdict, `node ${node}`, 'currentEpoch');
  const { fact: currentEpoch } = verdict;
  const isOwed = state.node(node)?.unrecovered?.epoch === currentEpoch;
  const why = isOwed ? `epoch ${currentEpoch} of it is not recovered` : `it is open, at epoch ${currentEpoch}`;
  const message = `node ${node} cannot be forgotten: ${why}; recover it first`;
  return qanatError('CONFLICT', message, { what: `node ${node}`, currentEpoch });
}

/** Names in a message: enough to see a slip of the pen. */
const namesMax = 8;

/** The error for a node that the state does not know. */
export function nodeNotFound(node: string, state: CatalogState): Error {
  const names = [...state.nodes()].map(({ name }) => name);
  const more = names.length > namesMax ? `, and ${names.length - namesMax} more` : '';
  const known = `known are ${names.slice(0, namesMax).join(', ')}${more}`;
  return qanatError('NODE_NOT_FOUND', `there is no node ${node}; ${known}`, { node, nodeEpoch: undefined });
}

/** The error for any void change. `current` names what a condition was about. */
export function voidError(verdict: Void, what: string, current: 'currentVersion' | 'currentEpoch'): Error {
  if (verdict.reason === 'conflict') {
    const facts = { what, [current]: verdict.fact };
    return qanatError('CONFLICT', `${what} has changed: it is at ${verdict.fact}`, facts);
  }
  return new InvariantError(`a change of ${what} is void: ${verdict.reason} (${verdict.fact})`);
}

/** What calls are told once another epoch took over. */
export function fencedError(state: CatalogState, node: string, nodeEpoch: number, outcome: 'none' | 'unknown'): Error {
  const newer = state.newerEpoch(node, nodeEpoch);
  const byEpoch = newer === 0 ? undefined : newer;
  const by = byEpoch === undefined ? '' : ` by epoch ${byEpoch}`;
  const message = `epoch ${nodeEpoch} of node ${node} is fenced${by}; open a new stream set`;
  return qanatError('NODE_FENCED', message, { node, nodeEpoch, byEpoch }, { outcome });
}
