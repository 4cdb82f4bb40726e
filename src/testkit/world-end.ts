// The end of every world: nothing goes wrong any more, everybody wakes; then all calls are answered, every node starts,
// every stream opens on some node and is read to its end; and once all have closed, a reader that was never there
// before finds the same.
import type { LogReadResult } from './log-driver.ts';
import type { HistoryRecorder } from './history-recorder.ts';
import type { SimNode } from './sim-machine.ts';
import type { SimWorld } from './sim-world.ts';
import { StreamSet } from '../index.ts';
import type { StreamReader, StreamSetView, StreamSummary } from '../index.ts';
import type { WorldCalls } from './world-calls.ts';
import type { WorldKeyValue } from './world-key-value.ts';
import type { Member, WorldMembers } from './world-members.ts';

/** Longer than any deadline that a world may have been given. */
const quietMs = 20 * 60_000;

export async function finishWorld(
  world: SimWorld,
  members: WorldMembers,
  calls: WorldCalls,
  recorder: HistoryRecorder,
  keyValue: WorldKeyValue,
  atRest: () => Promise<void>,
): Promise<void> {
  calls.note('the end: nothing goes wrong any more');
  await world.settle();
  await atRest();
  await calls.allAnswered(quietMs);
  await Promise.all(members.all.map(async ({ starting }) => starting));
  const nodes: SimNode[] = [];
  for (const member of members.all) {
    const node = await startQuietly(member, members, calls);
    if (node !== undefined) nodes.push(node);
  }
  const [first] = nodes;
  if (first === undefined) return;
  const undecided = undecidedDeletions(recorder);
  for (const stream of await listed(first, calls))
    await readWhereItOpens(stream, nodes, members, calls, recorder, undecided);
  const streams = await listed(first, calls);
  checkStreams(streams, calls, recorder);
  await keyValue.readAll(first);
  for (const node of nodes)
    await calls.ask({ what: `${node.process.name}: close`, act: () => node.call((set) => set.close()) });
  for (const { process, set } of members.all.flatMap(({ zombies }) => zombies))
    if (process.state !== 'dead')
      await calls.ask({ what: `${process.name}: close`, act: () => process.call(() => set.close()) });
  await calls.allAnswered(quietMs, true);
  await checkSilence(world, calls);
  await readFromOutside(world, streams, calls, recorder, undecided);
}

/** Starts a node with the WAL that it had, or with one of those that an incarnation may have been registered with. */
async function startQuietly(member: Member, members: WorldMembers, calls: WorldCalls): Promise<SimNode | undefined> {
  const places = [undefined, undefined, undefined, ...member.tried.toReversed(), undefined];
  for (const place of places) {
    if (place !== undefined)
      await calls.ask({ what: `${member.node}: start`, act: () => members.start(member, { wal: place }) });
    const node = await members.running(member);
    if (node?.set.status === 'open') {
      // One that was overtaken may not know it yet.
      const act = (): Promise<number> => node.call((set) => set.sync());
      const isCurrent = await calls.ask({ what: `${node.process.name}: sync`, act });
      if (isCurrent !== undefined && node.set.status === 'open') return node;
    }
    await members.killAll(member);
  }
  calls.find('unavailable', `${member.node} does not start, though nothing goes wrong any more`);
  return undefined;
}

async function listed({ process, set }: SimNode, calls: WorldCalls): Promise<readonly StreamSummary[]> {
  const act = async (): Promise<StreamSummary[]> => {
    await set.sync();
    const found: StreamSummary[] = [];
    for await (const stream of set.list()) found.push(stream);
    return found;
  };
  return (await calls.ask({ what: `${process.name}: list`, act, done: (found) => `${found.length} streams` })) ?? [];
}

/**
 * Streams whose deletion was given up with outcome unknown. It takes effect when its node learns what became of it,
 * which may be as late as with the next change that the node makes.
 */
function undecidedDeletions({ history }: HistoryRecorder): ReadonlySet<string> {
  const found = new Set<string>();
  for (const operation of history)
    if (operation.do === 'delete' && operation.outcome !== 'none') found.add(operation.stream);
  return found;
}

