// A child of the kill drill: opens a node's set, appends to many streams as fast as it can, and prints what was
// acknowledged. It is killed at any moment.
import { StreamSet } from 'qanat';
import { openStore } from './drill-store.mjs';
import { countAt, payloadAt, readArguments, walOf } from './payload.mjs';

const { directory, store, node, streams, incarnation, wal } = readArguments({
  directory: '',
  store: '',
  node: 'a',
  streams: 20,
  incarnation: 0,
  wal: 'file',
});

const set = await StreamSet.open({
  node,
  store: await openStore(store, directory),
  wal: walOf(wal),
  settings: { uploadSizeBytes: 1 << 20, catalogRefreshMs: 200 },
});
void set.closed.then((reason) => process.stdout.write(`ended ${reason.status}\n`));
process.stdout.write(`open ${set.nodeEpoch}\n`);

let random = incarnation * 7919 + 1;
const dice = (sides) => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) % sides;

async function work(index) {
  for (;;) {
    const stream = await set.openOrCreate(`stream-${index}`);
    for (let left = 1 + dice(40); left > 0; left--) {
      const batches = 1 + dice(6);
      const appends = Array.from({ length: batches }, async () => {
        const offset = stream.nextOffset;
        const count = countAt(index, offset);
        const { endOffset } = await stream.append(payloadAt(index, offset, incarnation), { count });
        process.stdout.write(`acked ${index} ${offset} ${endOffset}\n`);
      });
      await Promise.all(appends);
    }
    if (dice(3) === 0) await stream.close();
    if (dice(9) === 0) await set.upload();
  }
}

await Promise.all(Array.from({ length: streams }, (_, index) => work(index)));
