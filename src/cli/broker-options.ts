// What a broker is asked for by its command line, the environment and a file of properties, in this order of weight.
// Pure: the file is read by whoever calls. What is wrong is told in one sentence, which names where it stands.
import { resolve } from 'node:path';
import type { LogLevel } from '../kafka/broker-log.ts';
import { brokerSettingNames, resolveBrokerSettings } from '../kafka/broker-settings.ts';
import { KafkaRefusal } from '../kafka/kafka-error.ts';
import { checkNodeName } from '../model/check-names.ts';
import { didYouMean } from '../testkit/wrong-argument.ts';
import { isWildcard, parseAddress, type Address } from './addresses.ts';
import { parseProperties } from './properties.ts';

/** Where records are kept. */
export type BrokerPlace =
  | { readonly kind: 'data'; readonly directory: string }
  | {
      readonly kind: 'store';
      readonly url: string;
      /** The directory of a file WAL; undefined for the object WAL. */
      readonly walDirectory: string | undefined;
    };

/** A broker as it was asked for. */
export interface BrokerRun {
  readonly place: BrokerPlace;
  readonly listen: Address;
  readonly advertise: Address | undefined;
  readonly admin: Address | undefined;
  readonly node: string;
  readonly rack: string | undefined;
  readonly level: LogLevel;
  readonly settings: Readonly<Record<string, string>>;
}

/** What was asked for, or what is wrong with it. */
export type AskedBroker = { readonly run: BrokerRun } | { readonly help: true } | { readonly problem: string };

/** What is looked at. */
export interface BrokerSources {
  /** The words after `qanat broker`. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Gives the text of a file; throws if it cannot. */
  readonly readFile: (path: string) => string;
}

/** Options that have one value each. */
const optionNames = ['data', 'store', 'wal', 'listen', 'advertise', 'admin', 'node', 'rack', 'log', 'config'] as const;

type OptionName = (typeof optionNames)[number];

/** A value, and where it stands. */
interface Given {
  readonly value: string;
  /** How a sentence about it begins: `--listen`, `QANAT_LISTEN`, `broker.properties, line 3: listen`. */
  readonly where: string;
}

/** What one source says. */
interface Source {
  readonly options: ReadonlyMap<OptionName, Given>;
  readonly settings: ReadonlyMap<string, Given>;
}

/** Travels from where something is found wrong to where it is told. */
class Wrong extends Error {}

/** Understands what a broker is asked for. */
export function parseBrokerOptions({ words, environment, readFile }: BrokerSources): AskedBroker {
  try {
    const line = sourceOfWords(words);
    if (line === 'help') return { help: true };
    const variables = sourceOfEnvironment(environment);
    const config = line.options.get('config') ?? variables.options.get('config');
    const file = config === undefined ? undefined : sourceOfFile(config, readFile);
    return { run: merged(file === undefined ? [line, variables] : [line, variables, file]) };
  } catch (cause) {
    if (cause instanceof Wrong) return { problem: cause.message };
    throw cause;
  }
}

function sourceOfWords(words: readonly string[]): Source | 'help' {
  if (words.includes('--help') || words.includes('-h')) return 'help';
  const options = new Map<OptionName, Given>();
  const settings = new Map<string, Given>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (!word.startsWith('-'))
      throw new Wrong(`there is nothing that ${JSON.stringify(word)} could be; a directory is given as --data DIR`);
    const [, option = word, inWord] = /^(--[^=]*)=([^]*)$/.exec(word) ?? [];
    const name = option.slice(2);
    const isKnown = option.startsWith('--') && (name === 'set' || isOption(name));
    if (!isKnown) {
      const near = didYouMean(option, ['--set', ...optionNames.map((known) => `--${known}`)]);
      throw new Wrong(`there is no option ${option}${near}`);
    }
    const value = inWord ?? words[++at];
    if (value === undefined || value === '' || (inWord === undefined && value.startsWith('--')))
      throw new Wrong(`${option} needs a value`);
    if (name === 'set') addSetting(settings, value, '--set');
    else if (options.has(name)) throw new Wrong(`${option} is given twice`);
    else options.set(name, { value, where: option });
  }
  return { options, settings };
}

function sourceOfEnvironment(environment: BrokerSources['environment']): Source {
  const options = new Map<OptionName, Given>();
  const settings = new Map<string, Given>();
  for (const name of optionNames) {
    const variable = `QANAT_${name.toUpperCase()}`;
    const value = environment[variable];
    if (value !== undefined && value !== '') options.set(name, { value, where: variable });
  }
  for (const text of (environment['QANAT_SET'] ?? '').split(/\s+/))
    if (text !== '') addSetting(settings, text, 'QANAT_SET');
  return { options, settings };
}

function sourceOfFile({ value: path, where }: Given, readFile: BrokerSources['readFile']): Source {
  let text: string;
  try {
    text = readFile(path);
  } catch (cause) {
    throw new Wrong(`${where} ${path} cannot be read: ${(cause as Error).message}`);
  }
  const options = new Map<OptionName, Given>();
  const settings = new Map<string, Given>();
  // As in Java the last one of a name counts: programs that write such files add lines at their ends.
  for (const { name, value, line } of parseProperties(text)) {
    const at = `${path}, line ${line}:`;
    if (name === 'config') throw new Wrong(`${at} a config file cannot name another one`);
    if (value === '') throw new Wrong(`${at} ${name} needs a value`);
    if (isOption(name)) options.set(name, { value, where: `${at} ${name}` });
    else if (brokerSettingNames.includes(name)) settings.set(name, { value, where: at });
    else throw new Wrong(`${at} ${unknownName(name, [...optionNames, ...brokerSettingNames])}`);
  }
  return { options, settings };
}

