// Runs the scripts and the suite against mutants, in a process of its own, because a broken journal may leave promises
// behind that nobody waits for. Prints one line of JSON for each mutant: the titles of scripts that failed, of tests of
// the suite if no script did, and what a short exploration found.
import { journalSuite } from '../../src/testkit/journal-suite.ts';
import { counterexamples } from './counterexamples.ts';
import { explore } from './explore.ts';
import { ScriptedWorld, type ObjectJournalClass } from './scripted-world.ts';

/** A broken journal may keep a script waiting for ever. */
const patienceMs = 1_000;

process.on('unhandledRejection', () => {});

for (const name of process.argv.slice(2)) {
  const folder = new URL(`../../src/journal-${name}/object-journal.js`, import.meta.url);
  const { ObjectJournal } = (await import(folder.href)) as { ObjectJournal: ObjectJournalClass };
  const byScripts = await failing(scripts(ObjectJournal));
  const bySuite = byScripts.length > 0 ? [] : await failing(suite(ObjectJournal));
  const explored = await explore(ObjectJournal, { switches: 1, scheduleCountMax: 300 });
  const violation = explored.violation?.split('\n')[0] ?? null;
  process.stdout.write(`${JSON.stringify({ name, byScripts, bySuite, violation })}\n`);
}
process.exit(0);

type Body = () => Promise<void>;

function scripts(journals: ObjectJournalClass): [string, Body][] {
  return Object.entries(counterexamples).map(([title, play]) => [title, () => play(journals)]);
}

function suite(journals: ObjectJournalClass): [string, Body][] {
  const bodies: [string, Body][] = [];
  journalSuite({
    test: (title, body) => bodies.push([title, body]),
    open: async () => {
      const world = new ScriptedWorld(journals);
      return { journal: await world.open('A'), openPeer: () => world.open('B') };
    },
  });
  return bodies;
}

/** The titles that failed. One that only was not done in time is not counted: it may be the machine. */
async function failing(bodies: [string, Body][]): Promise<string[]> {
  const failed: string[] = [];
  await Promise.all(
    bodies.map(async ([title, body]) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
      await Promise.race([body(), late]).catch(() => failed.push(title));
      clearTimeout(timer);
    }),
  );
  return failed;
}
