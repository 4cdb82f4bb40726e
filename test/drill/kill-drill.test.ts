import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const drill = fileURLToPath(new URL('kill-drill.mjs', import.meta.url));

/** Runs a short drill in a process of its own; its output. */
function run(...options: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [drill, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

// The long form is `npm run drill:kill`, with `-- --wal object` for the other one.
for (const wal of ['file', 'object'])
  test(`nothing acknowledged is lost when a process on the ${wal} WAL is killed again and again`, async () => {
    const { code, output } = await run('--wal', wal, '--rounds', '5', '--streams', '6', '--lifeMs', '150');
    expect(output).toMatch(/nothing acknowledged was lost: \{"rounds":5,/);
    expect(Number(/"acknowledged":(\d+)/.exec(output)?.[1])).toBeGreaterThan(0);
    expect(code, output).toBe(0);
  });

test('a WAL that the drill does not know ends it with a sentence', async () => {
  const { code, output } = await run('--wal', 'tape');
  expect(code).toBe(2);
  expect(output).toContain("there is no WAL 'tape'");
});

test('an option that the drill does not know ends it with a sentence', async () => {
  const { code, output } = await run('--round', '5');
  expect(code).toBe(2);
  expect(output).toContain('unknown or incomplete option --round');
});
