// A disk in memory, as the file WAL sees it: files and directories with what is on the disk, and what is only in the
// system's memory. A cut of the power keeps what was synced; of the rest it keeps what `keep` says, sector by sector,
// and of unsynced names the first few changes of each directory. Whatever was open is dead from then on.
//
// Operations take time of the runtime, so that they overlap. A durable write is first seen by readers, then it is on
// the disk, then it is answered. Writes can be held at each of these points, and any operation can be made to fail.
import type { Runtime, WalFile, WalFiles } from '../index.ts';

export const sectorBytes = 512;

/** Whether an unsynced sector of a file is kept by a cut of the power. */
export type KeepSector = (path: string, sector: number) => boolean;

interface FileNode {
  readonly kind: 'file';
  content: Uint8Array;
  durable: Uint8Array;
  readonly dirty: Set<number>;
  links: number;
}

interface DirectoryNode {
  readonly kind: 'directory';
  entries: Map<string, TreeNode>;
  durable: Map<string, TreeNode>;
  /** Changes since the last sync, in order. */
  changes: ((entries: Map<string, TreeNode>) => void)[];
}

type TreeNode = FileNode | DirectoryNode;

/** A durable write that a test holds back. */
export interface HeldWrite {
  readonly path: string;
  readonly position: number;
  readonly bytes: Uint8Array;
  /** The bytes are in the system's memory now. */
  show(): void;
  /** ... and on the disk. */
  sync(): void;
  /** The answer. */
  answer(failure?: Error): void;
}

