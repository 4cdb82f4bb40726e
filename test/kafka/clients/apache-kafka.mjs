// Apache Kafka itself, one node that is broker and controller: the judge of the tests of real clients, which have to
// hold on it as well, and the measure of speed. It needs the Java parts that install.mjs fetches.
//
//   node test/kafka/clients/apache-kafka.mjs start|stop DIR [--port N] [--clients DIR] [--java 3|4] [--set NAME=VALUE]...
//
// `start` formats a folder that is new, starts the server, waits until it answers, and prints the environment to use.
// Exit codes: 0 it runs, or is stopped; 3 it cannot be had here; 2 a wrong call; 1 anything else.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { endServer, freePorts, pause, run, runningServers, startServer } from '../../s3/server-process.mjs';
import { placesIn } from './places.mjs';

const usage = `node test/kafka/clients/apache-kafka.mjs start|stop DIR
  [--port N] [--clients DIR] [--java 3|4] [--set NAME=VALUE]...`;
const startLimitMs = 60_000;

const [command, directory, ...words] = process.argv.slice(2);
const given = { port: undefined, clients: process.env['KAFKA_CLIENTS'], java: '4', set: [] };
if (directory === undefined || directory.startsWith('-')) refuse('a command and a folder are missing');
for (let i = 0; i < words.length; i += 2) {
  const name = words[i].replace(/^--/, '');
  const value = words[i + 1];
  if (!(name in given) || value === undefined) refuse(`unknown or incomplete option ${words[i]}`);
  if (name === 'set') given.set.push(value);
  else given[name] = value;
}
const folder = resolve(directory);

try {
  if (command === 'start') await start();
  else if (command === 'stop') await endServer(folder, 'apache-kafka');
  else refuse(`there is no command '${command}'`);
} catch (cause) {
  console.error(cause.message);
  process.exitCode = 1;
}

async function start() {
  const jars = given.clients === undefined ? undefined : placesIn(resolve(given.clients))[`java${given.java}`];
  if (jars === undefined) {
    console.error('Apache Kafka cannot be had: install.mjs fetches it, and --clients or KAFKA_CLIENTS says where to');
    process.exitCode = 3;
    return;
  }
  mkdirSync(folder, { recursive: true });
  if (runningServers(folder).length > 0) throw new Error(`Apache Kafka runs in ${folder} already: stop it first`);
  const [freePort, controllerPort] = await freePorts(2);
  const port = given.port === undefined ? freePort : Number(given.port);
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, propertiesOf(port, controllerPort));
  const java = ['-cp', join(jars, '*'), '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
  if (!existsSync(join(folder, 'data', 'meta.properties'))) {
    const format = [
      'kafka.tools.StorageTool',
      'format',
      '--cluster-id',
      '4L6g3nShT-eMCtK--X86sw',
      '--config',
      properties,
    ];
    await run('java', [...java, ...format], { limitMs: startLimitMs });
  }
  startServer(folder, 'apache-kafka', 'java', ['-Xmx1G', '-Xms1G', '-XX:+UseG1GC', ...java, 'kafka.Kafka', properties]);
  await untilOpen(port);
  console.error(`Apache Kafka runs in ${folder}`);
  console.log(`export KAFKA_BOOTSTRAP=127.0.0.1:${port}`);
}

/** Kafka's own defaults, but for what one node needs, and for what `--set` says. */
function propertiesOf(port, controllerPort) {
  const listeners = `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`;
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=${listeners}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${join(folder, 'data')}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    ...given.set,
    '',
  ].join('\n');
}

async function untilOpen(port) {
  for (const deadline = Date.now() + startLimitMs; ; await pause(200)) {
    const isOpen = await new Promise((isDone) => {
      const socket = connect(port, '127.0.0.1', () => isDone(true));
      socket.on('error', () => isDone(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    if (runningServers(folder).length === 0) throw new Error(`Apache Kafka has ended: see ${folder}/apache-kafka.out`);
    if (Date.now() > deadline) throw new Error(`Apache Kafka did not listen in ${startLimitMs} ms`);
  }
}

function refuse(sentence) {
  console.error(`${sentence}\n${usage}`);
  process.exit(2);
}
