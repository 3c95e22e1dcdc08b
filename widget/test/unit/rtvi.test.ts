import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_TEXT_CHARS, clientReady, disconnectBot, parseBotMessage, sendText } from "../../src/rtvi.ts";

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const message = (type: string, data?: unknown): Uint8Array => bytes({ label: "rtvi-ai", type, data });
const sent = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload));

describe("what the bot sends", () => {
  it("becomes a typed message where the widget knows the type", () => {
    assert.deepEqual(parseBotMessage(message("bot-ready", { version: "2.2.0" })), { type: "bot-ready", version: "2.2.0" });
    assert.deepEqual(parseBotMessage(message("bot-interrupted")), { type: "bot-interrupted" });
    assert.deepEqual(
      parseBotMessage(message("user-input", { text: "hi", input_type: "chat", final: true, msg_id: "7" })),
      { type: "user-input", text: "hi", inputType: "chat", final: true, messageId: "7" },
    );
    assert.deepEqual(parseBotMessage(message("error", { error: "tts_failed", fatal: true })), {
      type: "error",
      code: "tts_failed",
      fatal: true,
    });
  });

  it("tells that a function call runs, and which one when the page is to carry it out", () => {
    assert.deepEqual(parseBotMessage(message("llm-function-call-in-progress", { tool_call_id: "1", function_name: "x", arguments: { a: 1 } })), {
      type: "tool-started",
      call: { id: "1", name: "x", args: { a: 1 } },
    });
    for (const data of [{ tool_call_id: "1" }, { tool_call_id: "1", function_name: "x", arguments: "all" }, { function_name: "x", arguments: {} }]) {
      assert.deepEqual(parseBotMessage(message("llm-function-call-in-progress", data)), { type: "tool-started", call: null });
    }
    assert.deepEqual(parseBotMessage(message("llm-function-call-stopped", { tool_call_id: "1" })), { type: "tool-stopped" });
  });

  it("carries how far a segment was spoken", () => {
    const data = {
      text: "one two",
      segment_id: 4,
      will_be_spoken: true,
      spoken_status: "in-progress",
      spoken_progress: { accumulated_text: "one", remaining_text: " two" },
    };
    assert.deepEqual(parseBotMessage(message("bot-output", data)), {
      type: "bot-output",
      text: "one two",
      segmentId: 4,
      willBeSpoken: true,
      spokenStatus: "in-progress",
      spokenText: "one",
    });
  });

  it("tells the end of a session apart from a site's own messages", () => {
    const ended = parseBotMessage(message("server-message", { type: "session-ended", reason: "idle" }));
    assert.deepEqual(ended, { type: "session-ended", reason: "idle" });
    const own = parseBotMessage(message("server-message", { route: "/lots" }));
    assert.deepEqual(own, { type: "server-message", data: { route: "/lots" } });
  });

  it("is dropped without an exception when it is hostile", () => {
    const hostile: Uint8Array[] = [
      new Uint8Array(),
      new Uint8Array([0xff, 0xfe, 0x00]),
      new TextEncoder().encode("{"),
      bytes(null),
      bytes([]),
      bytes("rtvi-ai"),
      bytes({ label: "other", type: "bot-ready" }),
      bytes({ label: "rtvi-ai" }),
      bytes({ label: "rtvi-ai", type: "constructor" }),
      bytes({ label: "rtvi-ai", type: { toString: "x" } }),
      message("no-such-message"),
      message("user-input", { text: 3, input_type: "transcription" }),
      message("user-input", { text: "x", input_type: "telepathy" }),
      message("bot-output", "text"),
      message("bot-output", { text: ["x"] }),
      message("bot-output", { text: "x".repeat(70_000) }),
      new TextEncoder().encode("[".repeat(60_000)),
    ];
    for (const payload of hostile) assert.equal(parseBotMessage(payload), null);
  });

  it("has its texts clipped", () => {
    const parsed = parseBotMessage(message("user-transcription", { text: "a".repeat(50_000), final: true }));
    assert.equal(parsed?.type === "user-transcription" && parsed.text.length, MAX_TEXT_CHARS);
  });

  it("keeps no fields of the wrong type", () => {
    const data = { text: "x", segment_id: "1", spoken_status: "maybe", spoken_progress: [], will_be_spoken: 1 };
    assert.deepEqual(parseBotMessage(message("bot-output", data)), {
      type: "bot-output",
      text: "x",
      segmentId: null,
      willBeSpoken: true,
      spokenStatus: "new",
      spokenText: null,
    });
  });
});

describe("what the widget sends", () => {
  it("is RTVI 2.2 as Pipecat reads it", () => {
    assert.deepEqual(sent(clientReady("1")), {
      label: "rtvi-ai",
      type: "client-ready",
      id: "1",
      data: { version: "2.2.0", about: { library: "voice-assistant-widget", platform: "browser" } },
    });
    assert.equal((sent(clientReady("1", false)) as { data: { microphone: unknown } }).data.microphone, false);
    assert.deepEqual(sent(sendText("2", "hello")), {
      label: "rtvi-ai",
      type: "send-text",
      id: "2",
      data: { content: "hello", options: { run_immediately: true, audio_response: true } },
    });
    assert.deepEqual(sent(disconnectBot("3")), { label: "rtvi-ai", type: "disconnect-bot", id: "3" });
  });

  it("is never longer than the bot accepts", () => {
    const { data } = sent(sendText("1", "x".repeat(9_000))) as { data: { content: string } };
    assert.equal(data.content.length, MAX_TEXT_CHARS);
  });
});
