// Names of topics: which are legal, and which two would be one in the names of metrics.
import { KafkaRefusal } from '../kafka-error.ts';

const nameMaxLength = 249;

/** Refuses what is no name of a topic with INVALID_TOPIC_EXCEPTION. */
export function checkTopicName(name: string): void {
  const problem = problemOf(name);
  if (problem !== undefined) throw new KafkaRefusal('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${problem}.`);
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return `it cannot be "." or ".."`;
  if (name.length > nameMaxLength) return `it has ${name.length} characters, and ${nameMaxLength} is the most`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return 'it contains a character other than ASCII letters and digits, ".", "_" and "-"';
  return undefined;
}

/** What a name is in the name of a metric: two topics of which this is the same cannot exist together. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_');
}
