// Values of a label, of which there may be only so many: each one is a series that is kept for the life of the process.

/** What stands for all names after the first so many. */
export const otherName = 'other';

/** Keeps the first names that it meets, and gives `other` for the rest. */
export class BoundedNames {
  readonly #known = new Set<string>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#max) return otherName;
    this.#known.add(name);
    return name;
  }
}
