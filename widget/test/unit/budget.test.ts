import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { LANGUAGES } from "../../src/languages.ts";

/** Bytes, gzip level 9. */
const LAUNCHER_BUDGET = 3_072;
const SESSION_BUDGET = 160_000;
const LANGUAGE_BUDGET = 4_096;
const LANGUAGE = /^session-[a-z]{2}-[A-Z0-9]{8}\.js$/;
const BUDGETS: Readonly<Record<string, number>> = { "react.js": 1_024, "transport.js": 4_096 };

const DIST = path.join(process.env.WIDGET_DIR ?? ".", "dist");
const sizes = Object.entries(JSON.parse(readFileSync(path.join(DIST, "sizes.json"), "utf8")) as Record<string, { gzipBytes: number }>);

describe("the build", () => {
  it("costs a page at most 3 KB before a click, and 160 KB after it", () => {
    for (const [file, { gzipBytes }] of sizes) {
      const chunk = LANGUAGE.test(file) ? LANGUAGE_BUDGET : SESSION_BUDGET;
      const budget = file.startsWith("session-") ? chunk : (BUDGETS[file] ?? LAUNCHER_BUDGET);
      assert.ok(gzipBytes <= budget, `${file}: ${gzipBytes} of ${budget} bytes`);
    }
    assert.equal(sizes.length, 4 + LANGUAGES.length, "launcher, module, component, transport, and a chunk for each language");
  });

  it("is a classic script that names its chunk by its content", () => {
    const launcher = readFileSync(path.join(DIST, "widget.js"), "utf8");
    const session = sizes.map(([file]) => file).find((file) => file.startsWith("session-") && !LANGUAGE.test(file)) ?? "";
    assert.match(session, /^session-[A-Z0-9]{8}\.js$/);
    assert.ok(launcher.includes(session));
    assert.doesNotMatch(launcher, /\bimport[ {"]|\bexport\b|innerHTML/);
  });
});
