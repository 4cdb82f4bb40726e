// A process of its own that writes a file WAL: appends one batch after the other, some ahead, and writes a line for
// each that is acknowledged. Arguments: directory, node epoch, how many are ahead, how many in all.
import { writeSync } from 'node:fs';
import { fileWal, MemoryObjectStore, systemRuntime } from '../../dist/index.js';

const [directory, nodeEpoch, ahead, total] = [process.argv[2], ...process.argv.slice(3).map(Number)];
let appended = 0;
let acknowledged = 0;
const factory = fileWal({ directory });
const place = {
  store: new MemoryObjectStore(),
  clusterId: '0123456789abcdef0123456789abcdef',
  node: 'a',
  nodeEpoch,
  runtime: systemRuntime,
  observer: {},
};
await factory.identify(place);
const wal = await factory.open({
  ...place,
  settings: { segmentSizeMinBytes: 1, storeDeadlineMs: 10_000 },
  sealedAt: () => Promise.resolve(undefined),
  sink: {
    durable: (count) => {
      acknowledged += count;
      writeSync(1, `acknowledged ${acknowledged}\n`);
      appendMore();
      if (acknowledged === total) void wal.close();
    },
    ended: (end) => writeSync(1, `ended ${end.reason} ${end.outcome ?? end.error.message}\n`),
  },
});

function appendMore() {
  while (appended < total && appended < acknowledged + ahead) {
    const bytes = new Uint8Array(300).fill(appended);
    wal.append({ stream: 1, streamEpoch: 1, startOffset: appended, count: 1, timestamp: undefined, bytes });
    appended += 1;
  }
}

writeSync(1, 'open\n');
appendMore();
