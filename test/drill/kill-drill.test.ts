import { expect, test } from 'vitest';
import { runDrill } from './run-drill.ts';

const run = (...options: readonly string[]): ReturnType<typeof runDrill> => runDrill('kill-drill.mjs', ...options);

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

test('a number that is none ends the drill with a sentence', async () => {
  const { code, output } = await run('--rounds', 'many');
  expect(code).toBe(2);
  expect(output).toContain("--rounds is a whole number; got 'many'");
});
