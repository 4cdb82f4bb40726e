// The bare shape of a broker that answers fetches, in one Node process: find the frames, and send as many bytes as an
// answer has, from memory, as they are. What TCP over the loopback gives from Node to Node.
import { createServer } from 'node:net';
import { fetchAnswerHead } from '../kafka/frames.mjs';
import { serveParent } from '../kafka/server-process.mjs';

const { recordsBytes } = JSON.parse(process.argv[2]);
const head = fetchAnswerHead(0, recordsBytes);
const records = Buffer.alloc(recordsBytes, 7);

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
      socket.write(records);
      socket.uncork();
    }
  });
  socket.on('error', () => socket.destroy());
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, () => serveParent(server.address().port, {}));
