// What the drivers in JavaScript have in common: requests as lines of JSON in, answers out. `operations` has a function
// for each operation, which is given the arguments; `codeOf` finds Kafka's error code in what it throws.
import { createInterface } from 'node:readline';

export function serve(operations, codeOf) {
  createInterface({ input: process.stdin })
    .on('line', (line) => void answer(JSON.parse(line)))
    .on('close', () => process.exit(0));

  async function answer({ id, op, args }) {
    let said;
    try {
      if (!(op in operations)) throw new Error(`the driver has no ${op}`);
      said = { id, result: await operations[op](args) };
    } catch (cause) {
      said = { id, error: { code: codeOf(cause) ?? null, message: String(cause?.message ?? cause) } };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

export const packed = (bytes) => (bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64'));
export const unpacked = (text) => (text === null ? null : Buffer.from(text, 'base64'));
export const pause = (ms) => new Promise((isDone) => setTimeout(isDone, ms));

/** A promise of what a function with a callback gives. */
export const called = (work) =>
  new Promise((isDone, fail) => work((cause, result) => (cause ? fail(cause) : isDone(result))));
