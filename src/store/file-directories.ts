// Makes directories and puts names in them on the disk for good.
//
// Invariant: before a value is linked into a directory, every directory above it has been made durable by this very
// object; that another process made it is not enough, because that process may not have come to its fsync yet.
// Directories of keys are never removed, so what was durable once stays so.
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SingleFlight } from '../base/single-flight.ts';
import { errnoOf } from './file-failure.ts';

/** Names of directories remembered as durable; beyond it all are forgotten and made durable again when used. */
const durableCountMax = 10_000;

interface Flight {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}

/** The directories below `root`, the root included. */
export class FileDirectories {
  readonly #root: string;
  readonly #durable = new Set<string>();
  readonly #making = new SingleFlight<string, void>();
  readonly #flights = new Map<string, Flight>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes a directory and those above it, durably. */
  async ensure(path: string): Promise<void> {
    if (!this.#durable.has(path)) await this.#making.run(path, () => this.#make(path));
  }

  /** Makes a directory in one that is durable already. Whether it was there before makes no difference. */
  async ensureChild(path: string): Promise<void> {
    await mkdirUnlessThere(path);
    await this.sync(dirname(path));
  }

  /** Forgets which directories are durable: somebody outside has removed some. */
  forget(): void {
    this.#durable.clear();
  }

  /** An fsync that begins after this call. Callers that come while one runs share the next one. */
  sync(path: string): Promise<void> {
    const flight = this.#flights.get(path);
    if (flight === undefined) return this.#start(path);
    flight.next ??= flight.running.then(
      () => this.#start(path),
      () => this.#start(path),
    );
    return flight.next;
  }

  #start(path: string): Promise<void> {
    const flight: Flight = { running: syncDirectory(path), next: undefined };
    this.#flights.set(path, flight);
    const landed = (): void => {
      if (flight.next === undefined && this.#flights.get(path) === flight) this.#flights.delete(path);
    };
    flight.running.then(landed, landed);
    return flight.running;
  }

  async #make(path: string): Promise<void> {
    if (path === this.#root) await makeRoot(path);
    else {
      await this.ensure(dirname(path));
      await this.ensureChild(path);
    }
    if (this.#durable.size >= durableCountMax) this.forget();
    this.#durable.add(path);
  }
}

/** Makes the root, and every missing directory above it. */
async function makeRoot(root: string): Promise<void> {
  const made = await mkdir(root, { recursive: true });
  let above = dirname(root);
  if (made === undefined) {
    // It was there. Whoever made it may not have come to its fsync; where we may not look, it is not ours to sync.
    await syncDirectory(above).catch((cause: unknown) => {
      const errno = errnoOf(cause);
      if (errno !== 'EACCES' && errno !== 'EPERM' && errno !== 'EROFS' && errno !== 'EINVAL') throw cause;
    });
    return;
  }
  const top = dirname(made);
  while (above !== top && above !== dirname(above)) {
    await syncDirectory(above);
    above = dirname(above);
  }
  await syncDirectory(top);
}

async function mkdirUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw cause;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
