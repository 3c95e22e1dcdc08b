/** Push to talk: live while it is held, by pointer, Space or Enter. */

import { element, icon, setAttribute, setText } from "./dom.ts";
import { ICON } from "./icons.ts";

export class TalkButton {
  readonly root: HTMLButtonElement;
  readonly #text = element("span");
  readonly #onTalk: (talking: boolean) => void;
  #talking = false;
  /** The click that ends a press is not one of its own. */
  #pressed = false;

  constructor(onTalk: (talking: boolean) => void) {
    this.#onTalk = onTalk;
    this.root = element("button", { class: "talk", part: "button talk", type: "button", "aria-pressed": "false" }, icon(...ICON.mic), this.#text);
    const { root } = this;
    root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#pressed = true;
      // A finger that slides off the button goes on holding it.
      root.setPointerCapture(event.pointerId);
      this.#set(true);
    });
    for (const type of ["pointerup", "pointercancel", "blur"] as const) {
      root.addEventListener(type, () => {
        this.#set(false);
      });
    }
    root.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.#set(true);
    });
    root.addEventListener("keyup", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      this.#set(false);
    });
    // A long touch is a held button, not a menu.
    root.addEventListener("contextmenu", (event) => {
      event.preventDefault();
    });
    root.addEventListener("click", () => {
      // What cannot hold (a screen reader, a switch) clicks: once to talk, once to stop.
      if (!this.#pressed) this.#set(!this.#talking);
      this.#pressed = false;
    });
  }

  render(text: string, enabled: boolean): void {
    setText(this.#text, text);
    this.root.disabled = !enabled;
    if (!enabled) this.#set(false);
  }

  #set(talking: boolean): void {
    if (talking === this.#talking) return;
    this.#talking = talking;
    setAttribute(this.root, "aria-pressed", String(talking));
    this.#onTalk(talking);
  }
}
