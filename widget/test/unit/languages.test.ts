import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LANGUAGES, directionOf, languageOf, loadTexts, type Language } from "../../src/languages.ts";
import { OPEN_LABELS } from "../../src/launcher-labels.ts";
import { ENGLISH, chatTexts, mergeTexts, type Texts } from "../../src/texts.ts";

/** Every text by its path, such as "phases.idle". */
function flat(texts: object, path = ""): Map<string, string> {
  const entries = Object.entries(texts) as [string, string | object][];
  return new Map(entries.flatMap(([key, value]) => (typeof value === "string" ? [[path + key, value] as const] : [...flat(value, `${path}${key}.`)])));
}

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

describe("the languages", () => {
  it("are at least twelve, one of them written from right to left", () => {
    assert.ok(LANGUAGES.length >= 12);
    assert.deepEqual(LANGUAGES.filter((language) => directionOf(language) === "rtl"), ["ar"]);
  });

  it("each have every text and every placeholder of the English", async () => {
    const english = flat(ENGLISH);
    for (const language of LANGUAGES) {
      const texts = flat(await loadTexts(language));
      assert.deepEqual([...texts.keys()].sort(), [...english.keys()].sort(), language);
      for (const [path, text] of texts) {
        assert.ok(text.trim() === text && text !== "", `${language} ${path} is empty or has space around it`);
        assert.deepEqual(placeholders(text), placeholders(english.get(path) ?? ""), `${language} ${path}`);
      }
    }
  });

  it("are translated", async () => {
    const english = flat(ENGLISH);
    for (const language of LANGUAGES.filter((name) => name !== "en")) {
      const same = [...flat(await loadTexts(language))].filter(([path, text]) => text === english.get(path)).map(([path]) => path);
      assert.ok(same.length <= 5, `${language} says in English: ${same.join(", ")}`);
    }
  });

  it("name the bubble before they are there as they do afterwards", async () => {
    for (const language of LANGUAGES) assert.equal(OPEN_LABELS[language], (await loadTexts(language)).open, language);
    assert.equal(Object.keys(OPEN_LABELS).length, LANGUAGES.length);
  });

  it("do not name machinery to a visitor", async () => {
    for (const language of LANGUAGES) {
      for (const [path, text] of flat((await loadTexts(language)).problems)) {
        assert.doesNotMatch(text, /\berror\b|token|LiveKit|\b50\d\b|<|>/i, `${language} ${path}`);
      }
    }
  });

  it("are chosen by the first part of a tag", () => {
    const cases: [string, Language | null][] = [["de-AT", "de"], ["PT_br", "pt"], ["zh-Hans-CN", "zh"], [" ar ", "ar"], ["fi", null], ["", null], ["english", null]];
    for (const [tag, language] of cases) assert.equal(languageOf(tag), language, tag);
  });
});

describe("a site's own texts", () => {
  it("lie over the language's", async () => {
    const german = await loadTexts("de");
    const texts = mergeTexts({ end: "Auflegen", chat: { end: "Zumachen" }, troubles: { tts_failed: "Stumm" } }, german);
    assert.equal(texts.end, "Auflegen");
    assert.equal(texts.chat.end, "Zumachen");
    assert.equal(texts.troubles.tts_failed, "Stumm");
    assert.equal(texts.chat.start, german.chat.start);
  });

  it("are also those of a chat where nobody speaks", () => {
    const texts: Texts = chatTexts(mergeTexts({ chat: { end: "Close it" } }));
    assert.equal(texts.end, "Close it");
    assert.equal(texts.phases.listening, ENGLISH.chat.typing);
    assert.equal(texts.phases.ended, ENGLISH.chat.ended);
  });
});
