// Every event is also published on a channel of node:diagnostics_channel, named `qanat:<event>`, for tools that are not
// given an observer. A channel without subscribers costs one look at a flag per event; there are events per request and
// per segment, none per append.
import { channel, type Channel } from 'node:diagnostics_channel';
import { qanatEventNames, type Observer, type QanatEvents } from '../model/events.ts';

/** What is published: the event's facts, and the node whose set they are of ('' for a read-only view). */
export interface DiagnosticMessage<E extends keyof QanatEvents = keyof QanatEvents> {
  readonly node: string;
  readonly facts: QanatEvents[E];
}

/** The observer that tells both the host's observer and the channels. */
export function withDiagnostics(observer: Observer, node: string): Observer {
  const tellBoth = qanatEventNames.map((name) => [name, teller(observer, name, channel(`qanat:${name}`), node)]);
  return Object.fromEntries(tellBoth) as Observer;
}

function teller<E extends keyof QanatEvents>(
  observer: Observer,
  name: E,
  published: Channel,
  node: string,
): (facts: QanatEvents[E]) => void {
  return (facts) => {
    if (published.hasSubscribers) published.publish({ node, facts } satisfies DiagnosticMessage<E>);
    (observer[name] as ((facts: QanatEvents[E]) => void) | undefined)?.call(observer, facts);
  };
}
