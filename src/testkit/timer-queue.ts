// Calls that wait for their time, earliest first; of those due at the same time, the one scheduled first. A binary
// heap: a simulated world schedules millions.

interface Scheduled {
  readonly dueMs: number;
  readonly sequence: number;
  run: (() => void) | undefined;
}

export class TimerQueue {
  readonly #heap: Scheduled[] = [];
  #sequence = 0;
  #size = 0;

  /** Calls that are due some time and have not been cancelled. */
  get size(): number {
    return this.#size;
  }

  /** Schedules a call; gives what cancels it. */
  add(dueMs: number, run: () => void): () => void {
    const scheduled: Scheduled = { dueMs, sequence: this.#sequence++, run };
    this.#heap.push(scheduled);
    this.#rise(this.#heap.length - 1);
    this.#size += 1;
    return () => {
      if (scheduled.run === undefined) return;
      scheduled.run = undefined; // It stays in the heap, empty, until its turn.
      this.#size -= 1;
    };
  }

  /** Takes out the earliest call. */
  take(): { readonly dueMs: number; readonly run: () => void } | undefined {
    for (let top = this.#pop(); top !== undefined; top = this.#pop()) {
      const { dueMs, run } = top;
      if (run === undefined) continue;
      top.run = undefined;
      this.#size -= 1;
      return { dueMs, run };
    }
    return undefined;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top !== undefined && last !== undefined && heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    return top;
  }

  #rise(index: number): void {
    const heap = this.#heap;
    for (let at = index; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at]!, heap[parent]!)) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.dueMs !== b.dueMs ? a.dueMs < b.dueMs : a.sequence < b.sequence;
}
