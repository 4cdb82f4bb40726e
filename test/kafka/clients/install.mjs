// Fetches real Kafka clients into a folder outside of the repository, for the tests that run them: they are no
// dependencies of this package, not even for development, because some are compiled for minutes.
//
//   node test/kafka/clients/install.mjs DIR [--limit SECONDS] [--only NAME,...]
//
// Prints the environment to use as lines for a shell. What it does, and what cannot be had and why, goes to the
// standard error. What is in the folder already stays. Exit codes: 0 something is there; 3 nothing can be had here;
// 2 a wrong call.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whereIs } from '../../s3/server-process.mjs';
import { placesIn } from './places.mjs';

const usage = 'node test/kafka/clients/install.mjs DIR [--limit SECONDS] [--only NAME,...]';
const here = fileURLToPath(new URL('.', import.meta.url));
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const say = (line) => console.error(line);

/** Each part: the names in `placesIn` that it fills, how it is fetched, and what shows that it works. */
const parts = [
  {
    names: ['nodeRdkafka', 'rdkafkaPerformance'],
    install: () => npmPackage('node-rdkafka', 'node-rdkafka@~3.6'),
    check: () => run('node', ['-e', "require('node-rdkafka')"], { cwd: join(folder, 'node-rdkafka') }),
  },
  {
    names: ['confluent'],
    install: () => npmPackage('confluent', '@confluentinc/kafka-javascript@~1.10'),
    check: () => run('node', ['-e', "require('@confluentinc/kafka-javascript')"], { cwd: join(folder, 'confluent') }),
  },
  {
    names: ['python'],
    install: python,
    check: () => run(join(folder, 'python/venv/bin/python'), ['-c', 'import kafka']),
  },
  { names: ['kcat'], install: kcat, check: () => run(join(folder, 'kcat/kcat'), ['-V']) },
  { names: ['java3'], install: () => java('java-3', '3.9.2'), check: () => javaWorks('java-3') },
  { names: ['java4'], install: () => java('java-4', '4.3.1'), check: () => javaWorks('java-4') },
];

/** The variable of each client in the environment that is printed. */
const variables = {
  nodeRdkafka: 'KAFKA_NODE_RDKAFKA',
  confluent: 'KAFKA_CONFLUENT',
  rdkafkaPerformance: 'KAFKA_RDKAFKA_PERFORMANCE',
  python: 'KAFKA_PYTHON',
  kcat: 'KAFKA_KCAT',
  java3: 'KAFKA_JAVA_3',
  java4: 'KAFKA_JAVA_4',
};

const [directory, ...words] = process.argv.slice(2);
const given = { limit: '600', only: Object.keys(variables).join(',') };
if (directory === undefined || directory.startsWith('-')) refuse('a folder is missing');
for (let i = 0; i < words.length; i += 2) {
  const name = words[i].replace(/^--/, '');
  if (!(name in given) || words[i + 1] === undefined) refuse(`unknown or incomplete option ${words[i]}`);
  given[name] = words[i + 1];
}
if (!/^[1-9]\d{0,4}$/.test(given.limit)) refuse('--limit is a whole number of seconds');
const only = given.only.split(',');
for (const name of only) if (!(name in variables)) refuse(`there is no client '${name}'`);
const folder = resolve(directory);
if (!relative(repository, folder).startsWith('..')) refuse('the folder must be outside of the repository');

const deadline = Date.now() + Number(given.limit) * 1_000;
const groups = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    for (const group of groups) endGroup(group);
    process.exit(1);
  });

mkdirSync(folder, { recursive: true });
let headers;
await Promise.all(parts.filter(({ names }) => names.some((name) => only.includes(name))).map(installPart));
const there = Object.entries(placesIn(folder)).filter(([, place]) => place !== undefined);
if (there.length === 0) process.exitCode = 3;
else console.log(`export KAFKA_CLIENTS='${folder}'`);
for (const [name, place] of there) console.log(`export ${variables[name]}='${place}'`);

async function installPart({ names, install, check }) {
  const started = Date.now();
  const isThere = () => placesIn(folder)[names[0]] !== undefined;
  try {
    if (!isThere()) await install();
    if (!isThere()) throw new Error('it was installed, and is not there');
    await check();
    say(`${names.join(', ')}: there (${((Date.now() - started) / 1_000).toFixed(0)} s)`);
  } catch (cause) {
    say(`no ${names.join(', ')}: ${cause.message}`);
  }
}

/** A package with an addon, compiled here unless its makers have it ready and can be reached. */
async function npmPackage(name, wanted) {
  headers ??= moreHeaders();
  const place = freshFolder(name);
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
  // Without CKJS_LINKING, one of the packages fetches the sources of what it links with from places all over.
  const env = { ...(await headers), CKJS_LINKING: 'dynamic' };
  const done = await run('npm', ['install', '--no-audit', '--no-fund', wanted], { cwd: place, env }).catch((cause) => {
    rmSync(place, { recursive: true, force: true });
    throw cause;
  });
  return done;
}

