// A broker for the tests of real clients: this project's as a process of its own, which can be killed at any moment and
// started again on the same data and port; or the one that KAFKA_BOOTSTRAP names, so that the tests can be judged by
// Apache Kafka.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../dist/cli/qanat.js', import.meta.url));
const startLimitMs = 20_000;

/** A broker that tests connect to. */
export interface TestBroker {
  readonly bootstrap: string;
  close(): Promise<void>;
}

/** The broker that the environment names, if it does. */
export const namedBootstrap: string | undefined = process.env['KAFKA_BOOTSTRAP'] || undefined;

/** The broker that the environment names, or one of this project's. */
export async function openBroker(): Promise<TestBroker> {
  if (namedBootstrap !== undefined) return { bootstrap: namedBootstrap, close: async () => {} };
  return BrokerProcess.start();
}

export class BrokerProcess implements TestBroker {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #port = 0;
  #said = '';

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<BrokerProcess> {
    const broker = new BrokerProcess(mkdtempSync(join(tmpdir(), 'qanat-broker-')));
    await broker.start();
    return broker;
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it has said on both outputs. */
  get said(): string {
    return this.#said;
  }

  /** Starts it on the same data, and on the same port if it had one. */
  async start(): Promise<void> {
    const config = join(this.#folder, 'broker.properties');
    writeFileSync(config, 'group.initial.rebalance.delay.ms=0\n');
    const data = ['--data', join(this.#folder, 'data')];
    const words = ['broker', ...data, '--listen', `127.0.0.1:${this.#port}`, '--config', config];
    const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the broker ended: ${this.#said}`);
    });
    ended.catch(() => {}); // Whether it ended matters only while it starts.
    const listens = new Promise<number>((isDone) => {
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (line) => {
          this.#said = `${this.#said}${line}\n`.slice(-10_000);
          const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? [];
          if (port !== undefined) isDone(Number(port));
        });
    });
    const late = AbortSignal.timeout(startLimitMs);
    const isLate = once(late, 'abort').then(() => {
      throw new Error(`the broker did not listen in ${startLimitMs} ms: ${this.#said}`);
    });
    isLate.catch(() => {}); // Nobody waits for it once the broker listens.
    this.#port = await Promise.race([listens, ended, isLate]);
  }

  /** Kills it as a loss of power would: nothing of it is done any more. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops it as its user would; its exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async close(): Promise<void> {
    await this.#end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const [code] = await exit;
    return code;
  }
}
