import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BotMessage } from "../../src/rtvi.ts";
import {
  EMPTY_TRANSCRIPT,
  MAX_ENTRIES,
  addMessage,
  addTyped,
  closeTranscript,
  fromLines,
  shown,
  toLines,
  type Transcript,
} from "../../src/transcript.ts";

const said = (text: string, final = true): BotMessage => ({
  type: "user-input",
  text,
  inputType: "transcription",
  final,
  messageId: null,
});
const output = (segmentId: number, text: string, spoken: Partial<Extract<BotMessage, { type: "bot-output" }>> = {}): BotMessage => ({
  type: "bot-output",
  text,
  segmentId,
  willBeSpoken: true,
  spokenStatus: "new",
  spokenText: null,
  ...spoken,
});
const event = (type: "user-started-speaking" | "user-stopped-speaking" | "bot-started-speaking" | "bot-stopped-speaking" | "bot-interrupted"): BotMessage => ({ type });

/** Plays messages at their times (ms) into a transcript. */
function play(...timeline: readonly [number, BotMessage][]): Transcript {
  return timeline.reduce((transcript, [atMs, message]) => addMessage(transcript, message, atMs), EMPTY_TRANSCRIPT);
}

/** Every entry as "who: heard [pending]", with a dash where it was cut. */
function lines(transcript: Transcript, nowMs: number): string[] {
  return transcript.entries.map((entry) => {
    const { text, pending, cut } = shown(entry, nowMs);
    return `${entry.who}: ${text}${pending === "" ? "" : `[${pending}]`}${cut ? " —" : ""}`;
  });
}

const GREETING = "Hello, this is the assistant of the site.";

describe("the visitor's words", () => {
  it("replace their guesses, and several finals of a turn make one entry", () => {
    let t = play([0, event("user-started-speaking")], [10, said("how", false)], [20, said("how much is", false)]);
    assert.deepEqual(lines(t, 20), ["user: [how much is]"]);
    t = addMessage(t, said("How much is"), 30);
    t = addMessage(t, said("a tonne", false), 40);
    assert.deepEqual(lines(t, 40), ["user: How much is[ a tonne]"]);
    t = addMessage(t, said("a tonne?"), 50);
    assert.deepEqual(lines(t, 50), ["user: How much is a tonne?"]);
  });

  it("stay one entry when the last final comes after the bot began to answer", () => {
    const t = play(
      [0, event("user-started-speaking")],
      [10, said("how much", false)],
      [20, event("user-stopped-speaking")],
      [30, event("bot-started-speaking")],
      [31, output(1, "Five thousand.")],
      [40, said("How much?")],
    );
    assert.deepEqual(lines(t, 31), ["user: How much?", "bot: [Five thousand.]"]);
  });

  it("open a new entry for each turn", () => {
    const t = play(
      [0, said("One?")],
      [10, event("bot-started-speaking")],
      [11, output(1, "Yes.")],
      [1000, event("bot-stopped-speaking")],
      [1100, event("user-started-speaking")],
      [1200, said("Two?")],
    );
    assert.deepEqual(lines(t, 1200), ["user: One?", "bot: Yes.", "user: Two?"]);
  });

  it("open a new entry even when a guess of the turn before was never settled", () => {
    const t = play(
      [0, event("user-started-speaking")],
      [10, said("one", false)],
      [20, event("bot-started-speaking")],
      [21, output(1, "Yes.")],
      [900, event("bot-stopped-speaking")],
      [1000, event("user-started-speaking")],
      [1100, said("two")],
    );
    assert.deepEqual(lines(t, 1100), ["user: one", "bot: Yes.", "user: two"]);
  });

  it("are no entry when they were only a backchannel", () => {
    const t = play(
      [0, event("bot-started-speaking")],
      [1, output(1, GREETING)],
      [500, said("mhm", false)],
      [600, { type: "user-input", text: "mhm", inputType: "backchannel", final: true, messageId: null }],
    );
    assert.equal(t.entries.length, 1);
  });

  it("are not doubled by the older user-transcription", () => {
    const t = play([0, said("Hi.")], [0, { type: "user-transcription", text: "Hi.", final: true }]);
    assert.deepEqual(lines(t, 0), ["user: Hi."]);
  });

  it("come from user-transcription where a bot sends nothing newer", () => {
    const t = play([0, { type: "user-transcription", text: "Hi.", final: true }]);
    assert.deepEqual(lines(t, 0), ["user: Hi."]);
  });

  it("show at once when typed, and once when the bot repeats them", () => {
    const typed = addTyped(EMPTY_TRANSCRIPT, "Hello", "m1");
    const t = addMessage(typed, { type: "user-input", text: "Hello", inputType: "chat", final: true, messageId: "m1" }, 0);
    assert.deepEqual(lines(t, 0), ["user: Hello"]);
  });
});

