// Requests that name a thing twice: neither naming counts, because nobody knows which was meant.

/** What occurs more than once. */
export function repeated<T>(values: Iterable<T>): ReadonlySet<T> {
  const once = new Set<T>();
  const twice = new Set<T>();
  for (const value of values) (once.has(value) ? twice : once).add(value);
  return twice;
}
