// The error of the test kit for a wrong argument: like everywhere in the package, a TypeError with a code. Where a name
// is not known, it says which known one comes nearest.

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

/** Refuses what is no object, or has a field that nobody would look at. */
export function checkFields(given: unknown, known: readonly string[], what: string): void {
  if (typeof given !== 'object' || given === null) throw wrongArgument(`${what} is an object; got ${shown(given)}`);
  const strange = Object.keys(given).find((name) => !known.includes(name));
  if (strange === undefined) return;
  throw wrongArgument(`${what} has no field ${strange}; it has ${known.join(', ')}${didYouMean(strange, known)}`);
}

/** The end of a sentence about an unknown name: the known one that shares most with it, if any shares anything. */
export function didYouMean(name: unknown, known: readonly string[]): string {
  if (typeof name !== 'string') return '';
  let [nearest, most] = ['', 0];
  for (const candidate of known) {
    const likeness = likenessOf(name, candidate);
    if (likeness > most) [nearest, most] = [candidate, likeness];
  }
  return nearest === '' ? '' : `; did you mean '${nearest}'?`;
}

/** How many of their pairs of neighbouring letters two names share: 0 for none, 1 for all. */
function likenessOf(a: string, b: string): number {
  const [own, others] = [pairsOf(a), pairsOf(b)];
  let shared = 0;
  for (const pair of own) if (others.has(pair)) shared += 1;
  return shared === 0 ? 0 : (2 * shared) / (own.size + others.size);
}

function pairsOf(name: string): ReadonlySet<string> {
  const letters = name.toLowerCase();
  return new Set(Array.from({ length: Math.max(0, letters.length - 1) }, (_, i) => letters.slice(i, i + 2)));
}
