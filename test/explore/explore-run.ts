// Explores the scopes that it is given by name, and prints what each came to: a line, and the schedule of what is wrong.
// Ends with 1 if anything is. `npm run explore` runs it; so do mutants.
import { explore } from './search.ts';
import { scopes } from './scopes.ts';

// Of a broken engine, whatever happens where nobody looks is judged by what comes of it.
process.on('unhandledRejection', () => {});

export async function exploreScopes(names: readonly string[], secondsMax: number): Promise<boolean> {
  let isSound = true;
  for (const name of names) {
    const scope = scopes[name];
    if (scope === undefined) throw new Error(`there is no scope ${name}`);
    const { schedules, steps, states, ends, seconds, exhausted, clientStates, violation } = await explore({
      ...scope.make(),
      secondsMax,
    });
    const counts = `${count(schedules)} schedules, ${count(steps)} steps, ${count(states)} states, ${count(ends)} ends`;
    const end = violation === undefined ? `exhausted ${exhausted ? 'yes' : 'no'}` : 'something is wrong';
    console.log(`${name}: ${counts}, ${count(clientStates)} of clients, ${seconds.toFixed(1)} s, ${end}`);
    if (violation !== undefined) console.log(violation);
    isSound &&= violation === undefined;
  }
  return isSound;
}

function count(number: number): string {
  return number < 1e12 ? number.toLocaleString('en') : number.toExponential(2);
}

if (process.argv[2] === '--run') {
  const isSound = await exploreScopes(process.argv.slice(4), Number(process.argv[3]));
  process.exit(isSound ? 0 : 1);
}
