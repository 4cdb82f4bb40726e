// The error of the test kit for a wrong argument: like everywhere in the package, a TypeError with a code.

/** A TypeError with `code: 'INVALID_ARGUMENT'` and a sentence that says what is right. */
export function wrongArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'INVALID_ARGUMENT' as const });
}

/** A value as it looks in such a sentence. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? 'an object';
  return String(value);
}
