// Whether everything is there that a cluster refers to, as far as its public door tells: every object that a stream's
// description names lies in the bucket, and every stream can be read from its start to its end by somebody who has just
// come and holds nothing in memory.
import { StreamSet, type ObjectStore, type StreamDescription, type StreamSetView } from '../index.ts';

type ViewOptions = Parameters<typeof StreamSet.openReadOnly>[0];

/** What is missing, in a sentence each. */
export async function auditStreams(options: ViewOptions): Promise<readonly string[]> {
  const view = await StreamSet.openReadOnly(options);
  try {
    const problems: string[] = [];
    for await (const { id } of view.list()) {
      const description = await view.describe(id);
      problems.push(...(await missingObjects(options.store, description)), ...(await unreadable(view, description)));
    }
    return problems;
  } finally {
    await view.close();
  }
}

async function missingObjects(
  store: ObjectStore,
  { id, name, objects }: StreamDescription,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { key, startOffset, endOffset } of objects) {
    const found = await store.get(key, { range: { last: 1 }, purpose: 'read' });
    const what = `[${startOffset}, ${endOffset}) of stream ${name ?? id}`;
    if (found === 'missing') problems.push(`${what} is said to lie in ${key}, which is not there`);
  }
  return problems;
}

async function unreadable(view: StreamSetView, { id, name }: StreamDescription): Promise<readonly string[]> {
  const reader = await view.reader(id);
  let next = reader.startOffset;
  try {
    const { endOffset } = reader;
    while (next < endOffset) {
      const { nextOffset } = await reader.read(next);
      if (nextOffset <= next) return [`stream ${name ?? id} gives nothing at ${next}; it ends at ${endOffset}`];
      next = nextOffset;
    }
    return [];
  } catch (cause) {
    return [`stream ${name ?? id} cannot be read at ${next}: ${(cause as Error).message}`];
  } finally {
    await reader.close();
  }
}
