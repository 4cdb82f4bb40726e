// Short lives of a stream that moves between two nodes, one of which dies at any one call to the store: every call of
// every script, with what was under way landing or vanishing. The other node, or the same one started again, and then
// a third node that takes everything over, all find what was acknowledged: no less, and nothing but the one operation
// that was under way more. Time is simulated, so pauses and turns of the journal cost nothing.
import { expect, test } from 'vitest';
import { isQanatError, MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { Runtime, Stream } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { bytesOf, readAll } from './world.ts';

const settings = { storeDeadlineMs: 1_000, segmentSizeMinBytes: 1, catalogRefreshMs: 10 };

type Node = 'a' | 'b';
type Step =
  | readonly [Node, 'create' | 'open' | 'close' | 'delete' | 'upload' | 'recover the other']
  | readonly [Node, 'append' | 'is refused', ...string[]]
  | readonly [Node, 'trim', number];

const scripts: Readonly<Record<string, readonly Step[]>> = {
  'it is handed over, and back, deleted and created again': [
    ['a', 'create'],
    ['a', 'append', '1', '2'],
    ['a', 'append', '3'],
    ['a', 'close'],
    ['b', 'open'],
    ['b', 'append', '4'],
    ['b', 'trim', 2],
    ['b', 'append', '5'],
    ['b', 'upload'],
    ['b', 'close'],
    ['a', 'open'],
    ['a', 'append', '6'],
    ['a', 'delete'],
    ['a', 'create'],
    ['a', 'append', '7'],
    ['a', 'upload'],
    ['a', 'append', '8'],
  ],
  'it is taken over from a node that lives': [
    ['a', 'create'],
    ['a', 'append', '1', '2'],
    ['a', 'trim', 1],
    ['a', 'upload'],
    ['a', 'append', '3', '4'],
    ['b', 'recover the other'],
    ['b', 'open'],
    ['b', 'append', '5'],
    ['a', 'is refused', 'x'],
    ['b', 'append', '6', '7'],
    ['b', 'close'],
    ['b', 'delete'],
    ['b', 'create'],
    ['b', 'append', '8'],
  ],
};

/** The stream, as far as it is known: the text at each offset, and where it begins; undefined: there is none. */
type Known = { readonly startOffset: number; readonly texts: readonly string[] } | undefined;

/** What a step makes of the stream, if it is done, or done in part. */
function outcomesOf(known: Known, [, what, ...rest]: Step): readonly Known[] {
  if (what === 'create') return [{ startOffset: 0, texts: [] }];
  if (what === 'delete') return [undefined];
  if (known === undefined) return [known];
  if (what === 'trim') return [{ ...known, startOffset: rest[0] as number }];
  if (what !== 'append') return [known];
  const texts = rest as string[];
  return texts.map((_, i) => ({ ...known, texts: [...known.texts, ...texts.slice(0, i + 1)] }));
}

class World {
  readonly store = new MemoryObjectStore();
  readonly runtime: Runtime;
  readonly sets = new Map<string, StreamSet>();
  readonly streams = new Map<string, Stream>();
  readonly connections = new Map<string, FaultyObjectStore>();

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  async open(node: string): Promise<StreamSet> {
    const { runtime } = this;
    const connection = new FaultyObjectStore(this.store, { runtime, seed: 1, faults: [] });
    this.connections.set(node, connection);
    const set = await StreamSet.open({ node, store: connection, settings, runtime });
    this.sets.set(node, set);
    return set;
  }

  async take([node, what, ...rest]: Step): Promise<void> {
    const set = this.sets.get(node)!;
    const stream = this.streams.get(node);
    if (what === 'create') this.streams.set(node, await set.create({ name: 's' }));
    if (what === 'open') this.streams.set(node, await set.open('s'));
    if (what === 'close') await stream!.close();
    if (what === 'delete') await set.delete('s');
    if (what === 'upload') await set.upload();
    if (what === 'trim') await stream!.trim(rest[0] as number);
    if (what === 'recover the other') await set.recover(node === 'a' ? 'b' : 'a');
    if (what === 'append') await Promise.all((rest as string[]).map((text) => stream!.append(bytesOf(text))));
    if (what === 'is refused') await this.#isRefused(stream!, rest[0] as string);
  }

  async #isRefused(stream: Stream, text: string): Promise<void> {
    const refusal: unknown = await stream.append(bytesOf(text)).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(isQanatError(refusal) && refusal.outcome, `an append of a node that was fenced: ${String(refusal)}`).toBe(
      'none',
    );
  }
}

