// B5: catching up. A stream whose data lies in objects is read from its start to its end by a set that has nothing in
// memory, opened anew for each round.
//
//   node bench/catch-up.mjs [--megabytes 128] [--batch 1024,65536] [--wal file|object] [--rounds N]
//                          [--directory DIR] [--endpoint fake|URL] [--payload signed|unsigned]
//
// The objects lie on a FileObjectStore or, with --endpoint, on an S3 server. With --wal file the data lies in objects
// of up to 32 MiB, as uploads write them; with --wal object, in segments that were registered where they lie, until
// something makes fewer and larger objects of them.
//
// Calibrators: ranged reads of 1 MiB, 4 at a time, into buffers that were prepared: of the same files by fs.read, or
// from the same server by undici's dispatch (8 at a time, too); and ranged gets of 1 MiB of the same objects through
// the same store. Files are found in the system's page cache: what is measured is the way from there to the reader.
import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileObjectStore, StreamSet } from 'qanat';
import { inTurns, makeBuffers, RawS3Reader, rangesOf, readFileRange } from './calibrators/range-reads.mjs';
import { addRequests, bench, readArguments, timed } from './harness.mjs';
import { makePayloads, makePlace, removePlace, walOf } from './place.mjs';
import { MiB, openService, removeAll, serviceArguments } from './s3-service.mjs';

const given = readArguments({
  more: { megabytes: 128, batch: [1024, 65_536], wal: 'file', directory: '', ...serviceArguments, endpoint: '' },
  tiny: { megabytes: 3, batch: [1024, 65_536] },
});
/** What is smaller is of the journal. */
const dataMinBytes = 256 * 1024;
const atOnce = 4;
const buffers = makeBuffers(atOnce);

const service = given.endpoint === '' ? undefined : await openService(given);
for (const batchBytes of given.batch) await measure(batchBytes);
service?.close();

async function measure(batchBytes) {
  const place = makePlace(given.directory);
  const { store, raw, end, where } = service === undefined ? onFiles(place) : onService();
  await write(store, walOf(given.wal, place), batchBytes);
  const { keys } = await store.list({ prefix: '', limit: 1_000, purpose: 'read' });
  const objects = keys.filter(({ size }) => size >= dataMinBytes);
  let requests = [];
  await bench({
    name: `catch up, ${given.megabytes} MB in batches of ${batchBytes} bytes, ${objects.length} objects${where}`,
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
      ...raw(objects),
      {
        what: `store.get of 1 MiB ranges, ${atOnce} at a time`,
        goal: { ratio: 0.7 },
        run: () =>
          timed(() =>
            inTurns(rangesOf(objects), buffers, async ({ key, start, end: to }) => {
              const { bytes } = await store.get(key, { range: { start, end: to }, purpose: 'read' });
              return bytes;
            }),
          ),
      },
    ],
  });
  await end();
  removePlace(place);
}

/** A store of files, and reads of the files themselves. */
function onFiles(place) {
  const store = new FileObjectStore(join(place, 'store'));
  const what = `fs.read of 1 MiB ranges, ${atOnce} at a time`;
  const raw = () => [{ what, run: () => timed(() => readFiles(dataFilesBelow(join(place, 'store', 'objects')))) }];
  return { store, raw, end: () => {}, where: '' };
}

/** A store on the server, and the same objects read by the least client. */
function onService() {
  const { store, prefix } = service.newStore();
  const reader = new RawS3Reader(service.endpoint);
  const get = (range, buffer) => reader.get(service.signedGet(prefix, range.key, range), buffer);
  const raw = (objects) =>
    [atOnce, 2 * atOnce].map((width) => {
      const prepared = makeBuffers(width);
      return {
        what: `undici dispatch of 1 MiB ranges, ${width} at a time`,
        goal: { ratio: 0.7 },
        run: () => timed(() => inTurns(rangesOf(objects), prepared, get)),
      };
    });
  const end = async () => {
    await reader.close();
    await removeAll(store);
  };
  return { store, raw, end, where: `; ${service.path}` };
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

async function readFiles(paths) {
  const files = paths.map((path) => ({ file: openSync(path, 'r'), size: statSync(path).size }));
  const figure = await inTurns(rangesOf(files), buffers, readFileRange);
  for (const { file } of files) closeSync(file);
  return figure;
}

/** Files that are large enough to hold data; the journal's are small. */
function dataFilesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size >= dataMinBytes);
}
