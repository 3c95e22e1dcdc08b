/** What the visitor agrees to before anything starts: the site's text, or what it put in the slot. */

import { element, setText, toggle } from "./dom.ts";
import type { Texts } from "./texts.ts";

export class ConsentView {
  readonly root: HTMLElement;
  readonly #own = element("span");
  readonly #slot = element("slot", { name: "consent" }, this.#own);
  readonly #remember = element("input", { type: "checkbox", id: "va-remember" });
  readonly #rememberText = element("span");
  readonly #agree = element("button", { class: "action primary", part: "button action", type: "button" });
  readonly #decline = element("button", { class: "action", part: "button action", type: "button" });

  constructor(onAnswer: (agreed: boolean, remember: boolean) => void) {
    this.root = element(
      "div",
      { class: "consent", part: "consent" },
      element("div", { class: "consent-text", tabindex: "0", role: "group" }, this.#slot),
      element("label", { class: "check" }, this.#remember, this.#rememberText),
      element("div", { class: "actions" }, this.#agree, this.#decline),
    );
    this.#agree.addEventListener("click", () => {
      onAnswer(true, this.#remember.checked);
    });
    this.#decline.addEventListener("click", () => {
      onAnswer(false, false);
    });
  }

  /** @param text the site's text; the slot's content goes before it. */
  render(asking: boolean, text: string, texts: Texts): void {
    const appears = asking && this.root.hidden;
    toggle(this.root, asking);
    if (!asking) return;
    setText(this.#own, text);
    setText(this.#rememberText, texts.consentRemember);
    setText(this.#agree, texts.consentAgree);
    setText(this.#decline, texts.consentDecline);
    const box = this.root.firstElementChild;
    box?.setAttribute("aria-label", text);
    if (appears) this.#remember.checked = false;
  }

  /** The question that was asked; read out because it takes the focus. */
  focus(): void {
    (this.root.firstElementChild as HTMLElement | null)?.focus({ preventScroll: true });
  }
}