/** What the compiler needs of libraries whose headers this machine has not; what cannot be had is left out. */
async function moreHeaders() {
  const packages = [
    ['zstd.h', 'libzstd-dev', 'libzstd1'],
    ['zlib.h', 'zlib1g-dev', 'zlib1g'],
    ['openssl/ssl.h', 'libssl-dev', 'libssl3'],
  ];
  const missing = packages.filter(([header]) => !existsSync(join('/usr/include', header)));
  if (missing.length === 0) return {};
  const place = freshFolder('headers');
  try {
    await debianPackages(
      place,
      missing.flatMap(([, ...names]) => names),
    );
  } catch (cause) {
    say(`compiled without ${missing.map(([header]) => header).join(', ')}: ${cause.message}`);
    return {};
  }
  const library = librariesIn(place);
  return { CPATH: join(place, 'usr/include'), LIBRARY_PATH: library };
}

async function python() {
  const place = freshFolder('python');
  await run('python3', ['-m', 'venv', 'venv'], { cwd: place });
  const pip = join(place, 'venv/bin/pip');
  await run(pip, ['install', '--quiet', 'kafka-python']);
  // Its codecs are packages of their own, and the other client is one of librdkafka: neither has to be there.
  for (const more of ['python-snappy', 'lz4', 'zstandard', 'confluent-kafka'])
    await run(pip, ['install', '--quiet', more]).catch((cause) => say(`python without ${more}: ${cause.message}`));
  writeFileSync(join(place, 'installed'), '');
}

/** The program of the machine, or Debian's, which need not be installed to run. */
async function kcat() {
  const place = freshFolder('kcat');
  const program = whereIs('kcat') ?? whereIs('kafkacat');
  let lines = `exec ${program} "$@"`;
  if (program === undefined) {
    await debianPackages(place, ['kcat', 'librdkafka1', 'libyajl2']);
    lines = `LD_LIBRARY_PATH=${librariesIn(place)} exec ${join(place, 'usr/bin/kcat')} "$@"`;
  }
  writeFileSync(join(place, 'kcat'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
}

/** Unpacks packages of Debian into a folder. */
async function debianPackages(place, names) {
  if (whereIs('apt-get') === undefined || whereIs('dpkg') === undefined) throw new Error('this is no Debian');
  const download = () => run('apt-get', ['download', ...names], { cwd: place });
  await download().catch(async () => {
    await run('apt-get', ['update']);
    await download();
  });
  for (const file of readdirSync(place).filter((name) => name.endsWith('.deb')))
    await run('dpkg', ['-x', join(place, file), place]);
}

function librariesIn(place) {
  const library = join(place, 'usr/lib');
  const [triplet] = readdirSync(library).filter((name) => name.includes('-linux-'));
  return join(library, triplet ?? '');
}

/** Kafka's own parts, with all that they need, from Maven's repository. */
async function java(name, version) {
  if (whereIs('java') === undefined) throw new Error('there is no Java');
  const place = freshFolder(`${name}.new`);
  copyFileSync(join(here, 'pom.xml'), join(place, 'pom.xml'));
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
  const where = `-DoutputDirectory=${join(folder, name)}`;
  await run('mvn', ['-q', '-B', `-Dkafka.version=${version}`, copy, where], { cwd: place });
  rmSync(place, { recursive: true, force: true });
}

function javaWorks(name) {
  return run('java', ['-cp', join(folder, name, '*'), 'org.apache.kafka.tools.TopicCommand', '--version']);
}

function freshFolder(name) {
  const place = join(folder, name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  return place;
}

/** Runs a program to its end, with everything that it starts, within what is left of the time. */
async function run(command, args, { cwd, env } = {}) {
  const left = deadline - Date.now();
  if (left <= 0) throw new Error(`there was no time left for ${command}`);
  const child = spawn(command, args, {
    ...{ cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  groups.add(child.pid);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endGroup(child.pid);
  }, left);
  const code = await new Promise((isDone) => {
    child.on('error', (cause) => isDone(cause.code));
    child.on('close', isDone);
  });
  clearTimeout(timer);
  groups.delete(child.pid);
  if (code === 0) return output;
  if (isLate) throw new Error(`${command} was not done within the limit`);
  throw new Error(`${command} ended with ${code}: ${output.trim().split('\n').slice(-3).join(' | ')}`);
}

function endGroup(group) {
  try {
    if (group !== undefined) process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function refuse(sentence) {
  say(`${sentence}\n${usage}`);
  process.exit(2);
}
