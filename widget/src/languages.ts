/** The languages the texts exist in. Each but English is a chunk of its own, loaded when chosen. */

import { ENGLISH, type Texts } from "./texts.ts";

interface LanguageModule {
  readonly default: Texts;
}

const LOADERS = {
  ar: () => import("./languages/ar.ts"),
  de: () => import("./languages/de.ts"),
  es: () => import("./languages/es.ts"),
  fr: () => import("./languages/fr.ts"),
  hi: () => import("./languages/hi.ts"),
  id: () => import("./languages/id.ts"),
  it: () => import("./languages/it.ts"),
  ja: () => import("./languages/ja.ts"),
  ko: () => import("./languages/ko.ts"),
  nl: () => import("./languages/nl.ts"),
  pl: () => import("./languages/pl.ts"),
  pt: () => import("./languages/pt.ts"),
  tr: () => import("./languages/tr.ts"),
  zh: () => import("./languages/zh.ts"),
} satisfies Record<string, () => Promise<LanguageModule>>;

export type Language = "en" | keyof typeof LOADERS;
export type Direction = "ltr" | "rtl";

export const LANGUAGES: readonly Language[] = ["en", ...(Object.keys(LOADERS) as (keyof typeof LOADERS)[])];

/** The language of a tag such as "pt-BR"; null when there are no texts in it. */
export function languageOf(tag: string): Language | null {
  const primary = tag.trim().toLowerCase().split(/[-_]/)[0];
  return LANGUAGES.find((language) => language === primary) ?? null;
}

export function directionOf(language: Language): Direction {
  return language === "ar" ? "rtl" : "ltr";
}

/** Loads the texts of a language. Rejects when its chunk cannot be fetched. */
export async function loadTexts(language: Language): Promise<Texts> {
  return language === "en" ? ENGLISH : (await LOADERS[language]()).default;
}
