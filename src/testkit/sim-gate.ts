// What stands between a simulated process and the world: while it is shut, nothing that the process waits for reaches
// it; when the process is dead, nothing ever does. Whatever has happened while it was shut comes in its order.

export class SimGate {
  #state: 'open' | 'shut' | 'dead' = 'open';
  #waiting: (() => void)[] = [];

  get state(): 'open' | 'shut' | 'dead' {
    return this.#state;
  }

  shut(): void {
    if (this.#state === 'open') this.#state = 'shut';
  }

  open(): void {
    if (this.#state !== 'shut') return;
    this.#state = 'open';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pass of waiting) this.whenOpen(pass); // One of them may shut it again.
  }

  die(): void {
    this.#state = 'dead';
    this.#waiting = [];
  }

  /** Calls `pass`: at once where the gate is open, when it opens where it is shut, never where the process is dead. */
  whenOpen(pass: () => void): void {
    if (this.#state === 'open') pass();
    else if (this.#state === 'shut') this.#waiting.push(pass);
  }

  /** Resolves when the gate is open. */
  async passed(): Promise<void> {
    if (this.#state !== 'open') await new Promise<void>((resolve) => this.whenOpen(resolve));
  }

  /** The outcome of something that goes on outside, when the process may know it. */
  async answer<T>(outside: Promise<T>): Promise<T> {
    try {
      const value = await outside;
      await this.passed();
      return value;
    } catch (cause) {
      await this.passed();
      throw cause;
    }
  }
}