/** The stream as a set sees it. */
async function seenBy(set: StreamSet): Promise<Known> {
  await set.sync();
  try {
    const reader = await set.reader('s');
    await set.sync();
    const texts = await readAll(reader);
    return { startOffset: reader.startOffset, texts: [...Array<string>(reader.startOffset).fill(''), ...texts] };
  } catch (cause) {
    if (isQanatError(cause, 'STREAM_NOT_FOUND')) return undefined;
    throw cause;
  }
}

/** What is below the start of a stream cannot be seen. */
function visible(known: Known): Known {
  return known && { ...known, texts: known.texts.map((text, offset) => (offset < known.startOffset ? '' : text)) };
}

/** Runs the script; `dying` dies at its n-th call. Whether it got that far. */
async function runScript(
  world: World,
  script: readonly Step[],
  dying: Node,
  fault: { readonly nth: number; readonly underWay: 'lands' | 'vanishes' },
  next: 'the other' | 'the same',
): Promise<boolean> {
  for (const node of ['a', 'b']) await world.open(node);
  const connection = world.connections.get(dying)!;
  connection.inject([{ nth: fault.nth, fault: { kind: 'crash', underWay: fault.underWay } }]);
  let possible: readonly Known[] = [undefined];
  for (const step of script) {
    if (connection.crashed && step[0] === dying) break;
    const [known] = possible;
    const outcomes = outcomesOf(known, step);
    try {
      await world.take(step);
      possible = [outcomes.at(-1)];
    } catch (cause) {
      if (!connection.crashed || step[0] !== dying) throw cause;
      possible = [known, ...outcomes];
      break;
    }
  }
  if (!connection.crashed) return false;
  const other = dying === 'a' ? 'b' : 'a';
  const survivor = next === 'the same' ? await world.open(dying) : world.sets.get(other)!;
  // A node that was fenced can look no more; who is left then is the third.
  if (survivor.status === 'open') {
    if (next === 'the other') await survivor.recover(dying).catch(ignoreFenced);
    if (survivor.status === 'open') {
      const seen = await seenBy(survivor);
      expect(possible.map(visible)).toContainEqual(seen);
      possible = [seen];
    }
  }
  const third = await world.open('c');
  for (const { node } of await third.nodes()) if (node !== 'c') await third.recover(node);
  const seen = await seenBy(third);
  expect(possible.map(visible)).toContainEqual(seen);
  const stream = await (seen === undefined ? third.create({ name: 's' }) : third.open('s'));
  const { startOffset } = await stream.append(bytesOf('z'));
  expect(startOffset).toBe(seen?.texts.length ?? 0);
  return true;
}

function ignoreFenced(cause: unknown): void {
  if (!isQanatError(cause, 'NODE_FENCED')) throw cause;
}

/** Deaths that there must have been at least: fewer would mean that they are no longer looked for. */
const deathsMin = 20;

for (const [title, script] of Object.entries(scripts))
  for (const dying of ['a', 'b'] as const)
    test(`nothing is lost of a stream, whenever node ${dying} dies: ${title}`, async () => {
      let deaths = 0;
      for (const underWay of ['lands', 'vanishes'] as const)
        for (let nth = 1; ; nth += 1) {
          // Who comes next changes with the call, and with what becomes of it, so that each is there at every step.
          const next = (nth % 2 === 0) === (underWay === 'lands') ? 'the other' : 'the same';
          const runtime = new SeededRuntime({ seed: nth, runMaxMs: 3_600_000 });
          const world = new World(runtime);
          const hasDied = await runtime.run(async () => {
            try {
              return await runScript(world, script, dying, { nth, underWay }, next);
            } catch (cause) {
              throw new Error(`death at call ${nth}, which ${underWay}; then ${next}`, { cause });
            } finally {
              await Promise.all([...world.sets.values()].map((set) => set.close()));
            }
          });
          if (!hasDied) break;
          deaths += 1;
        }
      process.stdout.write(`${title}: node ${dying} died ${deaths} times\n`);
      expect(deaths).toBeGreaterThan(deathsMin);
    });
