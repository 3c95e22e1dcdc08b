import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_CONFIG } from "../../src/config.ts";
import { endAction } from "../../src/meaning.ts";
import { asksRating, notices, statusText } from "../../src/present.ts";
import { INITIAL_STATE, reduce, type Action, type State } from "../../src/state.ts";
import { ENGLISH, mergeTexts } from "../../src/texts.ts";

const run = (...actions: Action[]): State => actions.reduce(reduce, INITIAL_STATE);
const START: Action = { type: "start", resumed: false };
const LIVE: Action[] = [START, { type: "mic", mic: "on" }, { type: "bot-ready" }];

/** What the visitor sees: status line, notices, ways out. */
function screen(state: State, nowMs = 0): string[] {
  const list = notices(state, ENGLISH, nowMs);
  return [statusText(state, ENGLISH), ...list.map(({ text, actions }) => [text, ...actions.map((a) => `(${a.text})`)].join(" "))];
}

describe("a call", () => {
  it("goes from connecting to listening, thinking and speaking", () => {
    const phases = [START, { type: "bot-ready" }, { type: "user-started-speaking" }, { type: "user-stopped-speaking" }, { type: "bot-started-speaking" }, { type: "bot-stopped-speaking" }] as Action[];
    let state = INITIAL_STATE;
    const seen = phases.map((action) => (state = reduce(state, action)).phase);
    assert.deepEqual(seen, ["connecting", "listening", "listening", "thinking", "speaking", "listening"]);
  });

  it("listens, and says so, when the visitor talks over the bot", () => {
    const state = run(...LIVE, { type: "bot-started-speaking" }, { type: "user-started-speaking" }, { type: "bot-interrupted" }, { type: "bot-stopped-speaking" });
    assert.equal(state.phase, "listening");
    assert.deepEqual(screen(state), ["Go ahead, I am listening"]);
    assert.equal(reduce(state, { type: "user-stopped-speaking" }).interrupted, false);
  });

  it("is not interrupted by a turn that began in silence", () => {
    const state = run(...LIVE, { type: "user-started-speaking" }, { type: "bot-interrupted" });
    assert.equal(state.interrupted, false);
    assert.deepEqual(screen(state), ["I hear you"]);
  });

  it("listens again when an answer does not come", () => {
    assert.equal(run(...LIVE, { type: "user-stopped-speaking" }, { type: "thinking-timeout" }).phase, "listening");
  });

  it("comes back from a lost connection", () => {
    const lost = run(...LIVE, { type: "bot-started-speaking" }, { type: "reconnecting" });
    assert.deepEqual(screen(lost), ["Connection lost, reconnecting…"]);
    assert.equal(reduce(lost, { type: "reconnected" }).phase, "listening");
  });

  it("ignores what comes after its end", () => {
    const ended = run(...LIVE, { type: "ended", reason: "bot_left" });
    for (const late of [{ type: "bot-started-speaking" }, { type: "mic", mic: "on" }, { type: "reconnecting" }, { type: "bot-ready" }] as Action[]) {
      assert.equal(reduce(ended, late), ended);
    }
  });

  it("is the same object when nothing changes", () => {
    const state = run(...LIVE);
    assert.equal(reduce(state, { type: "mic", mic: "on" }), state);
  });
});