describe("the bot's words", () => {
  it("follow the voice by the clock when it reports no words", () => {
    const t = play([0, event("bot-started-speaking")], [0, output(1, GREETING)], [1, output(1, GREETING, { spokenStatus: "completed" })]);
    assert.deepEqual(lines(t, 0), [`bot: [${GREETING}]`]);
    // 15 characters a second: after 1 s "Hello, this is ".
    assert.deepEqual(lines(t, 1000), ["bot: Hello, this is[ the assistant of the site.]"]);
    assert.deepEqual(lines(addMessage(t, event("bot-stopped-speaking"), 2000), 2000), [`bot: ${GREETING}`]);
  });

  it("follow the voice word by word when it does", () => {
    const progress = (spokenText: string): BotMessage => output(1, GREETING, { spokenStatus: "in-progress", spokenText });
    const t = play([0, event("bot-started-speaking")], [0, output(1, GREETING)], [400, progress("Hello, this")], [500, progress("Hello,")]);
    assert.deepEqual(lines(t, 60_000), ["bot: Hello, this[ is the assistant of the site.]"]);
  });

  it("count as heard when a report that a sentence is over is believable", () => {
    const t = play(
      [0, event("bot-started-speaking")],
      [0, output(1, "One sentence.")],
      [800, output(1, "One sentence.", { spokenStatus: "completed" })],
      [800, output(2, "Another.")],
    );
    assert.deepEqual(lines(t, 800), ["bot: One sentence.[ Another.]"]);
  });

  it("keep only what was heard when they are cut short, to the whole word", () => {
    const t = play([0, event("bot-started-speaking")], [0, output(1, GREETING)], [0, output(2, "Ask me.")], [1000, event("bot-interrupted")], [1001, event("bot-stopped-speaking")]);
    assert.deepEqual(lines(t, 5000), ["bot: Hello, this is —"]);
    const late = addMessage(t, output(2, "Ask me.", { spokenStatus: "completed" }), 1100);
    assert.deepEqual(lines(late, 5000), ["bot: Hello, this is —"]);
  });

  it("are gone when nothing of them was heard", () => {
    const t = play([0, event("bot-started-speaking")], [0, output(1, GREETING)], [50, event("bot-interrupted")]);
    assert.deepEqual(lines(t, 50), []);
  });

  it("are not cut by the interruption that every new turn sends", () => {
    const t = play(
      [0, event("bot-started-speaking")],
      [0, output(1, GREETING)],
      [3000, event("bot-stopped-speaking")],
      [4000, event("user-started-speaking")],
      [4001, event("bot-interrupted")],
    );
    assert.deepEqual(lines(t, 5000), [`bot: ${GREETING}`]);
  });

  it("go on in their entry over a breath, and start a new one after a pause", () => {
    const breath: [number, BotMessage][] = [
      [0, event("bot-started-speaking")],
      [0, output(1, "One.")],
      [400, event("bot-stopped-speaking")],
    ];
    const soon = play(...breath, [900, event("bot-started-speaking")], [900, output(2, "Two.")], [1500, event("bot-stopped-speaking")]);
    assert.deepEqual(lines(soon, 1500), ["bot: One. Two."]);
    const later = play(...breath, [9000, event("bot-started-speaking")], [9000, output(2, "Two.")], [9500, event("bot-stopped-speaking")]);
    assert.deepEqual(lines(later, 9500), ["bot: One.", "bot: Two."]);
  });

  it("show whole when they are not spoken at all", () => {
    const t = play([0, output(1, "Lot EC-2041", { willBeSpoken: false })]);
    assert.deepEqual(lines(t, 0), ["bot: Lot EC-2041"]);
  });

  it("show whole while the voice fails, and follow it again once it is back", () => {
    const failed: BotMessage = { type: "error", code: "tts_failed", fatal: false };
    const mute = play([0, output(1, GREETING)], [5, failed], [10, output(2, "Ask me.")]);
    assert.deepEqual(lines(mute, 10), [`bot: ${GREETING} Ask me.`]);
    const back = addMessage(addMessage(closeTranscript(mute, 20), event("bot-started-speaking"), 9_000), output(3, "I am back now."), 9_000);
    assert.equal(back.voiceless, false);
    assert.deepEqual(lines(play([0, failed], [10, output(1, "Read me.")], [3_000, event("user-started-speaking")]), 3_000), ["bot: Read me."]);
  });
});

describe("the transcript", () => {
  it("stays bounded", () => {
    let t = EMPTY_TRANSCRIPT;
    for (let index = 0; index < 3 * MAX_ENTRIES; index += 1) t = addTyped(t, String(index), `m${index}`);
    assert.equal(t.entries.length, MAX_ENTRIES);
    assert.equal(t.entries.at(-1)?.id, 3 * MAX_ENTRIES);
  });

  it("settles guesses and cuts the bot when the call ends", () => {
    const t = play([0, said("hello", false)], [10, event("bot-started-speaking")], [10, output(1, GREETING)]);
    assert.deepEqual(lines(closeTranscript(t, 1010), 9000), ["user: hello", "bot: Hello, this is —"]);
  });

  it("comes back from plain lines after a page change", () => {
    const t = play([0, said("Hello.")], [10, event("bot-started-speaking")], [10, output(1, GREETING)], [1010, event("bot-interrupted")]);
    assert.deepEqual(lines(fromLines(toLines(t, 1010)), 0), ["user: Hello.", "bot: Hello, this is —"]);
  });
});
