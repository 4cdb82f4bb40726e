// Real servers pass the probe, also one that answers 503 to all but one request at a time, and nothing is left behind.
import { describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/cli/doctor.ts';
import { StreamSet } from '../../src/index.ts';
import { describeOnServer, slowServer, testServers } from './test-bucket.ts';

for (const server of [...testServers, slowServer]) {
  describeOnServer('the probe', server, (bucket) => {
    describe('passes', () => {
      test('as the doctor sees it', { timeout: 60_000 }, async () => {
        const lines: string[] = [];
        const { signal } = new AbortController();
        const options = { title: server.name, print: (line: string) => lines.push(line), signal };
        const status = await runDoctor(bucket().open('doctor'), options);
        expect({ status, last: lines.at(-1)?.trim() }, lines.join('\n')).toEqual({
          status: 0,
          last: 'passed: all 15 checks passed',
        });
        expect((await bucket().open('doctor').list({ prefix: '', purpose: 'probe' })).keys).toEqual([]);
      });

      test('when a cluster is opened, once', { timeout: 60_000 }, async () => {
        const requests = async (): Promise<number> => {
          const set = await StreamSet.open({ node: 'a', store: bucket().open('cluster') });
          const told = set.stats().requests.filter(({ purpose }) => purpose === 'probe');
          await set.close();
          return told.reduce((sum, { requests: count }) => sum + count, 0);
        };
        expect(await requests()).toBeGreaterThan(60);
        expect(await requests()).toBe(0);
      });
    });
  });
}
