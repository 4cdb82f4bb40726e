// `qanat broker`: opens the stream set of a node, starts a broker on it, and stops both when it is told to.
//
// - stdout has two lines, when clients can connect; stderr has lines of JSON, and last of all, if this cannot start or
//   go on, one plain sentence.
// - The first signal stops it: requests under way are answered, everything is made durable and registered. A second one
//   ends the process at once, which loses nothing either; the next start takes longer.
// - The SDK is loaded for s3:// only, prom-client for --admin only.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { FileObjectStore, fileWal, isQanatError, objectWal, StreamSet, systemRuntime } from '../index.ts';
import type { CloseReason, ObjectStore, Observer, QanatEvents, WalFactory } from '../index.ts';
import type { BrokerLog } from '../kafka/broker-log.ts';
import type { BrokerSettingsInput } from '../kafka/broker-settings.ts';
import { Broker } from '../kafka/broker.ts';
import { checkPortFree } from '../kafka/free-port.ts';
import { KafkaRefusal } from '../kafka/kafka-error.ts';
import { engineObserver } from '../kafka/watching/engine-observer.ts';
import { JsonLines } from '../kafka/watching/json-lines.ts';
import { isWildcard, showAddress, type Address } from './addresses.ts';
import { parseBrokerOptions, type BrokerPlace, type BrokerRun } from './broker-options.ts';
import { brokerUsage } from './broker-usage.ts';
import { BrokerWatch } from './broker-watch.ts';
import { openStore } from './store-from-url.ts';

/** What a run is given by the program. */
export interface BrokerProgram {
  /** The words after `qanat broker`. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes text to stdout and to stderr. Neither throws. */
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
  /** Fires when the broker shall stop. */
  readonly stopped: AbortSignal;
}

/** A store that is open, and how appends to it become durable. */
interface OpenPlace {
  readonly store: ObjectStore;
  readonly wal: WalFactory | undefined;
  readonly title: string;
  readonly close: () => void;
}

/** Runs a broker until it is stopped or cannot go on. The exit status. */
export async function runBroker(program: BrokerProgram): Promise<number> {
  const { words, environment, print, printError, stopped } = program;
  const asked = parseBrokerOptions({ words, environment, readFile: (path) => readFileSync(path, 'utf8') });
  if ('help' in asked) {
    print(`${brokerUsage}\n`);
    return 0;
  }
  const sentence = (problem: string): void => printError(`qanat broker: ${problem}\n`);
  if ('problem' in asked) {
    sentence(asked.problem);
    return 2;
  }
  const log = new JsonLines({ write: printError, level: asked.run.level, runtime: systemRuntime });
  let place: OpenPlace | string | undefined;
  try {
    place = await openPlace(asked.run.place);
    const problem = typeof place === 'string' ? place : await watchAndServe(asked.run, place, log, program);
    if (problem === undefined) return 0;
    log.flush();
    sentence(problem);
    return typeof place === 'string' ? 2 : 1;
  } catch (cause) {
    if (stopped.aborted && cause === stopped.reason) return 0; // Stopped before it had started, it has nothing to say.
    log.flush();
    sentence(problemOf(cause));
    return 1;
  } finally {
    log.flush();
    if (typeof place === 'object') place.close();
  }
}

async function watchAndServe(
  run: BrokerRun,
  place: OpenPlace,
  log: BrokerLog,
  program: BrokerProgram,
): Promise<string | undefined> {
  await listening('--listen', run.listen, checkPortFree(run.listen));
  const watch = await listening('--admin', run.admin, BrokerWatch.start(run.admin, log));
  try {
    const streams = await StreamSet.open({
      node: run.node,
      store: place.store,
      wal: place.wal,
      observer: both(engineObserver(log), watch.meter?.observer),
      signal: program.stopped,
    });
    watch.opened(streams);
    try {
      await serve(run, place, log, program, watch, streams);
    } finally {
      watch.enters('closing');
      await streams.close();
    }
    return problemOfEnd(await streams.closed, run.node);
  } finally {
    await watch.close();
  }
}

