/** What goes on by time alone while a call is seen: captions, a countdown, and a thought that ends. */

import { isLive, type State } from "./state.ts";

/** An answer that does not come: after this the bot listens again. */
const THINKING_LIMIT_MS = 12_000;
/** A function call may take longer than a thought. */
const TOOL_LIMIT_MS = 60_000;
const TICK_MS = 120;

export class Clocks {
  readonly #onTick: () => void;
  readonly #onThoughtOver: () => void;
  #tick: ReturnType<typeof setInterval> | undefined;
  #thought: ReturnType<typeof setTimeout> | undefined;

  constructor(onTick: () => void, onThoughtOver: () => void) {
    this.#onTick = onTick;
    this.#onThoughtOver = onThoughtOver;
  }

  /** The state is another one. */
  restart(state: State): void {
    clearTimeout(this.#thought);
    if (state.phase !== "thinking") return;
    this.#thought = setTimeout(this.#onThoughtOver, state.tools > 0 ? TOOL_LIMIT_MS : THINKING_LIMIT_MS);
  }

  /** Ticks only for what is seen, and for a countdown, which starts a call. */
  run(state: State, open: boolean): void {
    if (state.phase === "retrying" || (open && isLive(state))) this.#tick ??= setInterval(this.#onTick, TICK_MS);
    else this.#stopTick();
  }

  stop(): void {
    clearTimeout(this.#thought);
    this.#stopTick();
  }

  #stopTick(): void {
    clearInterval(this.#tick);
    this.#tick = undefined;
  }
}
