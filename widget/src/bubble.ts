/** The bubble's face once the session chunk is there: what it does and whether a call runs. */

import { setAttribute } from "./dom.ts";
import type { Phase } from "./state.ts";
import type { Language } from "./languages.ts";
import type { Texts } from "./texts.ts";

export interface BubbleModel {
  readonly phase: Phase;
  readonly active: boolean;
  readonly open: boolean;
  /** The element's own `label`, when it has one. */
  readonly label: string | null;
  readonly texts: Texts;
  readonly language: Language;
}

export function renderBubble(bubble: HTMLButtonElement, { phase, active, open, label, texts, language }: BubbleModel): void {
  // A label is in the page's language.
  if (open || active || label === null) setAttribute(bubble, "lang", language);
  else bubble.removeAttribute("lang");
  setAttribute(bubble, "data-phase", phase);
  setAttribute(bubble, "data-open", String(open));
  setAttribute(bubble, "aria-expanded", String(open));
  setAttribute(bubble, "aria-label", open ? texts.close : active ? texts.callRunning : (label ?? texts.open));
}
