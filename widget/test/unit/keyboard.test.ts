import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { coveredPx } from "../../src/keyboard.ts";

describe("an on-screen keyboard", () => {
  it("covers what the visual viewport has lost at its lower end", () => {
    assert.equal(coveredPx(844, { height: 508, offsetTop: 0, scale: 1 }), 336);
    assert.equal(coveredPx(844, { height: 508, offsetTop: 100, scale: 1 }), 236);
  });

  it("is none while only the browser's bars come and go, or the page is zoomed in", () => {
    assert.equal(coveredPx(844, { height: 844, offsetTop: 0, scale: 1 }), 0);
    assert.equal(coveredPx(844, { height: 790, offsetTop: 0, scale: 1 }), 0);
    assert.equal(coveredPx(844, { height: 422, offsetTop: 0, scale: 2 }), 0);
  });
});