/** Opens a stream on its owner, or on any node, and reads all of it. */
async function readWhereItOpens(
  { id, name }: StreamSummary,
  nodes: readonly SimNode[],
  members: WorldMembers,
  calls: WorldCalls,
  recorder: HistoryRecorder,
  undecided: ReadonlySet<string>,
): Promise<void> {
  const identity = `${name}/${id}`;
  const mayBeGone = undecided.has(identity);
  for (const node of nodes) {
    const what = `${node.process.name}: open ${identity} in the end`;
    const mayFail = mayBeGone ? ['STREAM_OWNED', 'STREAM_NOT_FOUND'] : ['STREAM_OWNED'];
    const stream = await calls.ask({ what, act: () => node.call((set) => set.open(id)), mayFail });
    if (stream === undefined) continue;
    members.handles(node).streams.set(String(name), stream);
    const from = await readAll({ client: `${node.process.name}/end`, stream: identity }, stream, calls, recorder);
    const append = recorder.batch(1, 10);
    const appended = await calls.ask({
      what: `${node.process.name}: append ${append.id} to ${identity} in the end, at ${from}`,
      act: () =>
        recorder.append({ client: node.process.name, stream: identity }, [append], () =>
          node.call(() => stream.append(append.bytes)),
        ),
      done: ({ startOffset }) => String(startOffset),
    });
    if (appended === undefined) calls.find('unavailable', `nothing can be appended to ${identity} in the end`);
    return;
  }
  if (mayBeGone) return;
  calls.find('unavailable', `${identity} can be opened by no node, though nothing goes wrong any more`);
}

/** Reads a stream to its end. */
async function readAll(
  call: { readonly client: string; readonly stream: string },
  reader: StreamReader,
  calls: WorldCalls,
  recorder: HistoryRecorder,
): Promise<number> {
  let next = reader.startOffset;
  for (;;) {
    const from = next;
    const result = await calls.ask<LogReadResult>({
      what: `${call.client}: read ${call.stream} from ${from}`,
      act: () => recorder.read(call, from, () => reader.read(from, { maxBytes: 20_000 })),
      done: ({ batches, startOffset, endOffset }) => `${batches.length} batches of [${startOffset}, ${endOffset})`,
    });
    if (result === undefined) {
      calls.find('unavailable', `${call.stream} cannot be read from ${from}, though nothing goes wrong any more`);
      return next;
    }
    next = result.batches.at(-1)?.endOffset ?? next;
    if (next >= result.endOffset || result.batches.length === 0) return next;
  }
}

/** Streams in which something was acknowledged are there unless somebody tried to delete them; deleted ones are not. */
function checkStreams(streams: readonly StreamSummary[], calls: WorldCalls, recorder: HistoryRecorder): void {
  const present = new Set(streams.map(({ name, id }) => `${name}/${id}`));
  const deleted = new Set<string>();
  const mayBeDeleted = new Set<string>();
  for (const operation of recorder.history) {
    if (operation.do !== 'delete' || operation.outcome === 'none') continue;
    mayBeDeleted.add(operation.stream);
    if (operation.outcome === 'ok') deleted.add(operation.stream);
  }
  const acknowledged = new Set<string>();
  for (const operation of recorder.history)
    if (operation.do === 'append' && operation.outcome === 'ok') acknowledged.add(operation.stream);
  for (const stream of acknowledged)
    if (!present.has(stream) && !mayBeDeleted.has(stream))
      calls.find('stream', `${stream} is lost, and with it what was acknowledged`);
  for (const stream of deleted) if (present.has(stream)) calls.find('stream', `${stream} is back; it was deleted`);
}

/** What has closed asks for nothing any more. */
async function checkSilence(world: SimWorld, calls: WorldCalls): Promise<void> {
  const processes = world.machines.flatMap((machine) => machine.processes);
  const before = processes.map(({ requestCount }) => requestCount);
  await world.sleep(quietMs);
  for (const [i, { name, requestCount }] of processes.entries())
    if (requestCount !== before[i]) calls.find('silence', `${name} goes on making requests, though it is closed`);
}

/** When all have closed, everything is in the bucket: a reader that knows nothing finds all of it. */
async function readFromOutside(
  world: SimWorld,
  streams: readonly StreamSummary[],
  calls: WorldCalls,
  recorder: HistoryRecorder,
  undecided: ReadonlySet<string>,
): Promise<void> {
  const { bucket: store, runtime } = world;
  const act = (): Promise<StreamSetView> => StreamSet.openReadOnly({ store, runtime });
  const view = await calls.ask({ what: 'a reader comes from outside', act });
  if (view === undefined) return calls.find('unavailable', 'nobody can read what was stored');
  for (const { name, id } of streams) {
    const stream = `${name}/${id}`;
    const mayFail = undecided.has(stream) ? ['STREAM_NOT_FOUND'] : [];
    const reader = await calls.ask({ what: `outside: reader of ${stream}`, act: () => view.reader(id), mayFail });
    if (reader === undefined) {
      if (mayFail.length > 0) continue;
      calls.find('unavailable', `${stream} cannot be read from outside`);
      continue;
    }
    await readAll({ client: 'outside', stream }, reader, calls, recorder);
    for (const { key } of (await view.describe(id)).objects)
      if ((await store.get(key, { purpose: 'probe', range: { last: 1 } })) === 'missing')
        calls.find('object', `${key} is missing, and ${stream} refers to it`);
  }
  await view.close();
}
