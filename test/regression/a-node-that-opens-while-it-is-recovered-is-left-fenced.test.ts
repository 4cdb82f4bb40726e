// A recovery that names no epoch looks at a node whose new incarnation is still recovering its predecessor. Before its
// fence is in the journal, that incarnation has opened: it is what the fence ends, so it is what has to be recovered,
// and not the predecessor alone, which owes nothing any more.
import { expect, test } from 'vitest';
import { MemoryJournal, MemoryObjectStore, StreamSet, type Journal, type RecoverOptions } from '../../src/index.ts';

const bytes = new TextEncoder().encode('tea');

function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** A journal whose appends wait where `hold` says so. */
function holding(journal: Journal, hold: (number: number) => Promise<void> | undefined): Journal {
  let appends = 0;
  return new Proxy(journal, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name !== 'append') return member.bind(target) as unknown;
      return async (...args: Parameters<Journal['append']>) => {
        appends += 1;
        await hold(appends);
        return target.append(...args);
      };
    },
  });
}

/** The moment: b recovers a, while a opens. What the recovery came to, and the new incarnation of a. */
async function race(
  options: RecoverOptions,
  before: (store: MemoryObjectStore, journal: MemoryJournal) => Promise<void> = async () => {},
): Promise<{
  readonly recovery: PromiseSettledResult<unknown>;
  readonly opened: StreamSet;
  readonly recoverer: StreamSet;
}> {
  const store = new MemoryObjectStore();
  const journal = new MemoryJournal();
  const first = await StreamSet.open({ node: 'a', store, journal: journal.openPeer() });
  await (await first.create({ name: 's' })).append(bytes);
  const [looked, open] = [gate(), gate()];
  let isRecovering = false;
  const recoverer = await StreamSet.open({
    ...{ node: 'b', store },
    journal: holding(journal.openPeer(), () => {
      if (!isRecovering) return undefined;
      isRecovering = false;
      looked.resolve();
      return open.promise;
    }),
  });
  const opening = StreamSet.open({
    ...{ node: 'a', store },
    journal: holding(journal.openPeer(), (number) => (number === 1 ? undefined : looked.promise)),
  });
  while ((await recoverer.nodes()).find(({ node }) => node === 'a')?.status !== 'recovering') await recoverer.sync();
  isRecovering = true;
  const recovering = Promise.allSettled([recoverer.recover('a', options)]);
  const opened = await opening;
  await before(store, journal);
  open.resolve();
  const [recovery] = await recovering;
  return { recovery, opened, recoverer };
}

test('it is recovered, with what it had acknowledged', async () => {
  const { recovery, opened, recoverer } = await race({});
  expect(recovery).toMatchObject({ status: 'fulfilled', value: { nodeEpoch: opened.nodeEpoch, alreadyDone: false } });
  expect((await recoverer.nodes()).find(({ node }) => node === 'a')).toMatchObject({
    status: 'closed',
    unrecoveredEpoch: undefined,
  });
  const stream = await recoverer.open('s');
  expect((await stream.read(0)).batches).toHaveLength(1);
  await recoverer.close();
});

test('it is recovered also where somebody else has fenced it, and has got no further', async () => {
  const { recovery, opened, recoverer } = await race({}, async (store, journal) => {
    const fenced = gate();
    let appends = 0;
    const third = await StreamSet.open({
      ...{ node: 'c', store },
      journal: holding(journal.openPeer(), () => {
        appends += 1;
        if (appends < 3) return undefined; // It registers, and fences.
        fenced.resolve();
        return new Promise(() => {});
      }),
    });
    void third.recover('a');
    await fenced.promise;
  });
  expect(recovery).toMatchObject({ status: 'fulfilled', value: { nodeEpoch: opened.nodeEpoch, alreadyDone: false } });
  const found = (await recoverer.nodes()).find(({ node }) => node === 'a');
  expect(found).toMatchObject({ status: 'closed', unrecoveredEpoch: undefined });
  await recoverer.close();
});

test.each([{ abandon: true }, { cutAt: 0 }])('nothing of it is given up by %j', async (options) => {
  const { recovery, opened, recoverer } = await race(options);
  expect(recovery).toMatchObject({
    status: 'rejected',
    reason: { code: 'CONFLICT', currentEpoch: opened.nodeEpoch },
  });
  expect(await recoverer.recover('a')).toMatchObject({ nodeEpoch: opened.nodeEpoch, alreadyDone: false });
  await recoverer.close();
});
