import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pulse } from "../../src/pulse.ts";

/** What is said while packets are counted, each count a quarter of a second after the one before. */
function said(...counts: number[]): string[] {
  const words: string[] = [];
  const pulse = new Pulse(() => words.push("still"), () => words.push("alive"));
  counts.forEach((count, index) => {
    pulse.saw(count, 1_000 + index * 250);
  });
  return words;
}

describe("the bot's pulse", () => {
  it("is alive while packets come, however few", () => {
    assert.deepEqual(said(1, 2, 2, 3, 3, 3, 3, 3, 3, 4), []);
  });

  it("is still once none has come for 1.7 s, and says so once", () => {
    assert.deepEqual(said(1, 1, 1, 1, 1, 1, 1), []);
    assert.deepEqual(said(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), ["still"]);
  });

  it("is alive again with the next packet", () => {
    assert.deepEqual(said(1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3), ["still", "alive"]);
  });

  it("begins anew with another track, whose count may be lower", () => {
    assert.deepEqual(said(9, 1, 2, 3), []);
  });
});
