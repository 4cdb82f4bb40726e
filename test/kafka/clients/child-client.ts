// A client that runs in a process of its own, in whatever language: a driver that reads requests as lines of JSON and
// answers each with one. Bytes travel as base64.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ClientRefusal } from './test-client.ts';
import type { Codec, Feature, MemberOptions, NewRecord, ProduceOptions, ReadRecord } from './test-client.ts';
import type { TestClient, TestMember } from './test-client.ts';

/** How a driver is started, and what its client can do. */
export interface Driver {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly codecs: readonly Codec[];
  readonly features: readonly Feature[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number | null; readonly message: string };
}

interface Waiting {
  readonly isDone: (result: unknown) => void;
  readonly fail: (cause: Error) => void;
}

const callLimitMs = 50_000;

interface WireRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly timestamp: number;
  readonly partition: number;
  readonly offset: number;
}

export class ChildClient implements TestClient {
  readonly name: string;
  readonly codecs: readonly Codec[];
  readonly features: ReadonlySet<Feature>;
  readonly #driver: Driver;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #said = '';
  #calls = 0;

  constructor(driver: Driver) {
    this.name = driver.name;
    this.codecs = driver.codecs;
    this.features = new Set(driver.features);
    this.#driver = driver;
  }

  async open(bootstrap: string): Promise<void> {
    const { command, args, cwd } = this.#driver;
    const child = spawn(command, [...args, bootstrap], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    child.on('error', (cause) => this.#end(cause.message));
    child.on('exit', (code, signal) => this.#end(`the driver ended with ${code ?? signal}: ${this.#said}`));
    child.stderr.on('data', (chunk: Buffer) => (this.#said = `${this.#said}${chunk.toString()}`.slice(-4_000)));
    child.stdin.on('error', () => {}); // It has ended, which is told by then.
    createInterface({ input: child.stdout }).on('line', (line) => this.#answer(line));
    await this.call('open', {});
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await this.call('close', {}).catch(() => {}); // It is killed anyway.
    const hasEnded = new Promise((isDone) => child.once('exit', isDone));
    child.kill('SIGKILL');
    await hasEnded;
  }

  /** One call of the driver. */
  call(op: string, args: object): Promise<unknown> {
    const id = ++this.#calls;
    return new Promise((isDone, fail) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        fail(new Error(`${this.name} did not do ${op} in ${callLimitMs} ms: ${this.#said}`));
      }, callLimitMs);
      const settled = {
        isDone: (result: unknown) => (clearTimeout(timer), isDone(result)),
        fail: (cause: Error) => (clearTimeout(timer), fail(cause)),
      };
      this.#waiting.set(id, settled);
      this.#child?.stdin?.write(`${JSON.stringify({ id, op, args })}\n`);
    });
  }

  async produce(topic: string, records: readonly NewRecord[], options: ProduceOptions = {}): Promise<void> {
    const { codec = 'none', acks = -1, isIdempotent = false, requestBytesMax = 1_000_000 } = options;
    const wire = records.map((record) => ({
      ...record,
      key: packed(record.key),
      value: packed(record.value),
      headers: record.headers.map(([name, value]) => [name, packed(value)]),
    }));
    await this.call('produce', { topic, records: wire, codec, acks, isIdempotent, requestBytesMax });
  }

  async consume(topic: string, count: number): Promise<readonly ReadRecord[]> {
    return unpackedRecords(await this.call('consume', { topic, count, limitMs: 20_000 }));
  }

  async join(
    group: string,
    topic: string,
    { sessionTimeoutMs = 10_000, instanceId }: MemberOptions = {},
  ): Promise<TestMember> {
    const member = await this.call('join', { group, topic, sessionTimeoutMs, instanceId });
    return {
      assignment: async () => (await this.call('assignment', { member })) as number[] | undefined,
      take: async (count, limitMs) => unpackedRecords(await this.call('take', { member, count, limitMs })),
      commit: async () => void (await this.call('commit', { member })),
      close: async () => void (await this.call('leave', { member })),
    };
  }

  async createTopic(topic: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.call('createTopic', { topic, partitions, configs });
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.call('deleteTopic', { topic });
  }

  async topics(): Promise<readonly string[]> {
    return (await this.call('topics', {})) as string[];
  }

  async partitionCount(topic: string): Promise<number> {
    return (await this.call('partitionCount', { topic })) as number;
  }

  async addPartitions(topic: string, partitions: number): Promise<void> {
    await this.call('addPartitions', { topic, partitions });
  }

  async config(topic: string, name: string): Promise<string | null | undefined> {
    return (await this.call('config', { topic, name })) as string | null;
  }

  async setConfig(topic: string, name: string, value: string): Promise<void> {
    await this.call('setConfig', { topic, name, value });
  }

  async deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<void> {
    await this.call('deleteRecords', { topic, partition, beforeOffset });
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    return (await this.call('offsetAt', { topic, partition, timestamp })) as number;
  }

  async groups(): Promise<readonly string[]> {
    return (await this.call('groups', {})) as string[];
  }

  async groupState(group: string): Promise<{ state: string; memberCount: number }> {
    return (await this.call('groupState', { group })) as { state: string; memberCount: number };
  }

  async groupOffset(group: string, topic: string, partition: number): Promise<number> {
    return (await this.call('groupOffset', { group, topic, partition })) as number;
  }

  async deleteGroup(group: string): Promise<void> {
    await this.call('deleteGroup', { group });
  }

  #answer(line: string): void {
    if (!line.startsWith('{')) {
      this.#said = `${this.#said}${line}\n`.slice(-4_000);
      return;
    }
    const { id, result, error } = JSON.parse(line) as Answer;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.isDone(result ?? undefined);
    else if (typeof error.code === 'number') waiting?.fail(new ClientRefusal(error.code, error.message));
    else waiting?.fail(new Error(error.message));
  }

  #end(why: string): void {
    for (const { fail } of this.#waiting.values()) fail(new Error(`${this.name}: ${why}`));
    this.#waiting.clear();
  }
}

function packed(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}

function unpacked(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text, 'base64');
}

function unpackedRecords(result: unknown): ReadRecord[] {
  return (result as WireRecord[]).map((record) => ({
    ...record,
    key: unpacked(record.key),
    value: unpacked(record.value),
    headers: record.headers.map(([name, value]) => [name, Buffer.from(value, 'base64')] as const),
  }));
}
