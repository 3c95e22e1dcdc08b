import assert from "node:assert/strict";
import { beforeEach, describe, it, mock } from "node:test";
import { Comeback } from "../../src/comeback.ts";

describe("the way back into a call", () => {
  let done: string[] = [];
  let comeback: Comeback;

  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    done = [];
    comeback = new Comeback(() => done.push("look"), () => done.push("attempt"));
  });

  it("looks after a second where the call is, and gives it two more to heal", () => {
    comeback.lost();
    mock.timers.tick(999);
    assert.deepEqual(done, []);
    mock.timers.tick(1);
    assert.deepEqual(done, ["look"]);
    mock.timers.tick(2_000);
    assert.deepEqual(done, ["look", "attempt"]);
  });

  it("asks no more once the call is found elsewhere, until that fails", () => {
    comeback.lost();
    mock.timers.tick(1_200);
    comeback.found();
    mock.timers.tick(10_000);
    assert.deepEqual(done, ["look"]);
    assert.ok(comeback.failed());
    mock.timers.tick(1_500);
    assert.deepEqual(done, ["look", "attempt"]);
  });

  it("is left alone when it heals", () => {
    comeback.lost();
    mock.timers.tick(500);
    comeback.stop();
    mock.timers.tick(10_000);
    assert.deepEqual(done, []);
  });

  it("tries again until the bot waits no longer", () => {
    assert.ok(comeback.failed());
    mock.timers.tick(0);
    assert.deepEqual(done, ["attempt"]);
    let attempts = 1;
    while (comeback.failed()) {
      mock.timers.tick(1_500);
      attempts += 1;
    }
    assert.equal(attempts, done.length);
    assert.ok(!comeback.isUnderWay);
    assert.equal(Math.round((attempts * 1_500) / 1_000), 29);
  });
});
