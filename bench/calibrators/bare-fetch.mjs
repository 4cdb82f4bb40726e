// The bare shape of a broker that answers fetches, in one Node process: find the frames, and send as many bytes as an
// answer has, as they lie in memory. What TCP over the loopback gives from Node to Node. It goes through as much memory
// as it is told to: bytes that are sent again and again would come from the processor's cache.
import { createServer } from 'node:net';
import { fetchAnswerHead } from '../kafka/frames.mjs';
import { serveParent } from '../kafka/server-process.mjs';

const { recordsBytes, memoryBytes } = JSON.parse(process.argv[2]);
const head = fetchAnswerHead(0, recordsBytes);
const memory = Buffer.alloc(Math.max(recordsBytes, memoryBytes), 7);
let at = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    for (;;) {
      const wanted = bytes.length < 4 ? 4 : 4 + bytes.readInt32BE(0);
      if (bytes.length < wanted) return;
      bytes = bytes.subarray(wanted);
      socket.cork();
      socket.write(head);
      if (at + recordsBytes > memory.length) at = 0;
      socket.write(memory.subarray(at, at + recordsBytes));
      at += recordsBytes;
      socket.uncork();
    }
  });
  socket.on('error', () => socket.destroy());
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, () => serveParent(server.address().port, {}));