/** Serves until it is told to stop, or the stream set has ended. */
async function serve(
  run: BrokerRun,
  place: OpenPlace,
  log: BrokerLog,
  { stopped, print }: BrokerProgram,
  watch: BrokerWatch,
  streams: StreamSet,
): Promise<void> {
  const { listen, rack, settings } = run;
  const starting = Broker.start({
    ...{ streams, listen, rack, log },
    settings: { ...settingsOf(run.place), ...settings },
    advertise: advertisedBy(run),
    meter: watch.meter?.meter,
  });
  const broker = await listening('--listen', listen, starting);
  try {
    watch.enters('serving');
    print(`${linesOfStart(run, place, broker.address.port, watch.address).join('\n')}\n`);
    await Promise.race([broker.closed, aborted(stopped)]);
    watch.enters('closing');
  } finally {
    await broker.close();
  }
}

/** What counts where nobody says otherwise. On one machine a consumer need not wait for more of its group. */
function settingsOf({ kind }: BrokerPlace): BrokerSettingsInput {
  return kind === 'data' ? { 'group.initial.rebalance.delay.ms': 0 } : {};
}

/** Where clients are sent. By the name of the machine, if it listens everywhere and nobody says more. */
function advertisedBy({ listen, advertise }: BrokerRun): { readonly host: string; readonly port?: number } {
  if (advertise !== undefined) return advertise;
  return { host: isWildcard(listen) ? hostname() : listen.host };
}

/** The two lines of a start: where it listens, and how to try it. */
function linesOfStart(run: BrokerRun, place: OpenPlace, port: number, admin: Address | undefined): readonly string[] {
  const listens = showAddress({ host: run.listen.host, port });
  const { host, port: toldPort = port } = advertisedBy(run);
  const told = showAddress({ host, port: toldPort });
  const sent = told === listens ? '' : `, and tells clients to connect to ${told}`;
  const guessed = sent !== '' && run.advertise === undefined ? ' (if that is wrong, say --advertise HOST:PORT)' : '';
  const metrics = admin === undefined ? '' : `; metrics at http://${showAddress(admin)}/metrics`;
  return [
    `qanat broker ${run.node} listens on ${listens}${sent}${guessed}; records are in ${place.title}${metrics}`,
    `try it: echo tea | kcat -P -b ${told} -t cups && kcat -C -e -b ${told} -t cups`,
  ];
}

/** Opens the store; or says what is wrong with how it was asked for. */
async function openPlace(place: BrokerPlace): Promise<OpenPlace | string> {
  if (place.kind === 'data') {
    const store = new FileObjectStore(place.directory);
    return { store, wal: undefined, title: place.directory, close: () => {} };
  }
  const opened = await openStore(place.url, { isMade: true });
  if (opened.store === undefined) return opened.problem;
  const { store, title, close } = opened;
  const wal = place.walDirectory === undefined ? objectWal() : fileWal({ directory: place.walDirectory });
  return { store, wal, title, close };
}

/** A server that cannot listen is a problem with the option that said where. */
class CannotListen extends Error {}

async function listening<T>(option: string, address: Address | undefined, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const why = whyNotListening((cause as NodeJS.ErrnoException).code);
    if (why === undefined || address === undefined) throw cause;
    throw new CannotListen(`it cannot listen on ${showAddress(address)}: ${why}; say another ${option} HOST:PORT`);
  }
}

function whyNotListening(code: string | undefined): string | undefined {
  if (code === 'EADDRINUSE') return 'the port is in use';
  if (code === 'EACCES') return 'this user may not';
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have that address';
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'there is no such host' : undefined;
}

/** What is wrong, as a sentence, if it is something that can happen; a bug is thrown on, with its stack. */
function problemOf(cause: unknown): string {
  const { code, message } = cause as { readonly code?: unknown; readonly message: string };
  const isOfMachine = typeof code === 'string' && /^E[A-Z]+$/.test(code);
  const isOurs = cause instanceof CannotListen || cause instanceof KafkaRefusal || isQanatError(cause);
  if (isOurs || isOfMachine || code === 'INVALID_ARGUMENT') return message;
  throw cause;
}

function problemOfEnd(reason: CloseReason, node: string): string | undefined {
  if (reason.status === 'closed') return undefined;
  if (reason.status === 'fenced')
    return `another process has taken over node ${node}; give each broker a --node of its own`;
  return `it could not go on: ${reason.error.message}`;
}

/** Two observers in one. */
function both(one: Observer, other: Observer | undefined): Observer {
  if (other === undefined) return one;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as ReadonlySet<keyof QanatEvents>;
  const tell = (name: keyof QanatEvents) => (facts: never) => {
    (one[name] as ((facts: never) => void) | undefined)?.(facts);
    (other[name] as ((facts: never) => void) | undefined)?.(facts);
  };
  return Object.fromEntries([...names].map((name) => [name, tell(name)]));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
