// A client that is busy all the time is not taken for a slow one.
import { expect, it } from 'vitest';
import { apiVersionsApi } from '../../../src/kafka/messages/api-versions.ts';
import type { Api } from '../../../src/kafka/wire/api.ts';
import { writeRequestHeader } from '../../../src/kafka/wire/headers.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';
import { startBroker } from '../broker-in-test.ts';

it('frames that never end where a chunk ends are not half a request for ever', async () => {
  const broker = await startBroker({ settings: { 'qanat.transfer.max.ms': 300 } });
  const client = await broker.client();
  const writer = new WireWriter();
  writeRequestHeader(writer, apiVersionsApi as Api, { apiVersion: 0, correlationId: 1, clientId: 'steady' });
  apiVersionsApi.writeRequest(writer, 0, { clientSoftwareName: '', clientSoftwareVersion: '' });
  const frame = Buffer.concat(writer.frame());
  const half = frame.length >> 1;
  let answered = 0;
  client.socket.on('data', () => (answered += 1));
  client.socket.write(frame.subarray(0, half));
  for (const since = performance.now(); performance.now() - since < 3_000;) {
    // The end of one frame and the beginning of the next, in one chunk.
    client.socket.write(Buffer.concat([frame.subarray(half), frame.subarray(0, half)]));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(client.socket.destroyed).toBe(false);
  expect(answered).toBeGreaterThan(20);
  // One that goes silent within a frame is closed.
  await client.closed;
  await broker.close();
});
