// kcat, the program on librdkafka that people have at hand in a shell. It writes the records of one run with the same
// headers, and cannot choose their time, nor administer anything.
import { spawn } from 'node:child_process';
import { lackOf, places } from './client-places.ts';
import { ClientRefusal, inOrder } from './test-client.ts';
import type { Codec, Feature, NewRecord, ProduceOptions, ReadRecord, TestClient, TestMember } from './test-client.ts';

const runLimitMs = 30_000;
/** Lengths first, and then what is so long: as JSON it shows only text. */
const lineFormat = '%p %o %T %K %S\\n%k%s\\n';
export const lineWithHeaders = '%p %o %T %K %S %h\\n%k%s\\n';
const noDelimiter = 'no such delimiter in it';

class KcatClient implements TestClient {
  readonly name: string = 'kcat';
  readonly codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
  readonly features: ReadonlySet<Feature> = new Set<Feature>(['idempotence', 'offsetsByTime']);
  /** What the environment lacks for it. */
  readonly lack: string | undefined = lackOf(places.kcat, 'kcat');
  #bootstrap = '';

  async open(bootstrap: string): Promise<void> {
    this.#bootstrap = bootstrap;
  }

  async close(): Promise<void> {}

  /** One run for each record: only the headers and the key of a run can be told from its lines. */
  async produce(topic: string, records: readonly NewRecord[], options: ProduceOptions = {}): Promise<void> {
    const { codec = 'none', acks = -1, isIdempotent = false, requestBytesMax = 1_000_000 } = options;
    const settings = {
      acks: `${acks}`,
      'enable.idempotence': `${isIdempotent}`,
      'message.max.bytes': `${requestBytesMax}`,
    };
    const words = [
      '-P',
      '-t',
      topic,
      '-z',
      codec,
      ...Object.entries(settings).flatMap(([name, value]) => ['-X', `${name}=${value}`]),
    ];
    for (const { key, value, headers, partition } of records) {
      const more = [
        ...(partition === undefined ? [] : ['-p', `${partition}`]),
        ...headers.flatMap(([name, bytes]) => ['-H', `${name}=${Buffer.from(bytes).toString()}`]),
      ];
      const keyText = key === null ? '' : Buffer.from(key).toString();
      // Only what comes after a key can be no value at all.
      if (value === null) await this.#run([...words, ...more, '-Z', '-K', '\t'], Buffer.from(`${keyText}\t\n`));
      // With a delimiter that does not occur, the whole input is one record.
      else await this.#run([...words, ...more, ...(key === null ? [] : ['-k', keyText]), '-D', noDelimiter], value);
    }
  }

  /** Headers come only with `lineWithHeaders`, which is for those that are text. */
  async consume(topic: string, count: number, format: string = lineFormat): Promise<readonly ReadRecord[]> {
    const words = ['-C', '-t', topic, '-o', 'beginning', '-c', `${count}`, '-q', '-X', 'fetch.wait.max.ms=200'];
    const output = await this.#run([...words, '-f', format], new Uint8Array());
    return inOrder(parsed(output));
  }

  /** Reads as the only member of a group, which commits as it ends. */
  async consumeInGroup(group: string, topic: string, count: number): Promise<readonly ReadRecord[]> {
    const words = ['-G', group, '-c', `${count}`, '-q', '-X', 'auto.offset.reset=earliest', '-f', lineFormat];
    return inOrder(parsed(await this.#run([...words, topic], new Uint8Array())));
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const output = await this.#run(['-Q', '-t', `${topic}:${partition}:${timestamp}`], new Uint8Array());
    return Number(/offset (-?\d+)/.exec(output.toString())?.[1]);
  }

  /** A run that is another member of a group than every other. */
  join(): Promise<TestMember> {
    return unable();
  }

  createTopic(): Promise<void> {
    return unable();
  }

  deleteTopic(): Promise<void> {
    return unable();
  }

  async topics(): Promise<readonly string[]> {
    const output = await this.#run(['-L', '-J'], new Uint8Array());
    const { topics } = JSON.parse(output.toString()) as { topics: { topic: string }[] };
    return topics.map(({ topic }) => topic);
  }

  partitionCount(): Promise<number> {
    return unable();
  }

  addPartitions(): Promise<void> {
    return unable();
  }

  config(): Promise<string> {
    return unable();
  }

  setConfig(): Promise<void> {
    return unable();
  }

  deleteRecords(): Promise<void> {
    return unable();
  }

  groups(): Promise<readonly string[]> {
    return unable();
  }

  groupState(): Promise<{ state: string; memberCount: number }> {
    return unable();
  }

  groupOffset(): Promise<number> {
    return unable();
  }

  deleteGroup(): Promise<void> {
    return unable();
  }

  async #run(words: readonly string[], input: Uint8Array): Promise<Buffer> {
    const child = spawn(places.kcat ?? 'kcat', ['-b', this.#bootstrap, ...words], { timeout: runLimitMs });
    const chunks: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.on('error', () => {}); // It may end before it has read everything.
    child.stdin.end(input);
    const code = await new Promise((isDone, fail) => child.on('error', fail).on('close', isDone));
    if (code === 0 && !said.includes('Delivery failed')) return Buffer.concat(chunks);
    throw /message size too large/i.test(said)
      ? new ClientRefusal(10, said)
      : new Error(`kcat ended with ${String(code)}: ${said}`);
  }
}

export function kcatClient(): KcatClient {
  return new KcatClient();
}

function unable<T>(): Promise<T> {
  return Promise.reject(new Error('kcat cannot do that'));
}

/** Records in the format above: a line with numbers and headers, then key and value, then the end of a line. */
function parsed(bytes: Buffer): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at);
    const [partition, offset, timestamp, keyBytes, valueBytes, ...rest] = bytes.toString('utf8', at, end).split(' ');
    const place = { partition: Number(partition), offset: Number(offset), timestamp: Number(timestamp) };
    const headers = rest
      .join(' ')
      .split(',')
      .flatMap((header) => {
        const [name, text] = header.split('=');
        return name === undefined || text === undefined ? [] : [[name, Buffer.from(text)] as const];
      });
    const keyEnd = end + 1 + Math.max(0, Number(keyBytes));
    const valueEnd = keyEnd + Math.max(0, Number(valueBytes));
    const key = Number(keyBytes) < 0 ? null : bytes.subarray(end + 1, keyEnd);
    const value = Number(valueBytes) < 0 ? null : bytes.subarray(keyEnd, valueEnd);
    records.push({ key, value, headers, ...place });
    at = valueEnd + 1;
  }
  return records;
}
