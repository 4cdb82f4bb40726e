// The source with single lines changed, ready to be imported or to be run in a process of its own. What a tree is and
// where it lies is said in source-tree.mjs.
//
//   const mutant = mutateSource([{ file: 'wal/object-wal.ts', from: 'a line', to: 'another' }]);
//   const { StreamSet } = await mutant.load<typeof Door>('src/index.ts'); // import type * as Door from …
//   mutant.remove();
//
// A mutant may leave promises behind that nobody waits for, and may never end: what runs for long, or rejects in the
// background, is run by `run`, in a process that is killed in the end.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeSourceTree, type SourceEdit } from './source-tree.mjs';

export type { SourceEdit };

/** How a process of `run` has ended. */
export interface MutantRun {
  /** Null: it was killed because its time was over. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A compiled copy of the source. */
export interface MutatedSource {
  /** Where it lies: `<folder>/src/index.js`. */
  readonly folder: string;
  /** Imports a module by its path in the repository: 'src/index.ts'. */
  load<Module>(path: string): Promise<Module>;
  /** Runs a module of one of its folders in a process of its own: 'test/journal/mutant-run.ts'. */
  run(path: string, args: readonly string[], limitMs: number): Promise<MutantRun>;
  /** Deletes it. Modules that were imported stay. */
  remove(): void;
}

/**
 * Copies `src` with edits, and other folders of the repository beside it as they are ('test/journal'), so that what
 * they import of `src` is the edited one. Throws where a text to be changed does not stand in its file exactly once.
 */
export function mutateSource(edits: readonly SourceEdit[], folders: readonly string[] = []): MutatedSource {
  const folder = makeSourceTree(edits, folders);
  const place = (path: string): string => join(folder, path.replace(/\.ts$/, '.js'));
  return {
    folder,
    load: async <Module>(path: string) => (await import(pathToFileURL(place(path)).href)) as Module,
    run: (path, args, limitMs) => runToEnd([place(path), ...args], limitMs),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function runToEnd(args: readonly string[], limitMs: number): Promise<MutantRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(limit);
      resolve({ status, stdout, stderr });
    });
  });
}
