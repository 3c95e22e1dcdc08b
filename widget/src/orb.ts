/** The orb: five bars that follow the voice being heard, in a ring that follows the visitor's. */

import { element } from "./dom.ts";
import { BANDS, SILENCE, loudness, type LevelMeter } from "./level.ts";

/** The middle bar is the tallest: it takes the band a voice has most of. */
const ORDER = [4, 2, 0, 1, 3] as const;
/** Quieter than this, nobody speaks. */
const AUDIBLE = 0.12;

export class Orb {
  readonly root: HTMLElement;
  readonly #bars = Array.from({ length: BANDS }, () => element("i"));
  readonly #still = matchMedia("(prefers-reduced-motion: reduce)");
  #frame = 0;

  constructor() {
    this.root = element("div", { class: "orb", part: "orb", "aria-hidden": "true" }, ...this.#bars);
  }

  /** Draws the meter at every frame until `stop`. */
  start(meter: LevelMeter): void {
    if (this.#frame !== 0) return;
    const draw = () => {
      this.#frame = requestAnimationFrame(draw);
      if (!this.#still.matches) this.draw(meter.read("bot"), meter.read("user"));
    };
    this.#frame = requestAnimationFrame(draw);
  }

  stop(): void {
    if (this.#frame === 0) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.draw(SILENCE, SILENCE);
  }

  /** @param bot the bot's bands. @param user the visitor's. */
  draw(bot: readonly number[], user: readonly number[]): void {
    const shown = loudness(bot) >= AUDIBLE ? bot : user;
    this.#bars.forEach((bar, index) => {
      bar.style.setProperty("--level", (shown[ORDER[index] ?? 0] ?? 0).toFixed(2));
    });
    this.root.style.setProperty("--user", loudness(user).toFixed(2));
  }
}
