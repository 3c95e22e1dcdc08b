/** One to five stars and a few words, after the call. Where they go is the page's business. */

import { element, icon, setAttribute, setText, toggle } from "./dom.ts";
import { ICON } from "./icons.ts";
import type { Texts } from "./texts.ts";

export interface Rating {
  /** 1 (bad) to 5 (good). */
  readonly stars: number;
  readonly comment: string;
}

const STARS = [1, 2, 3, 4, 5] as const;
const MAX_COMMENT_CHARS = 1_000;

export class RatingView {
  readonly root: HTMLElement;
  readonly #question = element("legend");
  readonly #stars = STARS.map((count) => {
    const input = element("input", { type: "radio", name: "va-stars", value: String(count) });
    return { count, input, label: element("label", { class: "star" }, input, icon(...ICON.star)) };
  });
  readonly #comment = element("textarea", { class: "comment", rows: "2", maxlength: String(MAX_COMMENT_CHARS) });
  readonly #send = element("button", { class: "action primary", part: "button action", type: "submit" });
  readonly #form: HTMLFormElement;
  readonly #thanks = element("p", { class: "thanks", role: "status" });
  #chosen = 0;

  constructor(onRating: (rating: Rating) => void) {
    const row = element("div", { class: "stars" }, ...this.#stars.map(({ label }) => label));
    this.#form = element("form", {}, element("fieldset", {}, this.#question, row), this.#comment, this.#send);
    this.root = element("div", { class: "rating", part: "rating" }, this.#form, this.#thanks);
    row.addEventListener("change", () => {
      this.#choose(this.#stars.find(({ input }) => input.checked)?.count ?? 0);
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#chosen > 0) onRating({ stars: this.#chosen, comment: this.#comment.value.trim() });
    });
  }

  render(asks: boolean, rated: boolean, texts: Texts): void {
    if (asks && this.root.hidden) this.#choose(0);
    toggle(this.root, asks);
    if (!asks) return;
    toggle(this.#form, !rated);
    setText(this.#thanks, rated ? texts.ratingThanks : "");
    setText(this.#question, texts.ratingQuestion);
    setText(this.#send, texts.ratingSend);
    setAttribute(this.#comment, "placeholder", texts.ratingComment);
    setAttribute(this.#comment, "aria-label", texts.ratingComment);
    for (const { count, input } of this.#stars) {
      setAttribute(input, "aria-label", texts.ratingStars.replace("{count}", String(count)));
    }
  }

  #choose(stars: number): void {
    this.#chosen = stars;
    for (const { count, input, label } of this.#stars) {
      input.checked = count === stars;
      label.classList.toggle("is-lit", count <= stars);
    }
    if (stars === 0) this.#comment.value = "";
    toggle(this.#comment, stars > 0);
    toggle(this.#send, stars > 0);
  }
}
