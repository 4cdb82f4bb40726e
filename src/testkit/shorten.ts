// Makes a failing list shorter: leaves out halves, quarters, … single items, as long as what remains still fails.

/** The shortest list found for which `fails` holds, which it does for `items`. Asks at most `triesMax` times. */
export async function shorten<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  triesMax: number,
): Promise<readonly T[]> {
  let shortest = items;
  let tries = 0;
  for (let size = Math.ceil(items.length / 2); size >= 1;) {
    let shortened = false;
    for (let from = shortest.length - size; from >= 0 && tries < triesMax; from -= size) {
      const candidate = [...shortest.slice(0, from), ...shortest.slice(from + size)];
      tries += 1;
      if (candidate.length === 0 || !(await fails(candidate))) continue;
      shortest = candidate;
      shortened = true;
    }
    if (tries >= triesMax || (size === 1 && !shortened)) break;
    if (!shortened || size > 1) size = Math.max(1, Math.floor(size / 2));
  }
  return shortest;
}
