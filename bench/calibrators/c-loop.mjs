// The calibrator in C: built on the spot where there is a compiler.
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const source = fileURLToPath(new URL('group-commit.c', import.meta.url));
const start = promisify(execFile);

/** Builds the program below `place`: { run } or, where that cannot be, { unavailable: why }. */
export function buildGroupCommit(place) {
  const program = join(place, 'group-commit');
  const { status, error, stderr } = spawnSync('cc', ['-O2', '-o', program, source], { encoding: 'utf8' });
  if (error !== undefined) return { unavailable: `there is no C compiler here (${error.code})` };
  if (status !== 0) return { unavailable: `cc could not build it: ${stderr.trim().split('\n')[0]}` };
  return {
    run: async (file, fileBytes, recordBytes, appenders, seconds) => {
      const words = [file, fileBytes, recordBytes, appenders, seconds].map(String);
      const { stdout } = await start(program, words);
      return JSON.parse(stdout);
    },
  };
}
