// A broker's log as lines of JSON: `{"time":…,"level":…,"msg":…, fields}`, one for each event, for machines to read and
// people to search.
//
// - It never throws, whatever it is given and whatever becomes of the place it writes to.
// - A line is bounded: messages, values and their number are. What did not fit is said to have been cut.
// - What looks like a secret is hidden, by the name of its field and by its shape in a text (hidden-secrets.ts).
// - One message has a few lines in a second; how many more there were is told when that second is over. A client that
//   sends garbage a thousand times a second, or a disk that is full, cannot fill the place where the log is kept.
import type { Runtime, Timer } from '../../index.ts';
import type { BrokerLog, LogFields, LogLevel } from '../broker-log.ts';
import { isSecretName, withoutSecrets } from './hidden-secrets.ts';
import { isoTime } from './iso-time.ts';

/** Where lines go, and which. */
export interface JsonLinesOptions {
  /** Takes a line with its end. What it throws is dropped. */
  readonly write: (line: string) => void;
  /** The least urgent level that is written. */
  readonly level: LogLevel;
  readonly runtime: Pick<Runtime, 'clock' | 'timers'>;
}

/** Lines with the same level and message in a second. */
export const linesPerSecondMax = 20;

/** Messages that are told apart within a second. They are constants, so this is for those who forget that. */
const messagesMax = 256;

const messageMaxLength = 500;
const nameMaxLength = 64;
const valueMaxLength = 1_000;
const fieldsMax = 32;
const fieldsMaxLength = 6_000;
const windowMs = 1_000;

const urgency: Readonly<Record<LogLevel, number>> = { error: 0, info: 1, debug: 2 };
const ownNames = new Set(['time', 'level', 'msg']);

/** Lines of a level and message in the second that goes on. */
interface Repeated {
  readonly level: LogLevel;
  readonly message: string;
  written: number;
  omitted: number;
}

export class JsonLines implements BrokerLog {
  readonly #write: (line: string) => void;
  readonly #urgencyMax: number;
  readonly #runtime: Pick<Runtime, 'clock' | 'timers'>;
  readonly #repeated = new Map<string, Repeated>();
  #window: Timer | undefined;

  constructor({ write, level, runtime }: JsonLinesOptions) {
    this.#write = write;
    this.#urgencyMax = urgency[level];
    this.#runtime = runtime;
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    try {
      if (urgency[level] > this.#urgencyMax) return;
      const text = shownText(message, messageMaxLength);
      if (this.#mayBeWritten(level, text)) this.#put(level, text, fields);
    } catch {
      // There is nowhere to tell that something cannot be told.
    }
  }

  /** Tells now how many lines were left out; what comes later is counted anew. */
  flush(): void {
    this.#window?.cancel();
    this.#window = undefined;
    const all = [...this.#repeated.values()];
    this.#repeated.clear();
    try {
      for (const { level, message, omitted } of all)
        if (omitted > 0) this.#put(level, message, { omitted, note: 'so many more lines of this message came' });
    } catch {
      // As above.
    }
  }

  #mayBeWritten(level: LogLevel, message: string): boolean {
    const isKnown = this.#repeated.has(`${level} ${message}`);
    const told =
      isKnown || this.#repeated.size < messagesMax ? message : 'Messages that are not told apart in this second.';
    const key = `${level} ${told}`;
    let one = this.#repeated.get(key);
    if (one === undefined) this.#repeated.set(key, (one = { level, message: told, written: 0, omitted: 0 }));
    this.#window ??= this.#runtime.timers.after(windowMs, () => this.flush(), { background: true });
    if (one.written < linesPerSecondMax) one.written += 1;
    else one.omitted += 1;
    return one.omitted === 0;
  }

  #put(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const time = isoTime(this.#runtime.clock.now());
    const head = `{"time":"${time}","level":"${level}","msg":${JSON.stringify(message)}`;
    this.#write(`${head}${fields === undefined ? '' : textOfFields(fields)}}\n`);
  }
}

/** `,"name":value` for each field that has a value, as many as fit. */
function textOfFields(fields: LogFields): string {
  let text = '';
  let count = 0;
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    const one = `,${textOfName(name)}:${textOfValue(name, value)}`;
    if (++count > fieldsMax || text.length + one.length > fieldsMaxLength) return `${text},"cut":true`;
    text += one;
  }
  return text;
}

/** A field cannot pass for one of the three that every line has. */
function textOfName(name: string): string {
  return JSON.stringify(ownNames.has(name) ? `${name}_` : name.slice(0, nameMaxLength));
}

function textOfValue(name: string, value: unknown): string {
  if (isSecretName(name)) return '"(hidden)"';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === 'boolean') return String(value);
  return JSON.stringify(shownText(String(value), valueMaxLength));
}

function shownText(text: string, length: number): string {
  const shown = withoutSecrets(text);
  return shown.length <= length ? shown : `${shown.slice(0, length)}… (${text.length} characters)`;
}
