// B1: durable appends of 1 KiB, as many per second as 1, 64 or 1,024 appenders get when each awaits its last one, to
// one stream and to 1,000.
//
//   node bench/append.mjs [--wal file|object] [--appenders 1,64,1024] [--streams 1,1000] [--uploads off|on]
//                         [--c on|off] [--rounds N] [--seconds S] [--directory DIR]
//
// Calibrators with the file WAL: the idealised Node loop (calibrators/node-loop.mjs) and group commit in C
// (calibrators/group-commit.c). With the object WAL: puts of the same bytes to the same store, one after the other,
// each for all appenders; the object WAL has up to 8 under way, so a ratio above 1 is possible there.
//
// With --uploads off a round is made of bursts of at most 96 MiB, and what a burst has left is uploaded while no clock
// runs: the figure is that of the WAL, in a set that has run until it uses its memory again. With --uploads on the set
// has its usual settings and uploads as it likes.
import { join } from 'node:path';
import { FileObjectStore, StreamSet } from 'qanat';
import { buildGroupCommit } from './calibrators/c-loop.mjs';
import { makeZeros, NodeLoop } from './calibrators/node-loop.mjs';
import { bench, readArguments, timed } from './harness.mjs';
import { makePayloads, makePlace, openStreams, removePlace, walOf } from './place.mjs';

const MiB = 1 << 20;
const given = readArguments({
  seconds: 0.5,
  more: { wal: 'file', appenders: [1, 64, 1024], streams: [1, 1000], uploads: 'off', c: 'on', directory: '' },
  tiny: { streams: [1, 10], appenders: [1, 16] },
});
const recordBytes = 1024;
const burstMaxBytes = 96 * MiB;
const fileBytes = given.size === 'tiny' ? 8 * MiB : 128 * MiB;
const payloads = makePayloads(recordBytes);
const usualSettings = {};
const roomySettings = { memoryMaxBytes: 1024 * MiB, uploadSizeBytes: 128 * MiB };
/** After so many bytes the tail is full (a sixteenth of the memory), and the memory of older batches is used again. */
const warmUpBytes = given.size === 'tiny' ? 1 * MiB : 192 * MiB;
const cGoals = { 1: 0.8, 64: 0.7, 1024: 0.6 };

for (const streams of given.streams) for (const appenders of given.appenders) await measure(streams, appenders);

async function measure(streamCount, appenderCount) {
  const place = makePlace(given.directory);
  const wal = walOf(given.wal, place);
  const store = new FileObjectStore(join(place, 'store'));
  const settings = given.uploads === 'on' ? usualSettings : roomySettings;
  const set = await StreamSet.open({ node: 'bench', store, wal, settings });
  const streams = await openStreams(set, streamCount);
  const path = join(place, 'zeros');
  makeZeros(path, fileBytes);
  const loop = new NodeLoop(path, fileBytes);
  const program = given.c === 'on' ? buildGroupCommit(place) : { unavailable: 'it was not asked for' };

  if (given.uploads === 'off') await warmUp(set, streams);
  const subject = {
    what: `qanat, ${given.wal} WAL`,
    requests: () => set.stats().requests,
    run: () => timed(async () => sumOf(await appendInBursts(set, streams, appenderCount))),
  };
  const nodeLoop = {
    what: 'the idealised Node loop',
    run: () => {
      const append = async (n) => (await loop.append(payloads[n % payloads.length])) + 1;
      return timed(() => Promise.race([loop.failed, appendFor(given.seconds, Infinity, appenderCount, append)]));
    },
  };
  const inC = {
    what: 'group commit in C',
    goal: { ratio: cGoals[appenderCount] ?? 0.6 },
    unavailable: program.unavailable,
    run: async () => {
      const told = await program.run(path, fileBytes, recordBytes, appenderCount, given.seconds);
      const cpuPerUnit = (told.processorSeconds * 1e6) / told.records;
      return { value: told.records / told.seconds, checksum: told.checksum, cpuPerUnit };
    },
  };
  const puts = {
    what: 'puts of the same bytes, one by one',
    run: (round) => timed(() => putFor(given.seconds, store, `raw/${round}`, appenderCount)),
  };
  await bench({
    name: `append ${appenderCount} x 1 KiB, streams: ${streamCount}, ${given.wal} WAL, uploads ${given.uploads}`,
    unit: 'appends/s',
    goal: given.wal === 'file' ? { ratio: 0.9 } : undefined,
    rounds: given.rounds,
    subject,
    calibrator: given.wal === 'file' ? [nodeLoop, inC] : puts,
  });
  loop.close();
  await set.close();
  removePlace(place);
}

/** Appends until `seconds` of appending are over. */
async function appendInBursts(set, streams, appenderCount) {
  const append = async (n) => {
    const { endOffset } = await streams[n % streams.length].append(payloads[n % payloads.length]);
    return endOffset;
  };
  if (given.uploads === 'on') return [await appendFor(given.seconds, Infinity, appenderCount, append)];
  const bursts = [];
  for (let left = given.seconds; left > 0; left -= bursts.at(-1).seconds) {
    bursts.push(await appendFor(left, burstMaxBytes, appenderCount, append));
    await set.upload();
  }
  return bursts;
}

/** A set that has just been opened meets fresh memory; one that has run for a while is what is to be measured. */
async function warmUp(set, streams) {
  const append = async (n) => (await streams[n % streams.length].append(payloads[n % payloads.length])).endOffset;
  for (let left = warmUpBytes; left > 0; left -= burstMaxBytes) {
    await appendFor(3_600, Math.min(left, burstMaxBytes), 1024, append);
    await set.upload();
  }
}

/** Each appender awaits its append before the next, until the time or the bytes are used up. */
async function appendFor(maxSeconds, maxBytes, appenderCount, append) {
  let isOver = false;
  let appended = 0;
  let checksum = 0;
  const most = maxBytes / recordBytes;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const timer = setTimeout(() => (isOver = true), maxSeconds * 1000);
  const appender = async () => {
    while (!isOver && appended < most) checksum = (checksum + (await append(appended++))) >>> 0;
  };
  await Promise.all(Array.from({ length: appenderCount }, appender));
  clearTimeout(timer);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { amount: appended, checksum, seconds, cpuMicros: user + system };
}

async function putFor(seconds, store, prefix, appenderCount) {
  const body = new Uint8Array(recordBytes * appenderCount);
  const start = performance.now();
  let puts = 0;
  for (; performance.now() - start < seconds * 1000; puts++) {
    body.set(payloads[puts % payloads.length]);
    await store.put(`${prefix}/${puts}`, body, { if: 'absent', purpose: 'wal' });
  }
  return { amount: puts * appenderCount, checksum: puts };
}

function sumOf(bursts) {
  const total = (of) => bursts.reduce((sum, burst) => sum + of(burst), 0);
  return {
    amount: total(({ amount }) => amount),
    checksum: total(({ checksum }) => checksum) >>> 0,
    seconds: total(({ seconds }) => seconds),
    cpuMicros: total(({ cpuMicros }) => cpuMicros),
  };
}
