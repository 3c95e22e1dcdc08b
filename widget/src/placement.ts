/** Where the panel goes, which language and direction it has: read from the element. Pure. */

import { languageOf, directionOf, type Direction, type Language } from "./languages.ts";

export interface Place {
  readonly edge: "top" | "bottom";
  readonly side: "left" | "center" | "right";
}

/**
 * The corner of a `placement` such as "top-left"; without one the bottom corner where lines end.
 *
 * @param direction the page's, because the launcher's style follows the page.
 */
export function placeOf(placement: string | null, direction: Direction): Place {
  const [edge, side] = placement?.split("-") ?? [];
  return {
    edge: edge === "top" ? "top" : "bottom",
    side: side === "left" || side === "center" || side === "right" ? side : direction === "rtl" ? "left" : "right",
  };
}

/** The language of the texts: the element's, else the page's around it, else English. */
export function chosenLanguage(host: Element): Language {
  return languageOf(host.closest("[lang]")?.getAttribute("lang") ?? "") ?? "en";
}

/** The panel's direction: the element's own `dir`, else that of its language. */
export function chosenDirection(host: Element, language: Language): Direction {
  const own = host.getAttribute("dir");
  return own === "rtl" || own === "ltr" ? own : directionOf(language);
}
