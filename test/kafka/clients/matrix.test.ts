// What one client writes with a codec another one reads, byte for byte: every writer that is there, with each of its
// codecs, and every reader that knows the codec.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openBroker } from './broker-process.ts';
import type { TestBroker } from './broker-process.ts';
import { clientOf, confluent, javaDriver, nodeRdkafka, python } from './client-places.ts';
import { KafkajsClient } from './kafkajs-client.ts';
import { kcatClient } from './kcat-client.ts';
import { PlatformaticClient } from './platformatic-client.ts';
import { assertSame, someRecords, uniqueName } from './scenarios.ts';
import type { Codec, TestClient } from './test-client.ts';

const drivers = [nodeRdkafka, confluent, python, javaDriver(3), javaDriver(4)];
const clients: readonly { readonly client: TestClient; readonly lack: string | undefined }[] = [
  { client: new KafkajsClient(), lack: undefined },
  { client: new PlatformaticClient(), lack: undefined },
  ...drivers.map((driver) => ({ client: clientOf(driver), lack: driver.lack })),
  { client: kcatClient(), lack: kcatClient().lack },
];
const present = clients.filter(({ lack }) => lack === undefined).map(({ client }) => client);

/**
 * @platformatic/kafka reads Snappy only as one plain block, and not in the framing that Java has, which others write
 * as well.
 */
function reads(reader: TestClient, codec: Codec, writer: TestClient): boolean {
  if (!reader.codecs.includes(codec)) return false;
  const isPlain = ['@platformatic/kafka', 'kafkajs'].includes(writer.name) || writer.name.includes('rdkafka');
  return codec !== 'snappy' || reader.name !== '@platformatic/kafka' || isPlain;
}

describe('records of one client, read by the others', () => {
  let broker: TestBroker | undefined;
  beforeAll(async () => {
    broker = await openBroker();
    for (const client of present) await client.open(broker.bootstrap);
  });
  afterAll(async () => {
    for (const client of present) await client.close();
    await broker?.close();
  });

  for (const { client: writer, lack } of clients)
    for (const codec of writer.codecs)
      test.skipIf(lack !== undefined)(
        `are the same, written by ${writer.name} with ${codec}${lack === undefined ? '' : ` (needs ${lack})`}`,
        async () => {
          const topic = uniqueName('matrix');
          const [maker] = present;
          await maker?.createTopic(topic, 1);
          const records = someRecords(writer, writer.name === 'kcat' ? 6 : 40); // It takes a run for each.
          await writer.produce(topic, records, { codec });
          const readers = present.filter((one) => reads(one, codec, writer));
          const read = await Promise.all(readers.map((reader) => reader.consume(topic, records.length)));
          readers.forEach((reader, i) => assertSame(read[i] ?? [], records, reader));
        },
      );
});
