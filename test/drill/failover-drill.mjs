// The failover drill: processes of several nodes append to hundreds of streams in one store, each stream written by
// the node that it is assigned to, while they are killed, stopped, woken too late, taken for dead, started twice, and
// recovered by one another, and while streams are moved. Readers follow. At the end a judge reads every stream whole
// and holds it against everything that writers were told and readers saw. See failover-judge.mjs for what must hold.
// After a violation the directory is left as it is, with a chronicle of what the conductor did and was told.
//
//   node test/drill/failover-drill.mjs [--faults 100] [--nodes 5] [--streams 200] [--rate 100] [--seed N]
//     [--readers 2] [--followers 20] [--judgeEvery 25] [--uploadAgeMaxMs 500] [--directory DIR]
//     [--store s3://bucket/prefix?endpoint=…&region=…]
//
// `rate` is appends per second and node; `followers` is streams that each reading process follows at a time. In a bucket
// the drill has a part to itself, and empties it when all was well; logs are in the directory all the same.
import { openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cast } from './failover-cast.mjs';
import { clearStore, partFor } from './drill-store.mjs';
import { beginFault, moveSome } from './failover-faults.mjs';
import { Judge, Violation } from './failover-judge.mjs';
import { diceOf, pause } from './failover-payload.mjs';
import { readArguments } from './payload.mjs';

const given = readArguments({
  ...{ faults: 100, nodes: 5, streams: 200, rate: 100, seed: Date.now() % 100_000 },
  ...{ readers: 2, followers: 20, judgeEvery: 25, uploadAgeMaxMs: 500, directory: '', store: '' },
});
refuse(given.nodes < 3, '--nodes is at least 3: a victim, and two to argue about it');
refuse(given.streams < 1, '--streams is at least 1');
refuse(given.rate < 1, '--rate is at least 1');
refuse(given.uploadAgeMaxMs < 1, '--uploadAgeMaxMs is at least 1');

const { seed, streams } = given;
const directory = given.directory || (await mkdtemp(join(tmpdir(), 'qanat-failover-drill-')));
await mkdir(join(directory, 'store'), { recursive: true });
await mkdir(join(directory, 'logs'));

const dice = diceOf(seed);
const store = await partFor(given.store, `failover-drill-${Date.now()}`);
const judge = new Judge({ directory, store, streams });
const counts = {};
const chronicle = openSync(join(directory, 'chronicle.txt'), 'a');
const note = (what) => void writeSync(chronicle, `${Math.round(performance.now())} ${what}\n`);
let violated;
const violation = new Promise((_, reject) => (violated = reject));
violation.catch(() => {});
const cast = new Cast({
  ...{ nodes: given.nodes, streams, dice, note, violate: (what) => violated(new Violation(what)) },
  options: {
    node: {
      ...{ directory, store, streams, seed, rate: given.rate, uploadAgeMaxMs: given.uploadAgeMaxMs },
      followers: Math.ceil(given.followers / 5),
    },
    reader: { directory, store, streams, seed, followers: given.followers },
  },
});
process.on('exit', () => cast.killAll());

try {
  console.log(`failover drill: ${given.faults} faults, ${given.nodes} nodes, ${streams} streams, seed ${seed}`);
  const readers = [];
  await orViolation(drill(readers));
  const ends = await orViolation(end(readers));
  console.log(`one history, nothing lost: ${JSON.stringify(summary(ends))}`);
  await clearStore(store);
  if (!given.directory) await rm(directory, { recursive: true, force: true });
} catch (cause) {
  console.error(`VIOLATION (seed ${seed}, directory ${directory} ${store}, after ${JSON.stringify(counts)}):`, cause);
  cast.killAll();
  process.exit(1);
}

function refuse(isWrong, sentence) {
  if (!isWrong) return;
  console.error(sentence);
  process.exit(2);
}

/** Waits for work, or for the first violation that anybody reports meanwhile. */
function orViolation(work) {
  return Promise.race([work, violation]);
}

async function drill(readers) {
  for (const name of cast.names) cast.start(name);
  await cast.settled();
  for (let i = 1; i <= given.readers; i++) readers.push(cast.startReader(`r${i}`));
  const busy = new Set();
  const underWay = new Set();
  for (let begun = 0; begun < given.faults;) {
    await pause(50 + dice(400));
    moveSome(cast, dice);
    const fault = underWay.size < 3 ? beginFault(cast, dice, busy) : undefined;
    if (fault === undefined) continue;
    begun += 1;
    note(`fault ${begun}: ${fault.name}`);
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    underWay.add(fault.ends);
    fault.ends.then(() => underWay.delete(fault.ends), violated);
    if (given.judgeEvery > 0 && begun % given.judgeEvery === 0) {
      await judge.readOn();
      console.log(`${begun} faults: ${JSON.stringify(judge.counts)}`);
    }
  }
  await Promise.all(underWay);
}

/** Everybody comes to rest, writers end, and the judge has the word; then readers have to have seen everything. */
async function end(readers) {
  await cast.settled();
  await Promise.all(cast.usable().map((player) => cast.inTime(player.ask('quiet', 'quiet'), `${player.name} at rest`)));
  const writers = [...cast.players].filter((player) => !readers.includes(player));
  await Promise.all(writers.map((player) => cast.inTime(player.leave(), `the end of ${player.name}`)));
  const ends = await judge.judge();
  const reach = `reach ${ends.join(' ')}`;
  await Promise.all(readers.map((player) => cast.inTime(player.ask(reach, 'reached'), `${player.name} at the ends`)));
  await cast.end();
  await judge.judge(); // Now with what the readers saw meanwhile.
  return ends;
}

function summary(ends) {
  const times = cast.takeOversMs.toSorted((a, b) => a - b).map(Math.round);
  return {
    faults: Object.values(counts).reduce((sum, count) => sum + count, 0),
    ...judge.counts,
    ...cast.counts,
    records: ends.reduce((sum, endOffset) => sum + endOffset, 0),
    takeOverMs: { median: times[times.length >> 1], max: times.at(-1) },
    byKind: counts,
  };
}
