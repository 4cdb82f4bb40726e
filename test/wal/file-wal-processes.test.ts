// The file WAL in processes of the machine: killed, stopped and overtaken, and watched at its system calls.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRuntime } from '../../src/base/runtime.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { fileWal } from '../../src/wal/file-wal.ts';
import { batch, indexesOf, MemoryWalSink, upTo, walPlace } from './wal-place.ts';

const program = join(import.meta.dirname, 'file-wal-child.mjs');
const place = walPlace(new MemoryObjectStore(), { runtime: systemRuntime });
const settings = { segmentSizeMinBytes: 1, storeDeadlineMs: 10_000 };

let parent: string;
let directory: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'qanat-wal-'));
  directory = join(parent, 'wal');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(parent, { recursive: true, maxRetries: 5 });
});

interface Writer {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  /** What it has written so far. */
  output(): string;
  /** The highest number of batches that it called acknowledged. */
  acknowledged(): number;
}

function startWriter(nodeEpoch: number, ahead: number): Writer {
  const child = spawn(process.execPath, [program, directory, String(nodeEpoch), String(ahead), '100000000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const acknowledged = (): number => Number(/acknowledged (\d+)\n(?!.*acknowledged \d+\n)/s.exec(output)?.[1] ?? 0);
  return { child, exited, output: () => output, acknowledged };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function recoveredCount(nodeEpoch: number): Promise<number> {
  const factory = fileWal({ directory }); // A recovery does not ask for the lock.
  const id = (await readFile(join(directory, 'wal-id'))).subarray(36, 52).toString('hex');
  const identity = { kind: 'file', id } as const;
  const reread = (): Promise<{ released: number }> => Promise.resolve({ released: 0 });
  const sealed = await factory.seal({ ...place, nodeEpoch, identity, released: 0, reread });
  const indexes = await indexesOf(sealed);
  expect(indexes).toEqual(upTo(indexes.length));
  await sealed?.close();
  return indexes.length;
}

describe('A process that writes a file WAL', () => {
  test('is killed at any moment, and nothing it acknowledged is lost', async () => {
    for (let nodeEpoch = 1; nodeEpoch <= 4; nodeEpoch += 1) {
      const writer = startWriter(nodeEpoch, 20);
      await until(() => writer.acknowledged() > 50 * nodeEpoch);
      writer.child.kill('SIGKILL');
      await writer.exited;
      expect(await recoveredCount(nodeEpoch)).toBeGreaterThanOrEqual(writer.acknowledged());
    }
  });

  test('keeps others of its node out while it lives, and not when it was killed', async () => {
    const writer = startWriter(1, 5);
    await until(() => writer.acknowledged() > 0);
    await expect(fileWal({ directory }).identify(place)).rejects.toMatchObject({
      code: 'WAL_LOCKED',
      holder: expect.stringContaining(`process ${writer.child.pid} `) as string,
    });
    writer.child.kill('SIGKILL');
    await writer.exited;
    await fileWal({ directory }).identify(place);
  });

  test('is stopped with a write under way, overtaken, and wakes up: it acknowledges nothing and harms nothing', async () => {
    for (let nodeEpoch = 1; nodeEpoch <= 9; nodeEpoch += 2) {
      const writer = startWriter(nodeEpoch, 20);
      await until(() => writer.acknowledged() > 30 * nodeEpoch);
      writer.child.kill('SIGSTOP');
      await rm(join(directory, 'lock'));
      const count = await recoveredCount(nodeEpoch);

      const factory = fileWal({ directory });
      const sink = new MemoryWalSink();
      const sealedAt = (): Promise<undefined> => Promise.resolve(undefined);
      const next = await factory.open({ ...place, nodeEpoch: nodeEpoch + 1, settings, sink, sealedAt });
      for (let index = 0; index < 50; index += 1) next.append(batch(index, 300));
      await next.flush();
      writer.child.kill('SIGCONT');
      for (let index = 50; index < 100; index += 1) next.append(batch(index, 300));
      await next.flush();

      await writer.exited;
      expect(writer.output()).toMatch(/ended fenced unknown\n$/);
      expect(writer.acknowledged()).toBeLessThanOrEqual(count);
      expect(await recoveredCount(nodeEpoch)).toBe(count);
      expect(await readFile(join(directory, 'lock'), 'utf8')).toContain(`"pid": ${process.pid},`);
      await next.close();
      expect(sink.durableCount).toBe(100);
      expect(await recoveredCount(nodeEpoch + 1)).toBe(100);
    }
  });
});

interface SystemCall {
  readonly name: string;
  readonly text: string;
  /** Places in the order of what happened. */
  readonly begun: number;
  readonly done: number;
}

/** The calls in the order of their answers; one that was interrupted in the record is put together again. */
function systemCalls(record: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { text: string; begun: number }>();
  for (const [at, line] of record.split('\n').entries()) {
    const [, process = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    if (unfinished !== undefined) open.set(process, { text: unfinished, begun: at });
    else if (resumed !== undefined) {
      const { text = '', begun = at } = open.get(process) ?? {};
      calls.push({ name: /^\w+/.exec(text)?.[0] ?? '', text: text + resumed, begun, done: at });
    } else calls.push({ name: /^\w+/.exec(rest)?.[0] ?? '', text: rest, begun: at, done: at });
  }
  return calls;
}

test('No acknowledgement leaves before its write is on the disk and its owner was looked for', async (context) => {
  if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0)
    context.skip('strace is not installed, or may not trace here');
  const record = join(parent, 'record');
  const calls = 'trace=openat,pwrite64,pwritev,write,fstat,newfstatat,statx,fdatasync,fsync';
  const count = 12;
  const traced = spawnSync(
    'strace',
    ['-f', '-s', '40', '-o', record, '-e', calls, process.execPath, program, directory, '1', '1', String(count)],
    { encoding: 'utf8', timeout: 50_000 },
  );
  expect(traced.stdout).toContain(`acknowledged ${count}\n`);
  const all = systemCalls(await readFile(record, 'utf8'));
  const descriptorOf = (call: SystemCall): string => / = (\d+)$/.exec(call.text)?.[1] ?? '';
  const durable = all.filter(({ text }) => /^openat\(.*\.seg", .*O_DSYNC/.test(text));
  const owner = descriptorOf(all.find(({ text }) => /^openat\(.*\/owner"/.test(text)) as SystemCall);
  expect(durable.length).toBeGreaterThan(0);
  const descriptor = descriptorOf(durable[0] as SystemCall);
  const groups = all.filter(({ text }) => text.startsWith(`pwrite64(${descriptor}, "QANATWAL`));
  const acknowledgements = all.filter(({ text }) => text.startsWith('write(1, "acknowledged'));
  expect(groups).toHaveLength(count);
  expect(acknowledgements).toHaveLength(count);
  for (const [i, acknowledgement] of acknowledgements.entries()) {
    const group = groups[i] as SystemCall;
    const looked = all.find(
      ({ name, text, begun }) => /stat/.test(name) && text.includes(`(${owner}, `) && begun > group.done,
    );
    expect(group.done, `group ${i}`).toBeLessThan(acknowledgement.begun);
    expect(looked?.done, `owner ${i}`).toBeLessThan(acknowledgement.begun);
    expect(groups[i + 1]?.begun ?? Infinity, `group ${i + 1}`).toBeGreaterThan(acknowledgement.begun);
  }
});
