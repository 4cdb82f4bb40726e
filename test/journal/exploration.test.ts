// Small scopes of the real journal, explored whole.
import { expect, test } from 'vitest';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import { explore, type Scope } from './explore.ts';

/**
 * What every run explores, in a few seconds. Raise `switches` and drop the bound to explore more; explored whole so far:
 * two writers and a collector with no answer lost, every order (21,890 schedules, 788,830 requests), and with any one
 * answer lost, up to two switches (37,261 schedules, 1,185,505 requests).
 */
const scopes: Readonly<Record<string, Partial<Scope>>> = {
  'a writer and a collector, any one answer lost, every order': { writers: ['A'], switches: Infinity },
  'two writers and a collector, up to two switches': { losses: 0, switches: 2 },
  'two writers and a collector, any one answer lost, the first schedules': { switches: 2, scheduleCountMax: 1_200 },
};

for (const [title, scope] of Object.entries(scopes))
  test(`one history and true answers: ${title}`, async () => {
    const explored = await explore(ObjectJournal, scope);
    process.stdout.write(
      `${title}: ${explored.schedules} schedules, ${explored.steps} steps, ${explored.states} states\n`,
    );
    expect(explored.violation).toBeUndefined();
    expect(explored.exhausted).toBe(scope.scheduleCountMax === undefined);
  }, 300_000);
