import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fingerprint } from "../../src/consent.ts";
import { named } from "../../src/devices.ts";
import { BANDS, bands, loudness } from "../../src/level.ts";
import { placeOf } from "../../src/placement.ts";
import { isLater } from "../../src/tabs.ts";

describe("the place", () => {
  it("is one of six", () => {
    for (const edge of ["bottom", "top"] as const) {
      for (const side of ["left", "center", "right"] as const) assert.deepEqual(placeOf(`${edge}-${side}`, "ltr"), { edge, side });
    }
  });

  it("is the bottom corner where lines end, when none is named", () => {
    assert.deepEqual(placeOf(null, "ltr"), { edge: "bottom", side: "right" });
    assert.deepEqual(placeOf(null, "rtl"), { edge: "bottom", side: "left" });
    assert.deepEqual(placeOf("nowhere", "ltr"), { edge: "bottom", side: "right" });
    assert.deepEqual(placeOf("top", "rtl"), { edge: "top", side: "left" });
  });
});

describe("the level of a voice", () => {
  it("is measured in bands, each 0 to 1", () => {
    const spectrum = new Uint8Array(512);
    assert.deepEqual(bands(spectrum, 48_000), Array.from({ length: BANDS }, () => 0));
    spectrum.fill(255);
    assert.deepEqual(bands(spectrum, 48_000), Array.from({ length: BANDS }, () => 1));
  });

  it("shows a tone in the band it lies in, whatever the sample rate", () => {
    for (const rate of [16_000, 44_100, 48_000]) {
      const spectrum = new Uint8Array(512);
      const bin = Math.round(700 / (rate / 2 / 512));
      spectrum[bin] = 255;
      const loud = bands(spectrum, rate).map((level) => level > 0);
      assert.deepEqual(loud, [false, false, true, false, false], String(rate));
    }
  });

  it("is the loudest band's", () => {
    assert.equal(loudness([0.1, 0.7, 0.2]), 0.7);
    assert.equal(loudness([]), 0);
  });
});

describe("the devices to choose from", () => {
  it("are those with a name, without the browser's aliases", () => {
    const list = [
      { kind: "audioinput", deviceId: "default", label: "Default - Desk" },
      { kind: "audioinput", deviceId: "a", label: "Desk" },
      { kind: "audioinput", deviceId: "", label: "" },
      { kind: "audiooutput", deviceId: "b", label: "Speakers" },
    ] as const;
    assert.deepEqual(named(list, "audioinput"), [{ id: "a", name: "Desk" }]);
    assert.deepEqual(named(list, "audiooutput"), [{ id: "b", name: "Speakers" }]);
  });
});

describe("two tabs", () => {
  it("agree on which of them goes on, even when both start at once", () => {
    const pairs = [
      [{ atMs: 1, id: "b" }, { atMs: 2, id: "a" }],
      [{ atMs: 5, id: "a" }, { atMs: 5, id: "b" }],
    ] as const;
    for (const [one, two] of pairs) assert.notEqual(isLater(one, two), isLater(two, one));
    assert.equal(isLater({ atMs: 2, id: "a" }, { atMs: 1, id: "b" }), true);
  });
});

describe("a remembered consent", () => {
  it("is to one text only", () => {
    assert.equal(fingerprint("We record."), fingerprint("We record."));
    assert.notEqual(fingerprint("We record."), fingerprint("We record and keep."));
    assert.notEqual(fingerprint("ab"), fingerprint("ba"));
  });
});
