import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { VoiceAssistantElement } from "../../src/voice-assistant-element.ts";

const WIDGET_DIR = path.resolve(process.env.WIDGET_DIR ?? ".");

describe("the API page", () => {
  it("is what the sources say today", async () => {
    const { PAGE, generate } = (await import(pathToFileURL(path.join(WIDGET_DIR, "api.mjs")).href)) as { PAGE: string; readonly generate: () => string };
    assert.equal(readFileSync(PAGE, "utf8"), generate(), "run `npm run api`");
  });

  it("names every attribute that the element observes", () => {
    const page = readFileSync(path.join(WIDGET_DIR, "..", "docs", "widget", "api.md"), "utf8");
    for (const name of VoiceAssistantElement.observedAttributes) assert.ok(page.includes(`\`${name}\``), name);
  });
});
