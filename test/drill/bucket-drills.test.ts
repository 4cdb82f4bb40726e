// The kill drill and the failover drill in a bucket, in their short forms. The long forms are
// `npm run drill:kill -- --store URL` and `npm run drill:failover -- --store URL`.
import { expect, test } from 'vitest';
import { describeOnServer, mainServer } from '../s3/test-bucket.ts';
import { runDrill } from './run-drill.ts';

describeOnServer('drills in a bucket', mainServer, (bucket) => {
  test('nothing acknowledged is lost when a process is killed again and again', async () => {
    const size = ['--rounds', '3', '--streams', '6', '--lifeMs', '300'];
    const { code, output } = await runDrill('kill-drill.mjs', '--store', bucket().url('kill'), ...size);
    expect(output).toMatch(/nothing acknowledged was lost: \{"rounds":3,/);
    expect(Number(/"acknowledged":(\d+)/.exec(output)?.[1])).toBeGreaterThan(0);
    expect(code, output).toBe(0);
  }, 180_000);

  test('nodes that are killed, stopped and recovered make one history', async () => {
    const size = ['--faults', '4', '--nodes', '3', '--streams', '12', '--rate', '30', '--readers', '1'];
    const more = ['--followers', '5', '--judgeEvery', '0', '--seed', '5'];
    const { code, output } = await runDrill('failover-drill.mjs', '--store', bucket().url('fail'), ...size, ...more);
    expect(output).toMatch(/one history, nothing lost: \{"faults":4,/);
    for (const what of ['acknowledged', 'seen'])
      // Which faults there are is chance: not all of them end in a recovery.
      expect(Number(new RegExp(`"${what}":(\\d+)`).exec(output)?.[1]), what).toBeGreaterThan(0);
    expect(code, output).toBe(0);
  }, 300_000);
});

test('a drill in a bucket has its log there, and says so to whom wants another', async () => {
  const { code, output } = await runDrill('kill-drill.mjs', '--store', 's3://some-bucket', '--wal', 'file');
  expect(output).toContain('in a bucket the drill has the object WAL');
  expect(code).toBe(2);
});
