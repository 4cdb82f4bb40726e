// Values of configurations: every one travels and is stored as text, and each definition says what that text may be.
import { KafkaRefusal } from '../kafka-error.ts';

/** What a value is, in Kafka's words. */
export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list';

/** What there is to say of one configuration. */
export interface ConfigDefinition {
  readonly type: ConfigType;
  /** The text that stands for a value which was not given. */
  readonly initial: string;
  readonly doc: string;
  readonly min?: number;
  readonly max?: number;
  /** Of a string: the values it may have. Of a list: what its elements may be. */
  readonly oneOf?: readonly string[];
  /** Kafka has it, and clients may have it in their scripts; it is listed only where it was set. */
  readonly isLegacy?: boolean;
}

/** What stands for "no limit" in a configuration of 64 bits. */
export const longMax = '9223372036854775807';

const bounds = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/** The value as it is stored: trimmed where that changes nothing. Refuses what is none with INVALID_CONFIG. */
export function checkedConfig(name: string, definition: ConfigDefinition, value: string): string {
  switch (definition.type) {
    case 'boolean':
      return checkedBoolean(name, value);
    case 'int':
    case 'long':
      return checkedInteger(name, definition, definition.type, value.trim());
    case 'double':
      return checkedDouble(name, definition, value.trim());
    case 'string':
      return checkedString(name, definition, value);
    case 'list':
      return checkedList(name, definition, value);
  }
}

/** The elements of a list. */
export function listOf(value: string): readonly string[] {
  const text = value.trim();
  return text === '' ? [] : text.split(/\s*,\s*/);
}

function checkedBoolean(name: string, value: string): string {
  const text = value.trim().toLowerCase();
  if (text === 'true' || text === 'false') return text;
  throw invalid(name, value, 'it is true or false');
}

function checkedInteger(name: string, { min, max }: ConfigDefinition, type: 'int' | 'long', text: string): string {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw invalid(name, text, `it is an integer of ${type === 'int' ? 32 : 64} bits`);
  const number = BigInt(text.replace('+', ''));
  const [least, most] = bounds[type];
  if (number < least || number > most)
    throw invalid(name, text, `it is an integer of ${type === 'int' ? 32 : 64} bits`);
  checkBounds(name, text, Number(number), min, max);
  return text;
}

function checkedDouble(name: string, { min, max }: ConfigDefinition, text: string): string {
  const number = text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) throw invalid(name, text, 'it is a number');
  checkBounds(name, text, number, min, max);
  return text;
}

function checkBounds(name: string, text: string, number: number, min: number | undefined, max: number | undefined) {
  if (min !== undefined && number < min) throw invalid(name, text, `it is at least ${min}`);
  if (max !== undefined && number > max) throw invalid(name, text, `it is at most ${max}`);
}

function checkedString(name: string, { oneOf }: ConfigDefinition, value: string): string {
  const text = value.trim();
  if (oneOf !== undefined && !oneOf.includes(text)) throw invalid(name, value, `it is one of ${oneOf.join(', ')}`);
  return text;
}

function checkedList(name: string, { oneOf }: ConfigDefinition, value: string): string {
  const elements = listOf(value);
  if (oneOf === undefined) return elements.join(',');
  if (elements.length === 0) throw invalid(name, value, `it names at least one of ${oneOf.join(', ')}`);
  for (const element of elements)
    if (!oneOf.includes(element)) throw invalid(name, value, `its elements are of ${oneOf.join(', ')}`);
  return [...new Set(elements)].join(',');
}

function invalid(name: string, value: string, must: string): KafkaRefusal {
  const shown = value.length > 80 ? `${value.slice(0, 77)}...` : value;
  return new KafkaRefusal('INVALID_CONFIG', `Invalid value ${shown} for configuration ${name}: ${must}.`);
}