export class SimDisk implements WalFiles {
  readonly #runtime: Runtime;
  #root: DirectoryNode = newDirectory();
  /** Handles of an earlier life do nothing and answer nothing. */
  #life = 0;
  /** Asked before each operation: an error makes it fail. */
  fault: ((operation: string, path: string) => Error | undefined) | undefined;
  /** Takes durable writes out of the disk's hands. */
  hold: ((write: HeldWrite) => void) | undefined;
  /** How long operations take at most. */
  latencyMaxMs = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#root.entries.set('disk', newDirectory());
    this.#root.durable = new Map(this.#root.entries);
  }

  async open(path: string, how: 'create' | 'read' | 'write-durably'): Promise<WalFile> {
    const life = await this.#begin('open', path);
    const { directory, name } = this.#parent(path);
    let node = directory.entries.get(name);
    if (how === 'create') {
      if (node !== undefined) throw failure('EEXIST', 'open', path);
      node = { kind: 'file', content: new Uint8Array(0), durable: new Uint8Array(0), dirty: new Set(), links: 1 };
      const made = node;
      change(directory, (entries) => entries.set(name, made));
    }
    if (node === undefined) throw failure('ENOENT', 'open', path);
    if (node.kind === 'directory') throw failure('EISDIR', 'open', path);
    return this.#fileOf(node, path, life, how === 'write-durably');
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#begin('list', path);
    return [...this.#directory(path).entries.keys()];
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#begin('makeDirectory', path);
    const { directory, name } = this.#parent(path);
    if (directory.entries.has(name)) throw failure('EEXIST', 'mkdir', path);
    const made = newDirectory();
    change(directory, (entries) => entries.set(name, made));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#begin('syncDirectory', path);
    const directory = this.#directory(path);
    directory.durable = new Map(directory.entries);
    directory.changes = [];
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin('rename', to);
    const { directory, name } = this.#parent(from);
    const target = this.#parent(to);
    if (target.directory !== directory) throw new Error('this disk renames only within a directory');
    const node = directory.entries.get(name);
    if (node === undefined) throw failure('ENOENT', 'rename', from);
    const present = directory.entries.get(target.name);
    if (present?.kind === 'directory' && present.entries.size > 0) throw failure('ENOTEMPTY', 'rename', to);
    if (present?.kind === 'file') present.links -= 1;
    change(directory, (entries) => {
      entries.delete(name);
      entries.set(target.name, node);
    });
  }

  async link(from: string, to: string): Promise<void> {
    await this.#begin('link', to);
    const { directory, name } = this.#parent(from);
    const target = this.#parent(to);
    const node = directory.entries.get(name);
    if (node?.kind !== 'file') throw failure('ENOENT', 'link', from);
    if (target.directory.entries.has(target.name)) throw failure('EEXIST', 'link', to);
    node.links += 1;
    change(target.directory, (entries) => entries.set(target.name, node));
  }

  async remove(path: string): Promise<void> {
    await this.#begin('remove', path);
    const { directory, name } = this.#parent(path);
    const node = directory.entries.get(name);
    if (node === undefined) throw failure('ENOENT', 'unlink', path);
    if (node.kind === 'directory') throw failure('EISDIR', 'unlink', path);
    node.links -= 1;
    change(directory, (entries) => entries.delete(name));
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#begin('removeDirectory', path);
    const { directory, name } = this.#parent(path);
    if (this.#directory(path).entries.size > 0) throw failure('ENOTEMPTY', 'rmdir', path);
    change(directory, (entries) => entries.delete(name));
  }

  /** The power is cut, and comes back. */
  cutPower(keep: KeepSector, keepNames: (path: string, changes: number) => number = (_, changes) => changes): void {
    this.#life += 1;
    this.hold = undefined;
    this.fault = undefined;
    const names = new Map<FileNode, number>();
    const settle = (directory: DirectoryNode, path: string): void => {
      const entries = new Map(directory.durable);
      const { changes } = directory;
      for (const one of changes.slice(0, keepNames(path, changes.length))) one(entries);
      directory.entries = entries;
      directory.durable = new Map(entries);
      directory.changes = [];
      for (const [name, node] of entries) {
        const below = `${path}/${name}`;
        if (node.kind === 'directory') settle(node, below);
        else {
          if (!names.has(node)) settleFile(node, below, keep);
          names.set(node, (names.get(node) ?? 0) + 1);
        }
      }
    };
    settle(this.#root, '');
    for (const [node, links] of names) node.links = links;
  }

  /** The process dies: what it had given to the system stays, what it holds open is dead. */
  killProcess(): void {
    this.#life += 1;
    this.hold = undefined;
  }

  /** Bytes of a file as readers see them. They may be changed. */
  contentOf(path: string): Uint8Array {
    return this.#file(path).content;
  }

  /** Puts other bytes in the place of a file's, on the disk. */
  replace(path: string, bytes: Uint8Array): void {
    const node = this.#file(path);
    node.content = bytes.slice();
    node.durable = bytes.slice();
    node.dirty.clear();
  }

  /** Every path below a directory, files only. */
  paths(path = '/disk'): string[] {
    const found: string[] = [];
    for (const [name, node] of this.#directory(path).entries) {
      const below = `${path}/${name}`;
      if (node.kind === 'file') found.push(below);
      else found.push(...this.paths(below));
    }
    return found.toSorted();
  }

  /** Takes a file or directory away, with everything in it. */
  destroy(path: string): void {
    const { directory, name } = this.#parent(path);
    const lose = (node: TreeNode | undefined): void => {
      if (node?.kind === 'file') node.links -= 1;
      else for (const below of node?.entries.values() ?? []) lose(below);
    };
    lose(directory.entries.get(name));
    directory.entries.delete(name);
    directory.durable.delete(name);
  }

  #fileOf(node: FileNode, path: string, life: number, isDurable: boolean): WalFile {
    return {
      write: (pieces, position, done) => {
        if (life !== this.#life) return;
        const bytes = new Uint8Array(Buffer.concat(pieces));
        const held: HeldWrite = {
          path,
          position,
          bytes,
          show: () => life === this.#life && put(node, bytes, position),
          sync: () => life === this.#life && isDurable && syncSectors(node, sectorsOf(bytes, position)),
          answer: (answered) => life === this.#life && done(answered),
        };
        if (isDurable && this.hold !== undefined) this.hold(held);
        else void this.#write(held);
      },
      read: async (bytes, position) => {
        await this.#begin('read', path);
        const found = node.content.subarray(position, position + bytes.byteLength);
        bytes.set(found);
        return found.byteLength;
      },
      size: () => Promise.resolve(node.content.byteLength),
      linkCount: () => node.links,
      sync: async () => {
        await this.#begin('sync', path);
        syncSectors(node, [...node.dirty]);
      },
      close: () => Promise.resolve(),
    };
  }

  async #write(held: HeldWrite): Promise<void> {
    try {
      await this.#begin('write', held.path);
    } catch (cause) {
      held.answer(cause as Error);
      return;
    }
    held.show();
    await this.#pause();
    held.sync();
    await this.#pause();
    held.answer();
  }

  /** What was asked for in an earlier life is never answered. */
  async #begin(operation: string, path: string): Promise<number> {
    const life = this.#life;
    await this.#pause();
    if (life !== this.#life) await new Promise<never>(() => {});
    const fault = this.fault?.(operation, path);
    if (fault !== undefined) throw fault;
    return life;
  }

  #pause(): Promise<void> {
    const { random, timers } = this.#runtime;
    if (this.latencyMaxMs === 0) return timers.turn();
    return new Promise((resolve) => {
      timers.after(random.fraction() * this.latencyMaxMs, resolve);
    });
  }

  #parent(path: string): { directory: DirectoryNode; name: string } {
    const at = path.lastIndexOf('/');
    return { directory: this.#directory(path.slice(0, at)), name: path.slice(at + 1) };
  }

  #directory(path: string): DirectoryNode {
    let node: TreeNode | undefined = this.#root;
    for (const name of path.split('/').slice(1)) {
      if (node?.kind === 'file') throw failure('ENOTDIR', 'open', path);
      node = node?.entries.get(name);
    }
    if (node === undefined) throw failure('ENOENT', 'open', path);
    if (node.kind === 'file') throw failure('ENOTDIR', 'open', path);
    return node;
  }

  #file(path: string): FileNode {
    const { directory, name } = this.#parent(path);
    const node = directory.entries.get(name);
    if (node?.kind !== 'file') throw failure('ENOENT', 'open', path);
    return node;
  }
}

