// The take-over: how long `recover(node)` takes, what it asks of the store and what it copies, for a node that died
// with 64 unreleased segments of its object WAL. Goal B8a: that depends neither on the bytes in those segments nor on
// what the bucket retains.
//
//   node bench/recover.mjs [--segments 64] [--small 10] [--large 512] [--retainedSmall 10] [--retainedLarge 10240]
//                          [--rounds N] [--directory DIR]
//
// Two cases: much in the segments against little (--large and --small, in MB), and a bucket that retains much against
// one that retains little (--retainedLarge and --retainedSmall, in MB). The calibrator of each is the case with
// little, so the ratio is the factor that the bytes make; requests are compared exactly.
//
// The victim lives in this process and is left where it stands when its segments are stored: nothing of it is closed.
// Its name is recovered by another set.
import { join } from 'node:path';
import { FileObjectStore, StreamSet, objectWal } from 'qanat';
import { bench, readArguments } from './harness.mjs';
import { makePayloads, makePlace } from './place.mjs';

const MB = 1_000_000;
const given = readArguments({
  rounds: 5,
  more: { segments: 64, small: 10, large: 512, retainedSmall: 10, retainedLarge: 10_240, directory: '' },
  tiny: { segments: 4, small: 1, large: 4, retainedSmall: 1, retainedLarge: 4 },
});
const settings = {
  uploadAgeMaxMs: 86_400_000,
  memoryMaxBytes: 32 * 1024 * MB,
  uploadSizeBytes: 2 * 1024 * MB,
};

const big = await makeBucket(given.retainedLarge);
const little = await makeBucket(given.retainedSmall);

await compare(`${given.segments} unreleased segments, ${given.large} MB against ${given.small} MB in them`, {
  subject: { what: `${given.large} MB in the segments`, bucket: little, walMB: given.large },
  calibrator: { what: `${given.small} MB in the segments`, bucket: little, walMB: given.small },
});
await compare(`a bucket that retains ${given.retainedLarge} MB against one with ${given.retainedSmall} MB`, {
  subject: { what: `${given.retainedLarge} MB retained`, bucket: big, walMB: given.small },
  calibrator: { what: `${given.retainedSmall} MB retained`, bucket: little, walMB: given.small },
});

async function compare(name, { subject, calibrator }) {
  const seen = { subject: new Set(), calibrator: new Set() };
  const contender = (who, { what, bucket, walMB }) => ({
    what,
    run: async () => {
      const report = await recoverOnce(bucket, walMB);
      seen[who].add(report.requests);
      const { requests, bytesCopied, bytesRegistered, ms } = report;
      return {
        value: ms,
        checksum: report.segmentCount,
        also: { requests: requests, 'bytes copied': bytesCopied, 'bytes registered': bytesRegistered },
      };
    },
  });
  await bench({
    name: `recover, ${name}`,
    unit: 'ms',
    better: 'lower',
    rounds: given.rounds,
    goal: { ratio: 1.1 },
    subject: contender('subject', subject),
    calibrator: contender('calibrator', calibrator),
  });
  const numbers = (set) => [...set].toSorted((a, b) => a - b).join(', ');
  console.log(`  requests: ${numbers(seen.subject)} against ${numbers(seen.calibrator)}`);
}

/** A bucket that retains so much in uploaded objects. */
async function makeBucket(retainedMB) {
  const place = makePlace(given.directory);
  const store = new FileObjectStore(join(place, 'store'));
  const set = await StreamSet.open({ node: 'keeper', store, wal: objectWal() });
  const stream = await set.create({ name: 'retained' });
  const payloads = makePayloads(MB / 4, 4).map((bytes) => ({ bytes }));
  for (let done = 0; done < retainedMB; done += 1) await stream.appendAll(payloads);
  await set.close();
  return { store, victims: 0 };
}

/** A node writes its segments and dies; another recovers it. */
async function recoverOnce(bucket, walMB) {
  const name = `victim-${(bucket.victims += 1)}`;
  const store = bucket.store;
  const victim = await StreamSet.open({ node: name, store, wal: objectWal(), settings });
  const stream = await victim.create({ name: `of-${name}` });
  const bytes = makePayloads(Math.floor((walMB * MB) / given.segments), 1)[0];
  // One batch at a time, each acknowledged before the next: one segment each.
  for (let i = 0; i < given.segments; i++) await stream.append(bytes);
  const heir = await StreamSet.open({ node: 'heir', store, wal: objectWal() });
  const start = performance.now();
  const report = await heir.recover(name);
  const ms = performance.now() - start;
  if (report.segmentCount !== given.segments) throw new Error(`${report.segmentCount} segments were recovered`);
  const taken = await heir.open(`of-${name}`);
  if (taken.endOffset !== given.segments) throw new Error(`the stream ends at ${taken.endOffset}`);
  await heir.close();
  await victim.close(); // It is fenced: nothing is written.
  return { ...report, ms };
}
