// The log suite is itself under test: each planted fault must be found, as the promise that it breaks, by the scripts
// of one seed. A fault that is not found is a hole in the suite.
import { afterAll, expect, test } from 'vitest';
import { checkLog } from '../../src/testkit/log-check.ts';
import { plantedFaults } from './planted-faults.ts';

const runsMax = 60;
const table: string[] = [];

test.each(plantedFaults)(`$name is found within ${runsMax} scripts`, async ({ name, breaks, open }) => {
  const { runs, failure } = await checkLog({ open, runs: runsMax, seed: 1, simulate: true, shrinkRunsMax: 0 });
  table.push(`${name}: ${failure?.violation.property ?? 'not found'}, in script ${runs}`);
  expect(breaks).toContain(failure?.violation.property);
});

afterAll(() => console.log(table.join('\n')));
