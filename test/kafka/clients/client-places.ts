// Which of the clients that are no dependencies of this package are on this machine: KAFKA_CLIENTS names the folder that
// install.mjs has filled. A test of one that is not there is skipped, and says what it needs.
import { fileURLToPath } from 'node:url';
import { ChildClient } from './child-client.ts';
import type { Driver } from './child-client.ts';
import { placesIn } from './places.mjs';
import type { TestClient } from './test-client.ts';

const folder = process.env['KAFKA_CLIENTS'] || undefined;

/** Where each client is. */
export const places: ReturnType<typeof placesIn> = folder === undefined ? {} : placesIn(folder);

/** What is missing for a client, as the end of a title; undefined if nothing is. */
export function lackOf(place: string | undefined, name: string): string | undefined {
  if (place !== undefined) return undefined;
  return folder === undefined ? 'KAFKA_CLIENTS' : `${name} in KAFKA_CLIENTS`;
}

/** The path of a driver. */
export function driverFile(name: string): string {
  return fileURLToPath(new URL(`drivers/${name}`, import.meta.url));
}

export interface PlacedDriver extends Driver {
  /** What the environment lacks for it. */
  readonly lack: string | undefined;
}

export const javaProgram = 'java';

const features = ['groups', 'headers', 'idempotence', 'offsetsByTime', 'timestamps', 'topics', 'deleteTopics'] as const;
const more = ['addPartitions', 'binaryHeaders', 'configs', 'deleteRecords', 'describeGroups', 'emptyValues'] as const;

export const nodeRdkafka: PlacedDriver = {
  name: 'node-rdkafka',
  command: process.execPath,
  args: [driverFile('node-rdkafka.mjs'), places.nodeRdkafka ?? ''],
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  features: [...features, 'addPartitions'],
  lack: lackOf(places.nodeRdkafka, 'node-rdkafka'),
};

export const confluent: PlacedDriver = {
  name: '@confluentinc/kafka-javascript',
  command: process.execPath,
  args: [driverFile('confluent.mjs'), places.confluent ?? ''],
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  features: [...features, 'binaryHeaders', 'deleteRecords', 'describeGroups'],
  lack: lackOf(places.confluent, '@confluentinc/kafka-javascript'),
};

export const python: PlacedDriver = {
  name: 'kafka-python',
  command: places.python ?? '',
  args: [driverFile('kafka_python.py')],
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  features: [...features, ...more],
  lack: lackOf(places.python, 'kafka-python'),
};

export function javaDriver(version: 3 | 4): PlacedDriver {
  const place = version === 3 ? places.java3 : places.java4;
  return {
    name: `the Java client ${version}`,
    command: javaProgram,
    args: ['-Xmx256m', '-cp', `${place}/*`, driverFile('KafkaDriver.java')],
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    features: [...features, ...more],
    lack: lackOf(place, `Kafka's Java client ${version}`),
  };
}

export function clientOf(driver: Driver): TestClient {
  return new ChildClient(driver);
}
