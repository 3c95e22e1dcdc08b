/** The texts in the language of the page, with the site's own laid over them. */

import type { Config } from "./config.ts";
import { loadTexts, type Language } from "./languages.ts";
import { chosenLanguage } from "./placement.ts";
import { ENGLISH, chatTexts, mergeTexts, type TextOverrides, type Texts } from "./texts.ts";

interface WordingHost extends Element {
  readonly texts: TextOverrides | undefined;
}

export class Wording {
  readonly #host: WordingHost;
  readonly #onLoaded: () => void;
  #language: Language = "en";
  #texts: Texts | null = ENGLISH;

  /** @param onLoaded called when a language that was chosen has arrived. */
  constructor(host: WordingHost, onLoaded: () => void) {
    this.#host = host;
    this.#onLoaded = onLoaded;
  }

  /** Of the texts that are shown: English where another language did not arrive. */
  get language(): Language {
    return this.#texts === ENGLISH ? "en" : this.#language;
  }

  /** False while the language's chunk is on its way. */
  get ready(): boolean {
    return this.#texts !== null;
  }

  /** The texts now; loads another language when the page's has changed. */
  read(mode: Config["mode"]): Texts {
    this.#choose(chosenLanguage(this.#host));
    const texts = mergeTexts(this.#host.texts, this.#texts ?? ENGLISH);
    return mode === "text" ? chatTexts(texts) : texts;
  }

  #choose(language: Language): void {
    if (language === this.#language) return;
    this.#language = language;
    this.#texts = language === "en" ? ENGLISH : null;
    if (this.#texts !== null) return;
    const use = (texts: Texts) => {
      if (this.#language !== language) return;
      this.#texts = texts;
      this.#onLoaded();
    };
    loadTexts(language).then(use, () => {
      // Better English than nothing.
      if (this.#language !== language) return;
      this.#texts = ENGLISH;
      this.#onLoaded();
    });
  }
}
