/** Timers by name, which end with what they belong to. */

export class Timers {
  readonly #running = new Map<string, ReturnType<typeof setTimeout>>();
  #over = false;

  /** Runs something later, in place of what waits under the same name. */
  later(name: string, delayMs: number, run: () => void): void {
    this.cancel(name);
    if (this.#over) return;
    this.#running.set(
      name,
      setTimeout(() => {
        this.#running.delete(name);
        run();
      }, delayMs),
    );
  }

  cancel(name: string): void {
    clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  /** For good. */
  stop(): void {
    this.#over = true;
    for (const timer of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }
}