/** An error as the system gives it. */
export function failure(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', entries: new Map(), durable: new Map(), changes: [] };
}

function change(directory: DirectoryNode, one: (entries: Map<string, TreeNode>) => void): void {
  one(directory.entries);
  directory.changes.push(one);
}

function sectorsOf(bytes: Uint8Array, position: number): number[] {
  const first = Math.floor(position / sectorBytes);
  const end = Math.ceil((position + bytes.byteLength) / sectorBytes);
  return Array.from({ length: end - first }, (_, i) => first + i);
}

function grown(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  if (bytes.byteLength >= sizeBytes) return bytes;
  const larger = new Uint8Array(sizeBytes);
  larger.set(bytes);
  return larger;
}

function put(node: FileNode, bytes: Uint8Array, position: number): void {
  node.content = grown(node.content, position + bytes.byteLength);
  node.content.set(bytes, position);
  for (const sector of sectorsOf(bytes, position)) node.dirty.add(sector);
}

function syncSectors(node: FileNode, sectors: readonly number[]): void {
  node.durable = grown(node.durable, node.content.byteLength);
  for (const sector of sectors) {
    const [start, end] = [sector * sectorBytes, (sector + 1) * sectorBytes];
    node.durable.set(node.content.subarray(start, end), start);
    node.dirty.delete(sector);
  }
}

function settleFile(node: FileNode, path: string, keep: KeepSector): void {
  const kept = [...node.dirty].filter((sector) => keep(path, sector));
  if (kept.length > 0) syncSectors(node, kept);
  node.content = node.durable.slice();
  node.dirty.clear();
}