describe("every way a call can fail", () => {
  it("names the problem in the visitor's words and offers a way out", () => {
    for (const problem of Object.keys(ENGLISH.problems) as (keyof typeof ENGLISH.problems)[]) {
      const [, notice] = screen(run(START, { type: "failed", problem }));
      assert.ok(notice?.startsWith(ENGLISH.problems[problem]), problem);
      assert.equal(notice?.endsWith("(Start again)"), problem !== "origin_not_allowed", problem);
      assert.doesNotMatch(ENGLISH.problems[problem], /error|token|LiveKit|server|50\d/i);
    }
  });

  it("offers to start again after every kind of end", () => {
    for (const reason of Object.keys(ENGLISH.ends) as (keyof typeof ENGLISH.ends)[]) {
      assert.match(screen(run(...LIVE, { type: "ended", reason }))[1] ?? "", /\(Start again\)$/);
    }
  });

  it("counts down while every line is busy, without announcing each second", () => {
    const state = run(START, { type: "retry-at", problem: "server_full", atMs: 12_000 });
    const [first] = notices(state, ENGLISH, 500);
    const [second] = notices(state, ENGLISH, 10_900);
    assert.equal(first?.detail, "Trying again in 12 s.");
    assert.equal(second?.detail, "Trying again in 2 s.");
    assert.equal(first.id, second.id);
    assert.deepEqual(first.actions.map(({ action }) => action), ["start", "cancel"]);
  });

  it("falls back to text, and says how to get the microphone back, when there is none", () => {
    for (const mic of ["denied", "missing", "in_use", "lost"] as const) {
      const [status, notice] = screen(run(START, { type: "mic", mic }, { type: "bot-ready" }));
      assert.equal(status, "Type to talk to me");
      assert.match(notice ?? "", /type below.*\(Try the microphone again\)$/);
    }
    for (const mic of ["blocked", "insecure"] as const) {
      assert.doesNotMatch(screen(run(START, { type: "mic", mic }, { type: "bot-ready" }))[1] ?? "", /\([A-Z]/);
    }
  });

  it("asks for a tap when the browser holds back the sound", () => {
    const state = run(START, { type: "audio-blocked", blocked: true });
    assert.match(screen(state)[1] ?? "", /\(Tap to hear the assistant\)$/);
  });
});

describe("a function call of the bot", () => {
  it("is named while it runs, and over when the bot speaks again", () => {
    const asked = run(...LIVE, { type: "user-stopped-speaking" }, { type: "tool-started" }, { type: "tool-started" }, { type: "tool-stopped" });
    assert.deepEqual(screen(asked), ["Looking it up…"]);
    assert.deepEqual(screen(reduce(asked, { type: "tool-stopped" })), ["Thinking…"]);
    assert.deepEqual(screen(reduce(asked, { type: "bot-started-speaking" })), ["Speaking"]);
  });

  it("goes on while the bot says that it takes a moment", () => {
    const state = run(...LIVE, { type: "tool-started" }, { type: "bot-started-speaking" }, { type: "bot-stopped-speaking" });
    assert.deepEqual(screen(state), ["Looking it up…"]);
  });

  it("is forgotten when the visitor speaks instead, or when it never ends", () => {
    for (const action of [{ type: "user-stopped-speaking" }, { type: "thinking-timeout" }, { type: "bot-interrupted" }] as Action[]) {
      assert.equal(reduce(run(...LIVE, { type: "tool-started" }), action).tools, 0);
    }
    assert.equal(run(...LIVE, { type: "tool-stopped" }).tools, 0);
  });
});

describe("trouble that does not end the call", () => {
  it("is said, and gone when what failed works again", () => {
    const cases: [Action & { type: "trouble" }, Action][] = [
      [{ type: "trouble", trouble: "tts_failed" }, { type: "bot-started-speaking" }],
      [{ type: "trouble", trouble: "stt_failed" }, { type: "heard" }],
      [{ type: "trouble", trouble: "llm_failed" }, { type: "text-sent" }],
    ];
    for (const [trouble, cure] of cases) {
      const state = run(...LIVE, { type: "user-stopped-speaking" }, trouble);
      assert.deepEqual(screen(state), ["Listening", ENGLISH.troubles[trouble.trouble]]);
      assert.equal(reduce(state, cure).trouble, null);
    }
  });

  it("of the ears is not cured by the voice", () => {
    assert.equal(run(...LIVE, { type: "trouble", trouble: "stt_failed" }, { type: "bot-started-speaking" }).trouble, "stt_failed");
  });
});

describe("consent", () => {
  it("is asked instead of everything else, and never in a call", () => {
    assert.deepEqual(notices(run({ type: "consent", consent: "asking" }), ENGLISH, 0), []);
    assert.equal(run(...LIVE, { type: "consent", consent: "asking" }).consent, "none");
    assert.equal(run({ type: "consent", consent: "asking" }, START).consent, "none");
  });
});

describe("a rating", () => {
  const config = { ...DEFAULT_CONFIG, rating: true };
  it("is asked after a call in which the two met", () => {
    assert.equal(asksRating(run(...LIVE, { type: "ended", reason: "visitor" }), config), true);
    assert.equal(asksRating(run(START, { type: "ended", reason: "visitor" }), config), false);
    assert.equal(asksRating(run(...LIVE, { type: "ended", reason: "visitor" }), DEFAULT_CONFIG), false);
    assert.equal(asksRating(run(...LIVE), config), false);
  });

  it("is not asked of a call that goes on elsewhere", () => {
    for (const reason of ["moved", "other_tab", "session_gone"] as const) {
      assert.equal(asksRating(run(...LIVE, { type: "ended", reason }), config), false);
    }
  });
});

describe("push to talk", () => {
  it("says to hold the button, not that the microphone is off", () => {
    const state = run(...LIVE, { type: "mic", mic: "muted" });
    assert.equal(statusText(state, ENGLISH, { ...DEFAULT_CONFIG, pushToTalk: true }), "Hold to talk");
    assert.equal(statusText(state, ENGLISH), "Microphone is muted");
  });
});

describe("texts", () => {
  it("can be replaced one by one", () => {
    const texts = mergeTexts({ end: "Auflegen", phases: { listening: "Ich höre zu" } });
    assert.equal(texts.end, "Auflegen");
    assert.equal(texts.phases.listening, "Ich höre zu");
    assert.equal(texts.phases.thinking, ENGLISH.phases.thinking);
  });
});

describe("the end of a call", () => {
  it("says in the visitor's words why the bot ended it", () => {
    assert.deepEqual(endAction("silent"), { type: "ended", reason: "idle" });
    assert.deepEqual(endAction("budget_spent"), { type: "failed", problem: "budget_spent" });
    assert.deepEqual(endAction("provider_unusable"), { type: "failed", problem: "bot_error" });
    assert.deepEqual(endAction("something new"), { type: "ended", reason: "bot_left" });
  });
});
