// Where in the folder that install.mjs fills each client is: the one place that knows. What is not there is undefined.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The clients that are in a folder, by name. */
export function placesIn(folder) {
  return {
    nodeRdkafka:
      found(folder, 'node-rdkafka/node_modules/node-rdkafka/build/Release/node-librdkafka.node') &&
      join(folder, 'node-rdkafka'),
    confluent:
      found(
        folder,
        'confluent/node_modules/@confluentinc/kafka-javascript/build/Release/confluent-kafka-javascript.node',
      ) && join(folder, 'confluent'),
    rdkafkaPerformance: found(
      folder,
      'node-rdkafka/node_modules/node-rdkafka/deps/librdkafka/examples/rdkafka_performance',
    ),
    python: found(folder, 'python/installed') && join(folder, 'python/venv/bin/python'),
    kcat: found(folder, 'kcat/kcat'),
    java3: jars(folder, 'java-3'),
    java4: jars(folder, 'java-4'),
  };
}

function found(folder, path) {
  const whole = join(folder, path);
  return existsSync(whole) ? whole : undefined;
}

function jars(folder, path) {
  const whole = join(folder, path);
  if (!existsSync(whole)) return undefined;
  return readdirSync(whole).some((file) => file.startsWith('kafka-tools-')) ? whole : undefined;
}
