// How long answers took lately, by about how large they were: enough to tell an answer that is late from one that is
// large. Old times are forgotten as new ones come.

/** Answers of up to so many bytes are alike; larger ones are, too. */
const classMaxBytes: readonly number[] = [64, 256, 1024, 4096].map((kibibytes) => kibibytes * 1024);
/** Times remembered of each class. */
const rememberedMax = 128;
/** With fewer, nothing is known. */
const knownMin = 32;
/** New times after which the usual one is looked up anew. */
const renewedAfter = 8;
/** Of all answers, this many come within the usual time. */
const usualShare = 0.95;

interface SizeClass {
  readonly times: Float64Array;
  count: number;
  usualMs: number | undefined;
}

export class RecentTimes {
  readonly #classes: readonly SizeClass[] = [...classMaxBytes, Infinity].map(() => {
    return { times: new Float64Array(rememberedMax), count: 0, usualMs: undefined };
  });

  /** An answer of about this size took so long. */
  add(sizeBytes: number, durationMs: number): void {
    const sizeClass = this.#classOf(sizeBytes);
    const { times } = sizeClass;
    times[sizeClass.count % rememberedMax] = durationMs;
    sizeClass.count += 1;
    if (sizeClass.count < knownMin || sizeClass.count % renewedAfter !== 0) return;
    const known = times.slice(0, Math.min(sizeClass.count, rememberedMax)).sort();
    sizeClass.usualMs = known[Math.ceil(known.length * usualShare) - 1];
  }

  /** The time within which 95 of 100 answers of about this size came lately; undefined while too few have. */
  usualMs(sizeBytes: number): number | undefined {
    return this.#classOf(sizeBytes).usualMs;
  }

  #classOf(sizeBytes: number): SizeClass {
    const index = classMaxBytes.findIndex((maxBytes) => sizeBytes <= maxBytes);
    return this.#classes[index < 0 ? classMaxBytes.length : index]!;
  }
}
