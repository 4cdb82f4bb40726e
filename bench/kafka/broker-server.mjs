// The broker under test: the door `qanat/kafka` on a directory, with the file WAL or the object WAL.
import { join } from 'node:path';
import { FileObjectStore, StreamSet } from 'qanat';
import { Broker } from 'qanat/kafka';
import { walOf } from '../place.mjs';
import { serveParent } from './server-process.mjs';

const { place, wal, settings, partitions } = JSON.parse(process.argv[2]);
const streams = await StreamSet.open({
  node: 'bench',
  store: new FileObjectStore(join(place, 'store')),
  wal: walOf(wal, place),
  settings,
});
const broker = await Broker.start({
  streams,
  listen: { host: '127.0.0.1', port: 0 },
  settings: { 'num.partitions': partitions, 'fetch.max.bytes': 64 << 20 },
});
serveParent(broker.address.port, {
  upload: () => streams.upload(),
  requests: () => streams.stats().requests,
  stop: async () => {
    await broker.close();
    await streams.close();
  },
});
