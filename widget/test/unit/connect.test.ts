import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readConnection, readRetryAfter, refusal } from "../../src/connect.ts";
import { problemOf } from "../../src/mic.ts";

const ANSWER = { url: "wss://live.example", token: "t", room: "r", sessionId: "s", recorded: true };

describe("an answer of /connect", () => {
  it("is taken with its fields and nothing else", () => {
    assert.deepEqual(readConnection({ ...ANSWER, extra: 1 }), ANSWER);
    for (const recorded of [undefined, false, "true", 1]) assert.equal(readConnection({ ...ANSWER, recorded })?.recorded, false);
  });

  it("is refused when a field is missing, empty, of the wrong type or no LiveKit address", () => {
    for (const body of [null, "x", {}, { ...ANSWER, token: "" }, { ...ANSWER, room: 3 }, { ...ANSWER, url: "javascript:alert(1)" }, { ...ANSWER, url: "live" }]) {
      assert.equal(readConnection(body), null);
    }
  });
});

describe("a refusal of /connect", () => {
  it("keeps the server's code and its wish to be asked later", () => {
    const error = refusal(503, { error: { code: "server_full", message: "no" } }, "7");
    assert.equal(error.code, "server_full");
    assert.equal(error.retryAfterSecs, 7);
  });

  it("is retried only where the server asks for it", () => {
    assert.equal(refusal(403, { error: { code: "origin_not_allowed" } }, "7").retryAfterSecs, null);
    assert.equal(refusal(410, { error: { code: "session_gone" } }, null).retryAfterSecs, null);
    assert.equal(refusal(503, { error: { code: "draining" } }, null).retryAfterSecs, 5);
  });

  it("waits for no midnight, and for no visitor to sign in", () => {
    assert.equal(refusal(429, { error: { code: "budget_spent" } }, "40000").retryAfterSecs, null);
    assert.equal(refusal(401, { error: { code: "sign_in_required" } }, null).retryAfterSecs, null);
    assert.equal(refusal(429, { error: { code: "too_many_sessions" } }, "15").retryAfterSecs, 15);
  });

  it("is a matter of signing in, whatever the server has against the credential", () => {
    for (const code of ["sign_in_required", "sign_in_expired", "sign_in_used", "sign_in_invalid"]) {
      assert.equal(refusal(401, { error: { code } }, null).code, "sign_in_required");
    }
  });

  it("falls back to its status when the code is unknown or the body is not ours", () => {
    assert.deepEqual(
      [429, 410, 403, 401, 503, 500, 502, 404].map((status) => refusal(status, "<html>", null).code),
      ["rate_limited", "session_gone", "origin_not_allowed", "sign_in_required", "server_full", "server_error", "server_error", "server_error"],
    );
    assert.equal(refusal(500, { error: { code: 7 } }, null).code, "server_error");
    assert.equal(refusal(503, { error: { code: "server_busy" } }, "5").code, "server_full");
  });

  it("names seconds or a date, within reason", () => {
    const nowMs = Date.parse("2026-11-23T10:00:00Z");
    assert.equal(readRetryAfter("30", nowMs), 30);
    assert.equal(readRetryAfter("Mon, 23 Nov 2026 10:00:12 GMT", nowMs), 12);
    assert.equal(readRetryAfter("99999", nowMs), 120);
    assert.equal(readRetryAfter("0", nowMs), 1);
    assert.equal(readRetryAfter("soon", nowMs), 5);
    assert.equal(readRetryAfter(null, nowMs), 5);
  });
});

describe("a microphone that does not open", () => {
  it("is told apart by why", () => {
    assert.equal(problemOf(new DOMException("", "NotAllowedError")), "denied");
    assert.equal(problemOf(new DOMException("", "NotFoundError")), "missing");
    assert.equal(problemOf(new DOMException("", "NotReadableError")), "in_use");
    assert.equal(problemOf(undefined), "denied");
  });
});
