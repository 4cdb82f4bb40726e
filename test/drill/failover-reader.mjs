// A process of the failover drill that only reads: it follows random streams through `openReadOnly`.
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { StreamSet } from 'qanat';
import { openStore } from './drill-store.mjs';
import { Followers } from './failover-follow.mjs';
import { diceOf } from './failover-payload.mjs';
import { readArguments } from './payload.mjs';

const given = readArguments({ directory: '', store: '', name: '', process: 0, streams: 0, followers: 0, seed: 0 });
const say = (line) => void process.stdout.write(`${line}\n`);

const view = await StreamSet.openReadOnly({
  store: await openStore(given.store, join(given.directory, 'store')),
  settings: { catalogRefreshMs: 150 },
});
const followers = new Followers({
  ...{ view, say },
  log: openSync(join(given.directory, 'logs', `${given.name}-${given.process}.log`), 'a'),
  process: given.process,
  dice: diceOf(given.seed * 1009 + given.process),
  streams: given.streams,
});
followers.start(given.followers);
say('open 0');

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(3)); // The drill is gone.
for await (const line of lines) {
  const [word, ...words] = line.split(' ');
  if (word === 'reach') {
    await followers.reach(words.map(Number), 30_000);
    say('reached');
  } else if (word === 'end') {
    followers.stop();
    await view.close();
    say('done');
    process.exit(0);
  }
}
