/** The transcript on the page: one node per entry, changed in place. */

import { element, setAttribute, setText, toggle } from "./dom.ts";
import { findLinks } from "./links.ts";
import type { Texts } from "./texts.ts";
import { shown, type Entry, type Transcript } from "./transcript.ts";

/** Closer to the end than this (px), the view follows new text. */
const FOLLOW_PX = 48;

export interface TranscriptOptions {
  readonly showIntro: boolean;
  /** Origins the bot's text may link to. */
  readonly links: readonly string[];
  readonly nowMs: number;
}

interface Row {
  readonly root: HTMLElement;
  readonly who: HTMLElement;
  readonly text: HTMLElement;
  readonly pending: HTMLElement;
  readonly cut: HTMLElement;
  entry: Entry | null;
}

export class TranscriptView {
  readonly root: HTMLElement;
  readonly #intro = element("p", { class: "intro", part: "intro" });
  readonly #log = element("div", { class: "log", part: "transcript", role: "log", "aria-live": "polite", "aria-relevant": "additions text" });
  #follows = true;
  readonly #rows = new Map<number, Row>();

  constructor() {
    // Focusable, so that a keyboard can scroll it.
    this.root = element("div", { class: "scroll", tabindex: "0", role: "region" }, this.#intro, this.#log);
    this.root.addEventListener("scroll", () => {
      this.#follows = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < FOLLOW_PX;
    });
    // What appears below takes of its height; the last words stay in sight.
    new ResizeObserver(() => {
      this.#follow();
    }).observe(this.root);
  }

  render(transcript: Transcript, texts: Texts, options: TranscriptOptions): void {
    setAttribute(this.root, "aria-label", texts.transcript);
    setText(this.#intro, texts.intro);
    toggle(this.#intro, options.showIntro && transcript.entries.length === 0);
    const ids = new Set(transcript.entries.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.root.remove();
      this.#rows.delete(id);
    }
    for (const entry of transcript.entries) this.#renderEntry(entry, texts, options);
    this.#follow();
  }

  #follow(): void {
    if (this.#follows) this.root.scrollTop = this.root.scrollHeight;
  }

  #renderEntry(entry: Entry, texts: Texts, { links, nowMs }: TranscriptOptions): void {
    let row = this.#rows.get(entry.id);
    if (row === undefined) {
      row = createRow(entry.who);
      this.#rows.set(entry.id, row);
      this.#log.append(row.root);
    }
    const isStill = row.entry === entry && !(entry.who === "bot" && entry.speakingSinceMs !== null);
    if (isStill) return;
    row.entry = entry;
    const { text, pending, cut } = shown(entry, nowMs);
    setText(row.who, entry.who === "user" ? texts.you : texts.assistant);
    if (entry.who === "bot") renderLinks(row.text, text, links, texts);
    else setText(row.text, text);
    setText(row.pending, pending);
    setText(row.cut, cut ? ` — ${texts.interrupted}` : "");
    row.root.classList.toggle("is-cut", cut);
  }
}

/** The text with the links that the site allows; without any, text alone. */
function renderLinks(node: Element, text: string, origins: readonly string[], texts: Texts): void {
  const pieces = findLinks(text, origins);
  if (!pieces.some(({ href }) => href !== null)) {
    setText(node, text);
    return;
  }
  if (node.getAttribute("data-text") === text) return;
  node.setAttribute("data-text", text);
  node.replaceChildren(
    ...pieces.map(({ text: words, href }) =>
      href === null ? words : element("a", { href, target: "_blank", rel: "noopener noreferrer", title: texts.newTab }, words),
    ),
  );
}

function createRow(who: Entry["who"]): Row {
  const name = element("span", { class: "who" });
  const text = element("span", { class: "text" });
  // Not final, so not announced: a screen reader would read every guess.
  const pending = element("span", { class: "pending", "aria-hidden": "true" });
  const cut = element("span", { class: "cut" });
  const root = element("div", { class: `row ${who}`, part: `message message-${who}` }, name, element("p", { class: "words", dir: "auto" }, text, pending, cut));
  return { root, who: name, text, pending, cut, entry: null };
}
