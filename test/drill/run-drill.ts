// Runs a drill in a process of its own, as `npm run drill:…` does.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs `script` of this folder with options; what it printed, and its exit code. */
export function runDrill(
  script: string,
  ...options: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}
