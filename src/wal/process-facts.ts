// Which process this is, and whether another one still lives. A process is dead if the machine has been started since,
// if it has no process of that number, or one that was started at another time. Where the system does not tell, any
// process of that number is taken for the one that was meant. Nothing that must be safe rests on it.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf } from '../store/file-failure.ts';

/** What tells a process from others. */
export interface ProcessFacts {
  readonly host: string;
  /** Drawn by the system each time the machine is started. */
  readonly bootId: string | undefined;
  readonly pid: number;
  /** When it was started, in the system's own count. */
  readonly startTime: string | undefined;
}

let known: ProcessFacts | undefined;

/** This process. */
export function thisProcess(): ProcessFacts {
  const { pid } = process;
  const bootId = textOf('/proc/sys/kernel/random/boot_id')?.trim();
  known ??= { host: hostname(), bootId, pid, startTime: startTimeOf(pid) };
  return known;
}

/** Whether a process lives, as far as can be told. */
export function isAlive({ bootId, pid, startTime }: Omit<ProcessFacts, 'host'>): boolean {
  if (pid <= 0) return false;
  const own = thisProcess();
  if (bootId !== undefined && own.bootId !== undefined && bootId !== own.bootId) return false;
  if (own.startTime !== undefined && startTime !== undefined) return startTimeOf(pid) === startTime;
  try {
    process.kill(pid, 0); // Sends nothing; asks whether it could.
    return true;
  } catch (cause) {
    return errnoOf(cause) === 'EPERM';
  }
}

/** When a process was started; undefined if it is gone, also if only its parent does not know it yet. */
function startTimeOf(pid: number): string | undefined {
  const line = textOf(`/proc/${pid}/stat`);
  // The second field is in parentheses and may hold anything; behind it stand the state, and 19 fields on the time.
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
