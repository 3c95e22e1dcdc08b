import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { newId } from "../../src/ids.ts";

describe("an id", () => {
  it("is 32 hexadecimal digits, and another one each time", () => {
    const ids = new Set(Array.from({ length: 1_000 }, newId));
    assert.equal(ids.size, 1_000);
    for (const id of ids) assert.match(id, /^[\da-f]{32}$/);
  });

  it("needs nothing that a page without https has not", () => {
    const source = path.join(process.cwd(), "src");
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file) && file !== "ids.ts");
    const using = files.filter((file) => readFileSync(path.join(source, file), "utf8").includes("randomUUID"));
    assert.deepEqual(using, []);
  });
});
