// The bare shape of a broker that takes a produce, in one Node process: drain the sockets, find the frames, check the
// CRC of their batch, patch its offset, copy it into a group, write one group at a time to a file of zeros opened with
// O_DSYNC while the next one collects, and answer. No streams, no order among them, nothing to read, no limits.
import { closeSync, constants, openSync, write } from 'node:fs';
import { createServer } from 'node:net';
import { crc32c } from '../../dist/kafka/records/crc32c.js';
import { produceAnswer, produceAnswerFrame, topic } from '../kafka/frames.mjs';
import { serveParent } from '../kafka/server-process.mjs';

const { path, fileBytes } = JSON.parse(process.argv[2]);
const groupMaxBytes = 4 << 20;
/** In a frame: the size, the header with the client's name, and all before the partition and its batch. */
const partitionAt = 4 + 8 + 2 + 'bench'.length + 2 + 2 + 4 + 4 + 2 + topic.length + 4;
const batchAt = partitionAt + 8;

const file = openSync(path, constants.O_RDWR | (constants.O_DSYNC ?? constants.O_SYNC));
const answers = new Map();
let [slab, otherSlab] = [Buffer.alloc(groupMaxBytes, 1), Buffer.alloc(groupMaxBytes, 1)];
let [used, position, offset] = [0, 0, 0];
let [waiting, flying] = [[], []];
let isFlying = false;
let isDue = false;
/** Sockets whose frame did not fit the group. */
let held = [];

function append(socket, partition, batch) {
  batch.writeUInt32BE(offset, 4);
  batch.writeInt32BE(0, 12);
  slab.set(batch, used);
  used += batch.length;
  waiting.push(socket, partition, offset);
  offset += batch.readInt32BE(57);
  if (isFlying || isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    if (!isFlying && waiting.length > 0) fly();
  });
}

function fly() {
  const end = Math.ceil(used / 512) * 512;
  if (position + end > fileBytes) position = 0;
  const at = position;
  position += end;
  const group = slab;
  [slab, otherSlab, used] = [otherSlab, slab, 0];
  [waiting, flying] = [flying, waiting];
  isFlying = true;
  write(file, group, 0, end, at, (failure) => {
    if (failure !== null) throw failure;
    isFlying = false;
    for (let i = 0; i < flying.length; i += 3) answer(flying[i], flying[i + 1], flying[i + 2]);
    flying.length = 0;
    if (waiting.length > 0) fly();
    for (const take of held.splice(0)) take();
  });
}

/** Answers of one turn to one connection go out as one write. */
function answer(socket, partition, baseOffset) {
  let bytes = answers.get(partition);
  if (bytes === undefined) answers.set(partition, (bytes = produceAnswerFrame(partition, 0)));
  const own = Buffer.from(bytes);
  own.writeUInt32BE(baseOffset, 4 + produceAnswer.offsetAt + 4);
  if (socket.writableCorked === 0) {
    socket.cork();
    process.nextTick(() => socket.uncork());
  }
  socket.write(own);
}

const server = createServer({ noDelay: true }, (socket) => {
  let parts = [];
  let have = 0;
  let wanted = 4;
  const take = () => {
    let bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts, have);
    for (;;) {
      wanted = bytes.length < 4 ? 4 : 4 + bytes.readInt32BE(0);
      if (bytes.length < wanted) break;
      const batch = bytes.subarray(batchAt, wanted);
      if (used + batch.length > groupMaxBytes - 512) {
        socket.pause();
        held.push(() => {
          take();
          socket.resume();
        });
        break;
      }
      if (batch.readUInt32BE(17) !== crc32c(batch, 21) >>> 0) throw new Error('the CRC is wrong');
      append(socket, bytes.readInt32BE(partitionAt), batch);
      bytes = bytes.subarray(wanted);
    }
    parts = bytes.length === 0 ? [] : [bytes];
    have = bytes.length;
  };
  socket.on('data', (chunk) => {
    parts.push(chunk);
    have += chunk.length;
    if (have >= wanted) take();
  });
  socket.on('error', () => socket.destroy());
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, () =>
  serveParent(server.address().port, { stop: () => closeSync(file) }),
);
