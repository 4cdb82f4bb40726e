// The faults of the failover drill. Each begins with one thing that goes wrong (a process killed, stopped, or taken for
// dead) and plays on until every stream has somebody again whose task it is to write it. They overlap: what one fault
// relies on, another may end in the middle.
import { pause } from './failover-payload.mjs';

/** Nodes that must be left to do something, besides the victims of a fault. */
const usableMin = 2;

/** Faults by name: how often each is chosen, how many victims it has, and what happens. */
export const faults = {
  'kill and restart': { weight: 3, victims: 1, play: killAndRestart },
  'kill and replace': { weight: 5, victims: 1, play: killAndReplace },
  'kill two': { weight: 1, victims: 2, play: killTwo },
  'kill while starting': { weight: 2, victims: 1, play: killWhileStarting },
  'kill the recoverer': { weight: 3, victims: 1, play: killRecoverer },
  'stop the recoverer': { weight: 2, victims: 1, play: stopRecoverer },
  'several recover': { weight: 3, victims: 1, play: severalRecover },
  'stop and wake': { weight: 2, victims: 1, play: stopAndWake },
  'stop and replace': { weight: 4, victims: 1, play: stopAndReplace },
  'taken for dead': { weight: 3, victims: 1, play: takenForDead },
  'started twice': { weight: 2, victims: 1, play: startedTwice },
};

/** Plays a random fault; undefined if there are not enough nodes now. `busy` are names that a fault has to itself. */
export function beginFault(cast, dice, busy) {
  const names = Object.keys(faults).flatMap((name) => Array.from({ length: faults[name].weight }, () => name));
  const name = names[dice(names.length)];
  const { victims: count, play } = faults[name];
  const candidates = cast.usable().filter((player) => !busy.has(player.name));
  if (candidates.length < count || cast.usable().length < count + usableMin) return undefined;
  const victims = Array.from({ length: count }, () => candidates.splice(dice(candidates.length), 1)[0]);
  for (const victim of victims) busy.add(victim.name);
  const ends = play(cast, dice, ...victims).finally(() => victims.forEach((victim) => busy.delete(victim.name)));
  return { name, ends };
}

/** Some streams change hands as planned. */
export function moveSome(cast, dice) {
  const players = cast.usable();
  if (players.length < 2) return;
  const streams = Array.from({ length: 1 + dice(5) }, () => dice(cast.owner.length));
  cast.counts.moved += new Set(streams).size;
  cast.assign([...new Set(streams)], players);
}

/** How long it takes until somebody believes that a node is dead. */
const detect = (dice) => pause(dice(300));

async function killAndRestart(cast, dice, victim) {
  cast.hit(victim);
  await victim.kill();
  await detect(dice);
  cast.start(victim.name);
}

async function killAndReplace(cast, dice, victim) {
  cast.hit(victim);
  await victim.kill();
  await detect(dice);
  await replace(cast, dice, victim);
  await pause(dice(1_000));
  cast.start(victim.name);
}

async function killTwo(cast, dice, one, other) {
  await Promise.all([killAndReplace(cast, dice, one), killAndReplace(cast, dice, other)]);
}

/** Registered or not, recovering itself or not yet: whatever the second death leaves, others finish. */
async function killWhileStarting(cast, dice, victim) {
  cast.hit(victim);
  await victim.kill();
  for (let deaths = 1 + dice(2); deaths > 0; deaths--) {
    const second = cast.start(victim.name);
    await pause(30 + dice(400));
    await second.kill();
  }
  const next = dice(3);
  if (next === 0) await replace(cast, dice, victim);
  if (next === 1) {
    // An open finishes the recovery of what a registration has fenced, so the streams are simply wanted elsewhere.
    const others = cast.usable().filter(({ name }) => name !== victim.name);
    if (others.length > 0) cast.assign(cast.streamsOf(victim.name), others);
    await pause(dice(1_000));
  }
  startUnlessThere(cast, victim.name);
}

async function killRecoverer(cast, dice, victim) {
  cast.hit(victim);
  await victim.kill();
  const recoverer = cast.another(victim);
  if (recoverer !== undefined) {
    void cast.recover(recoverer, victim);
    await pause(dice(2) === 0 ? dice(15) : dice(120));
    cast.hit(recoverer);
    await recoverer.kill();
    if (dice(2) === 0) cast.start(recoverer.name);
    else void replace(cast, dice, recoverer).then(() => startUnlessThere(cast, recoverer.name));
  }
  await replace(cast, dice, victim);
  cast.start(victim.name);
}

/** The recoverer sleeps in the middle; another one finishes; then it wakes up and goes on where it was. */
async function stopRecoverer(cast, dice, victim) {
  cast.hit(victim);
  await victim.kill();
  const recoverer = cast.another(victim);
  if (recoverer !== undefined) {
    void cast.recover(recoverer, victim);
    await pause(dice(2) === 0 ? dice(15) : dice(120));
    recoverer.stop();
    await Promise.race([replace(cast, dice, victim), pause(3_000)]);
    await pause(dice(300));
    cast.wake(recoverer);
  }
  await replace(cast, dice, victim);
  cast.start(victim.name);
}

async function severalRecover(cast, dice, victim) {
  cast.hit(victim);
  const isZombie = dice(2) === 0;
  if (isZombie) victim.stop();
  else await victim.kill();
  const recoverers = cast.usable().filter(({ name }) => name !== victim.name);
  await Promise.race(recoverers.map((recoverer) => cast.recover(recoverer, victim)));
  await replace(cast, dice, victim);
  if (isZombie) victim.wake();
  else cast.start(victim.name);
}

async function stopAndWake(cast, dice, victim) {
  victim.stop();
  await pause(dice(1_500));
  cast.wake(victim);
}

/** A zombie: its streams are with others long before it wakes up, and goes on as if nothing had been. */
async function stopAndReplace(cast, dice, victim) {
  cast.hit(victim);
  victim.stop();
  await detect(dice);
  await replace(cast, dice, victim, dice(2) === 0 ? victim.epoch : undefined);
  if (dice(3) === 0) cast.start(victim.name);
  await pause(dice(2_000));
  victim.wake();
}

async function takenForDead(cast, dice, victim) {
  cast.hit(victim);
  await replace(cast, dice, victim, dice(2) === 0 ? victim.epoch : undefined);
}

async function startedTwice(cast, dice, victim) {
  cast.hit(victim);
  cast.start(victim.name);
  await pause(dice(500));
}

/** Others recover a node, one after the other until one has done it, and its streams are given to those who are there. */
async function replace(cast, dice, victim, epoch) {
  for (;;) {
    const recoverer = cast.another(victim);
    const result = recoverer === undefined ? undefined : await cast.recover(recoverer, victim, epoch);
    if (result === 'ok' || result === 'already') break;
    await pause(50);
  }
  for (;;) {
    const others = cast.usable().filter(({ name }) => name !== victim.name);
    if (others.length > 0) return cast.assign(cast.streamsOf(victim.name), others);
    await pause(50);
  }
}

function startUnlessThere(cast, name) {
  if (cast.current.get(name).status === 'gone') cast.start(name);
}
