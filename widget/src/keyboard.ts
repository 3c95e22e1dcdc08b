/**
 * Keeps the panel above the on-screen keyboard.
 *
 * Phones lay the keyboard over the page and move neither the page's edge nor what is fixed to it; only
 * the visual viewport tells how much of the window is left.
 */

/** Less than any keyboard: the bars of a browser that come and go. */
const LEAST_PX = 80;

export class Keyboard {
  readonly #panel: HTMLElement;
  readonly #viewport: VisualViewport | null;

  /** @param panel gets `--_keyboard`, the height that the keyboard covers. */
  constructor(panel: HTMLElement, viewport: VisualViewport | null = window.visualViewport) {
    this.#panel = panel;
    this.#viewport = viewport;
    viewport?.addEventListener("resize", this.#onChange);
    viewport?.addEventListener("scroll", this.#onChange);
  }

  stop(): void {
    this.#viewport?.removeEventListener("resize", this.#onChange);
    this.#viewport?.removeEventListener("scroll", this.#onChange);
  }

  readonly #onChange = (): void => {
    if (this.#viewport === null) return;
    this.#panel.style.setProperty("--_keyboard", `${coveredPx(window.innerHeight, this.#viewport).toString()}px`);
  };
}

/** How much of the window's lower end is covered, in CSS pixels; a page that is zoomed in covers nothing. */
export function coveredPx(windowPx: number, { height, offsetTop, scale }: Pick<VisualViewport, "height" | "offsetTop" | "scale">): number {
  const covered = Math.round(windowPx - height - offsetTop);
  return scale > 1.01 || covered < LEAST_PX ? 0 : covered;
}
