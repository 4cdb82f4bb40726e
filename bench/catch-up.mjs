// B5: catching up. A stream whose data lies in objects on a FileObjectStore is read from its start to its end by a set
// that has nothing in memory, opened anew for each round.
//
//   node bench/catch-up.mjs [--megabytes 128] [--batch 1024,65536] [--wal file|object] [--rounds N]
//                          [--directory DIR]
//
// With --wal file the data lies in objects of up to 32 MiB, as uploads write them; with --wal object, in segments of
// 1 MiB that were registered where they lie, until something makes fewer and larger objects of them.
//
// Calibrators: ranged reads of 1 MiB of the same files, 4 at a time, into buffers that were prepared; and ranged gets
// of 1 MiB of the same objects through the FileObjectStore, 4 at a time. All of them find the files in the system's
// page cache: what is measured is the way from there to the reader.
import { closeSync, openSync, read, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileObjectStore, StreamSet } from 'qanat';
import { bench, readArguments, timed } from './harness.mjs';
import { makePayloads, makePlace, removePlace, walOf } from './place.mjs';

const MiB = 1 << 20;
const given = readArguments({
  more: { megabytes: 128, batch: [1024, 65_536], wal: 'file', directory: '' },
  tiny: { megabytes: 3, batch: [1024, 65_536] },
});
const rangeBytes = MiB;
const atOnce = 4;
const buffers = Array.from({ length: atOnce }, () => new Uint8Array(rangeBytes).fill(0));

for (const batchBytes of given.batch) await measure(batchBytes);

async function measure(batchBytes) {
  const place = makePlace(given.directory);
  const store = new FileObjectStore(join(place, 'store'));
  await write(store, walOf(given.wal, place), batchBytes);
  const files = dataFilesBelow(join(place, 'store', 'objects'));
  const objects = await dataObjects(store);
  let requests = [];
  await bench({
    name: `catch up, ${given.megabytes} MB in batches of ${batchBytes} bytes, ${objects.length} objects`,
    unit: 'MB/s',
    goal: { ratio: 0.7 },
    rounds: given.rounds,
    subject: {
      what: 'qanat, read() from start to end, cold',
      requests: () => requests,
      run: async () => {
        const view = await StreamSet.openReadOnly({ store });
        const reader = await view.reader('bench');
        const before = view.stats().requests;
        const figure = await timed(() => readToEnd(reader));
        requests = addRequests(requests, view.stats().requests, before);
        await view.close();
        return figure;
      },
    },
    calibrator: [
      { what: `fs.read of 1 MiB ranges, ${atOnce} at a time`, run: () => timed(() => readFiles(files)) },
      {
        what: `store.get of 1 MiB ranges, ${atOnce} at a time`,
        goal: { ratio: 0.7 },
        run: () => timed(() => getObjects(store, objects)),
      },
    ],
  });
  removePlace(place);
}

async function write(store, wal, batchBytes) {
  const set = await StreamSet.open({ node: 'bench', store, wal });
  const stream = await set.create({ name: 'bench' });
  const payloads = makePayloads(batchBytes);
  const batches = Array.from({ length: MiB / batchBytes }, (_, i) => ({ bytes: payloads[i % payloads.length] }));
  for (let i = 0; i < given.megabytes; i++) await stream.appendAll(batches);
  await set.close();
}

async function readToEnd(reader) {
  let amount = 0;
  let checksum = 0;
  for (let offset = 0; offset < reader.endOffset;) {
    const { batches, nextOffset } = await reader.read(offset);
    for (const { bytes } of batches) {
      amount += bytes.byteLength / 1e6;
      checksum = (checksum + bytes[0] + bytes.byteLength) >>> 0;
    }
    offset = nextOffset;
  }
  return { amount, checksum };
}

/** Every range, `atOnce` at a time, each on a buffer of its own. */
async function inTurns(ranges, take) {
  let next = 0;
  let amount = 0;
  let checksum = 0;
  const worker = async (buffer) => {
    for (let range = ranges[next++]; range !== undefined; range = ranges[next++]) {
      const bytes = await take(range, buffer);
      amount += bytes.byteLength / 1e6;
      checksum = (checksum + bytes[0] + bytes.byteLength) >>> 0;
    }
  };
  await Promise.all(buffers.map(worker));
  return { amount, checksum };
}

async function readFiles(paths) {
  const files = paths.map((path) => ({ file: openSync(path, 'r'), size: statSync(path).size }));
  const figure = await inTurns(
    files.flatMap(({ file, size }) => rangesOf(size).map((range) => ({ file, ...range }))),
    ({ file, start, end }, buffer) =>
      new Promise((resolve, reject) => {
        read(file, buffer, 0, end - start, start, (failure, count) =>
          failure === null ? resolve(buffer.subarray(0, count)) : reject(failure),
        );
      }),
  );
  for (const { file } of files) closeSync(file);
  return figure;
}

function getObjects(store, objects) {
  return inTurns(
    objects.flatMap(({ key, size }) => rangesOf(size).map((range) => ({ key, range }))),
    async ({ key, range }) => (await store.get(key, { range, purpose: 'read' })).bytes,
  );
}

function rangesOf(size) {
  return Array.from({ length: Math.ceil(size / rangeBytes) }, (_, i) => ({
    start: i * rangeBytes,
    end: Math.min(size, (i + 1) * rangeBytes),
  }));
}

/** Files that are large enough to hold data; the journal's are small. */
function dataFilesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size >= 256 * 1024);
}

async function dataObjects(store) {
  const { keys } = await store.list({ prefix: '', limit: 10_000, purpose: 'read' });
  return keys.filter(({ size }) => size >= 256 * 1024);
}

/** Adds what a view has asked for to what earlier ones have. */
function addRequests(sum, after, before) {
  const rows = new Map(sum.map((row) => [`${row.operation} ${row.purpose}`, { ...row }]));
  for (const { operation, purpose, ...counts } of after) {
    const old = before.find((known) => known.operation === operation && known.purpose === purpose);
    const row = rows.get(`${operation} ${purpose}`) ?? { operation, purpose, requests: 0, bytesIn: 0, bytesOut: 0 };
    for (const count of ['requests', 'bytesIn', 'bytesOut']) row[count] += counts[count] - (old?.[count] ?? 0);
    rows.set(`${operation} ${purpose}`, row);
  }
  return [...rows.values()];
}
