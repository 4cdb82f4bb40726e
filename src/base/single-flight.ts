// Concurrent callers of one key share one promise; nothing is kept once it has settled, so no failure is ever cached.

export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Promise<V>>();

  /** Whether there is a flight to join. */
  isFlying(key: K): boolean {
    return this.#flights.has(key);
  }

  /**
   * Joins the flight of `key`, or starts it. Whoever joined one that fails takes the next: the time of the first had
   * begun to run before this call.
   */
  async run(key: K, start: () => Promise<V>): Promise<V> {
    const flying = this.#flights.get(key);
    if (flying === undefined) return this.#start(key, start);
    try {
      return await flying;
    } catch {
      return this.#flights.get(key) ?? this.#start(key, start);
    }
  }

  #start(key: K, start: () => Promise<V>): Promise<V> {
    const flight = start().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
