// Assertions for bugs. What an assertion guards is never an operating error: a broken one ends the stream set
// ('failed') and is never caught on the way.

/** A bug in this package, or in a component given to it: something that the code holds to be impossible. */
export class InvariantError extends Error {
  override readonly name: 'InvariantError' = 'InvariantError';
}

/** Throws InvariantError unless `condition` holds. The message may be lazy where building it costs something. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === 'string' ? message : message());
}