function addSetting(settings: Map<string, Given>, text: string, where: string): void {
  const [, name, value] = /^([^=]+)=([^]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined || value === '')
    throw new Wrong(`${where} takes name=value, such as num.partitions=3; got ${JSON.stringify(text)}`);
  if (!brokerSettingNames.includes(name)) throw new Wrong(`${where}: ${unknownName(name, brokerSettingNames)}`);
  settings.set(name, { value, where: `${where}:` });
}

function unknownName(name: string, known: readonly string[]): string {
  return `there is no setting ${JSON.stringify(name)}${didYouMean(name, known)}`;
}

function isOption(name: string): name is OptionName {
  return optionNames.some((known) => known === name);
}

/** Puts the sources together; the first one has most weight. */
function merged(sources: readonly Source[]): BrokerRun {
  const of = (name: OptionName): Given | undefined =>
    sources.find(({ options }) => options.has(name))?.options.get(name);
  const address = (name: OptionName): Address | undefined => addressOf(of(name));
  const advertise = address('advertise');
  if (advertise !== undefined && isWildcard(advertise))
    throw new Wrong(`${of('advertise')?.where} is no address that clients could connect to`);
  const rack = of('rack');
  if (rack !== undefined && rack.value.length > 255) throw new Wrong(`${rack.where} has at most 255 characters`);
  return {
    place: placeOf(sources),
    listen: address('listen') ?? { host: 'localhost', port: 9092 },
    advertise,
    admin: address('admin'),
    node: nodeOf(of('node')),
    rack: rack?.value,
    level: levelOf(of('log')),
    settings: settingsOf(sources),
  };
}

/** The source with most weight that names a place counts; a WAL that an outweighed source adds to its own does not. */
function placeOf(sources: readonly Source[]): BrokerPlace {
  const at = sources.findIndex(({ options }) => options.has('data') || options.has('store'));
  if (at < 0) throw new Wrong('it needs --data DIR or --store URL, to know where records are kept');
  const [data, store] = [sources[at]?.options.get('data'), sources[at]?.options.get('store')];
  if (data !== undefined && store !== undefined)
    throw new Wrong(`${data.where} and ${store.where} exclude each other; one says where records are kept`);
  const sourceOfWal = sources.findIndex(({ options }) => options.has('wal'));
  const wal = sources[sourceOfWal]?.options.get('wal');
  if (store !== undefined) return { kind: 'store', url: store.value, walDirectory: walDirectoryOf(wal) };
  if (wal !== undefined && sourceOfWal <= at)
    throw new Wrong(`${wal.where} goes with --store; a directory that is given with --data has its log beside it`);
  return { kind: 'data', directory: resolve((data as Given).value) };
}

function walDirectoryOf(wal: Given | undefined): string | undefined {
  if (wal === undefined || wal.value === 'object') return undefined;
  // `file:DIR`, and the URL that people may write instead.
  const [, directory] = /^file:(?:\/\/(?=\/))?([^]+)$/.exec(wal.value) ?? [];
  if (directory === undefined) throw new Wrong(`${wal.where} is object, or file:DIR; got ${JSON.stringify(wal.value)}`);
  return resolve(directory);
}

function addressOf(given: Given | undefined): Address | undefined {
  if (given === undefined) return undefined;
  const address = parseAddress(given.value);
  if (address !== undefined) return address;
  const examples = 'such as localhost:9092 or [::1]:9092';
  throw new Wrong(`${given.where} is a host and a port, ${examples}; got ${JSON.stringify(given.value)}`);
}

function nodeOf(given: Given | undefined): string {
  if (given === undefined) return 'broker-1';
  try {
    return checkNodeName(given.value);
  } catch (cause) {
    throw new Wrong(`${given.where}: ${(cause as Error).message}`);
  }
}

function levelOf(given: Given | undefined): LogLevel {
  const level = given?.value ?? 'info';
  if (level === 'error' || level === 'info' || level === 'debug') return level;
  throw new Wrong(`${given?.where} is error, info or debug; got ${JSON.stringify(level)}`);
}

/** The settings of all sources. Each value is checked by itself, so that it is told where the wrong one stands. */
function settingsOf(sources: readonly Source[]): Readonly<Record<string, string>> {
  const all = new Map<string, Given>();
  for (const { settings } of sources) {
    // What a source says in hours outweighs what a lighter one says of the same in milliseconds.
    const subjects = new Set([...all.keys()].map(subjectOf));
    for (const [name, given] of settings) if (!subjects.has(subjectOf(name))) all.set(name, given);
  }
  for (const [name, { value, where }] of all) {
    try {
      resolveBrokerSettings({ [name]: value });
    } catch (cause) {
      if (cause instanceof KafkaRefusal) throw new Wrong(`${where} ${cause.message}`);
      throw cause;
    }
  }
  return Object.fromEntries([...all].map(([name, { value }]) => [name, value]));
}

/** What a setting is about, whatever its unit. */
function subjectOf(name: string): string {
  return name.replace(/^(log\.retention)\.(ms|minutes|hours)$/, '$1');
}
