import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { ENGLISH } from "../../src/texts.ts";
import { refused } from "./harness.ts";
import { LOW_WINDOWS, bot, bubble, click, clipped, hang, live, on, panel, room, see, skip, type Stage } from "./stage.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Runs axe over the widget as it is now, in both themes, and looks for what low windows cut off. */
async function check(page: Page, state: string): Promise<void> {
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [width, height] of LOW_WINDOWS) {
    await page.setViewportSize({ width, height });
    assert.deepEqual(await clipped(page), [], `${state}, ${width}x${height}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const theme of ["light", "dark"]) {
    await page.locator("voice-assistant").evaluate((node, value) => { node.setAttribute("theme", value); }, theme);
    // The debugger's scripts are not bound by the page's policy.
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(context: string, options: object): Promise<{ violations: Violation[] }> } };
      // Which landmark the element stands in is the page's business.
      const options = { resultTypes: ["violations"], rules: { region: { enabled: false } } };
      return (await axe.run("voice-assistant", options)).violations;
    });
    const problems = found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary ?? ""}`).join(" | ")}`);
    assert.deepEqual(problems, [], `${state}, ${theme}`);
    if (process.env.SCREENSHOTS !== undefined) await keep(page, process.env.SCREENSHOTS, `${state.replaceAll(" ", "-")}-${theme}`);
  }
}

/** Keeps a picture of a phone's screen, and of the corner of a desktop's where the widget is. */
async function keep(page: Page, folder: string, name: string): Promise<void> {
  await page.emulateMedia({ colorScheme: name.endsWith("dark") ? "dark" : "light" });
  for (const [kind, width, height] of [["desktop", 1440, 900], ["phone", 390, 844]] as const) {
    await page.setViewportSize({ width, height });
    const left = await page.evaluate(() => document.dir === "rtl");
    const corner = { x: left ? 0 : 940, y: 200, width: 500, height: 700 };
    await page.screenshot({ path: `${folder}/${name}-${kind}.jpg`, type: "jpeg", quality: 50, ...(kind === "desktop" ? { clip: corner } : {}) });
  }
  if (name.endsWith("light")) {
    // A desktop's window at 200 %.
    await page.setViewportSize({ width: 720, height: 450 });
    await page.screenshot({ path: `${folder}/${name}-zoomed.jpg`, type: "jpeg", quality: 50 });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** What the room itself tells, as livekit-client would. */
const emit = async (page: Page, name: string, ...args: unknown[]) => {
  await page.evaluate(([type, content]) => {
    (window as unknown as { fakeRoom: { emit(name: string, ...args: unknown[]): void } }).fakeRoom.emit(type, ...content);
  }, [name, args] as const);
};
const ROOM_DELETED = 5;

const talk = async (page: Page) => {
  await bot(page, "bot-output", { text: "Hello, ask me about lots, prices or shipments.", segment_id: 1, will_be_spoken: false, spoken_status: "new" });
  await bot(page, "user-input", { text: "What does Trinitario cost?", input_type: "transcription", final: true });
  await bot(page, "bot-output", { text: "Grade 1 costs 5,200 dollars a tonne. See https://shop.example/prices for more.", segment_id: 2, will_be_spoken: false, spoken_status: "new" });
  await bot(page, "user-input", { text: "And how do I", input_type: "transcription", final: false });
  await panel(page).getByText("5,200").waitFor();
};

/** Every state, by what leads to it in a call with a fake room. */
const IN_A_CALL: Record<string, { attributes?: string; root?: string; then: (stage: Stage) => Promise<void> }> = {
  listening: { attributes: 'links="https://shop.example"', then: ({ page }) => talk(page) },
  intro: { then: () => Promise.resolve() },
  "looking up": { then: async ({ page }) => { await talk(page); await bot(page, "llm-function-call-in-progress", {}); await see(page, ENGLISH.lookingUp); } },
  speaking: { then: async ({ page }) => { await talk(page); await bot(page, "bot-started-speaking"); await see(page, ENGLISH.phases.speaking); } },
  thinking: { then: async ({ page }) => { await talk(page); await bot(page, "user-stopped-speaking"); await see(page, ENGLISH.phases.thinking); } },
  interrupted: { then: async ({ page }) => { await talk(page); await bot(page, "bot-started-speaking"); await bot(page, "bot-interrupted"); await see(page, ENGLISH.wasInterrupted); } },
  hearing: { then: async ({ page }) => { await talk(page); await bot(page, "user-started-speaking"); await see(page, ENGLISH.hearing); } },
  reconnecting: { then: async ({ page }) => { await talk(page); await emit(page, "SignalReconnecting"); await see(page, ENGLISH.phases.reconnecting); } },
  "sound held back": {
    then: async ({ page }) => {
      await talk(page);
      await page.evaluate(() => { (window as unknown as { fakeRoom: { canPlaybackAudio: boolean } }).fakeRoom.canPlaybackAudio = false; });
      await emit(page, "AudioPlaybackStatusChanged");
      await see(page, ENGLISH.audioBlocked);
    },
  },
  "bot left": { then: async ({ page }) => { await talk(page); await emit(page, "Disconnected", ROOM_DELETED); await see(page, ENGLISH.ends.bot_left); } },
  "connection lost": { then: async ({ page, server }) => { await talk(page); server.answer = refused(410, "session_gone"); await emit(page, "Disconnected"); await see(page, ENGLISH.problems.connection_lost); } },
  "long words": {
    then: async ({ page }) => {
      await bot(page, "bot-output", { text: `${"Kakaobohnenlieferverzögerungsbenachrichtigung".repeat(4)} ${"word ".repeat(120)}`, segment_id: 1, will_be_spoken: false, spoken_status: "new" });
      await bot(page, "user-input", { text: "x".repeat(600), input_type: "transcription", final: true });
      await panel(page).getByText("xxxx").waitFor();
    },
  },
  muted: { then: async ({ page }) => { await click(page, ENGLISH.mute); await see(page, ENGLISH.muted); } },
  "push to talk": { attributes: "push-to-talk", then: ({ page }) => talk(page) },
  settings: { then: async ({ page }) => { await talk(page); await click(page, ENGLISH.settings); await panel(page).getByRole("slider").waitFor(); } },
  "voice failed": { then: async ({ page }) => { await talk(page); await bot(page, "error", { error: "tts_failed", fatal: false }); await see(page, ENGLISH.troubles.tts_failed); } },
  compact: { attributes: 'size="compact"', then: ({ page }) => talk(page) },
  full: { attributes: 'size="full"', then: ({ page }) => talk(page) },
  chat: { attributes: 'mode="text"', then: ({ page }) => talk(page) },
  arabic: { root: 'lang="ar" dir="rtl"', then: ({ page }) => talk(page) },
  ended: { then: async ({ page }) => { await talk(page); await click(page, ENGLISH.end); await see(page, ENGLISH.phases.ended); } },
  rating: { attributes: "rating", then: async ({ page }) => { await talk(page); await click(page, ENGLISH.end); await panel(page).getByRole("radio", { name: "4 of 5" }).check(); } },
  rated: { attributes: "rating", then: async ({ page }) => { await click(page, ENGLISH.end); await panel(page).getByRole("radio", { name: "5 of 5" }).check(); await click(page, ENGLISH.ratingSend); } },
};

describe("the keyboard alone", { skip }, () => {
  it("does everything: opens, agrees, mutes, sets the sound, types, ends, rates, closes", async () => {
    await on({ attributes: 'consent="This call is recorded." rating', fakeRoom: true }, async ({ page }) => {
      const { keyboard } = page;
      const focused = () => page.evaluate(() => {
        const active = document.querySelector("voice-assistant")?.shadowRoot?.activeElement;
        const input = active as HTMLInputElement | null | undefined;
        return active?.getAttribute("aria-label") ?? input?.labels?.[0]?.textContent ?? active?.textContent ?? "";
      });
      /** Tabs on until the element of this name has the focus; every stop on the way can be seen. */
      const tabTo = async (name: string) => {
        for (let stops = 0; stops < 20; stops += 1) {
          await keyboard.press("Tab");
          if ((await focused()).includes(name)) return;
        }
        assert.fail(`no way by Tab to "${name}"`);
      };
      await page.locator("#own").focus();
      await tabTo(ENGLISH.open);
      await keyboard.press("Enter");
      await see(page, "This call is recorded.");
      if (!(await focused()).includes(ENGLISH.consentAgree)) await tabTo(ENGLISH.consentAgree);
      await keyboard.press("Enter");
      await see(page, ENGLISH.phases.listening);
      await tabTo(ENGLISH.settings);
      await keyboard.press("Enter");
      await tabTo(ENGLISH.volume);
      await keyboard.press("Home");
      assert.equal(await panel(page).locator("audio").evaluate((node) => (node as HTMLAudioElement).volume), 0);
      await tabTo(ENGLISH.mute);
      await keyboard.press("Space");
      await see(page, ENGLISH.muted);
      await tabTo(ENGLISH.inputLabel);
      await keyboard.type("What is a lot?");
      await keyboard.press("Enter");
      await see(page, "What is a lot?");
      await tabTo(ENGLISH.end);
      await keyboard.press("Enter");
      await see(page, ENGLISH.ratingQuestion);
      await tabTo("1 of 5");
      await keyboard.press("ArrowRight");
      await tabTo(ENGLISH.ratingComment);
      await keyboard.type("Good.");
      await tabTo(ENGLISH.ratingSend);
      await keyboard.press("Enter");
      await see(page, ENGLISH.ratingThanks);
      await keyboard.press("Escape");
      await panel(page).waitFor({ state: "hidden" });
      assert.equal(await focused(), ENGLISH.open);
    }, room);
  });
});

describe("a screen reader", { skip }, () => {
  it("is told the status, what is said and what is wrong, once each, by live regions with names", async () => {
    await live({}, async ({ page, server }) => {
      await talk(page);
      assert.equal(await panel(page).getAttribute("role"), "dialog");
      assert.equal(await page.getByRole("dialog", { name: ENGLISH.title }).count(), 1);
      assert.equal(await panel(page).getByRole("status").first().textContent(), ENGLISH.phases.listening);
      const log = panel(page).getByRole("log");
      assert.equal(await log.getAttribute("aria-live"), "polite");
      // What is still being said would be read again and again.
      assert.equal(await log.locator(".pending").last().getAttribute("aria-hidden"), "true");
      assert.equal(await log.locator(".pending").last().textContent(), "And how do I");
      await page.getByRole("textbox", { name: ENGLISH.inputLabel }).fill("It can be sent now.");
      for (const name of [ENGLISH.mute, ENGLISH.end, ENGLISH.send, ENGLISH.close, ENGLISH.settings]) {
        assert.equal(await panel(page).getByRole("button", { name, exact: true }).count(), 1, name);
      }
      // The door, too, knows the call no more.
      server.answer = refused(410, "session_gone");
      await emit(page, "Disconnected");
      await panel(page).getByRole("alert").getByText(ENGLISH.problems.connection_lost).waitFor();
    });
  });
});

describe("axe finds nothing", { skip }, () => {
  it("before anything is clicked", async () => {
    await on({}, async ({ page }) => { await check(page, "closed"); });
  });

  it("while connecting, without a microphone, and when the call does not start", async () => {
    await on({ microphone: false }, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.mics.denied);
      await check(page, "connecting");
    }, hang);
    await on({}, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      await check(page, "failed");
    });
    await on({}, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_full);
      await check(page, "busy");
    }, refused(503, "server_full", { "retry-after": "60" }));
    for (const [status, code, state] of [[401, "sign_in_required", "sign in"], [429, "budget_spent", "no calls left"]] as const) {
      await on({}, async ({ page }) => {
        await bubble(page).click();
        await see(page, ENGLISH.problems[code]);
        await check(page, state);
      }, refused(status, code));
    }
  });

  for (const [state, name] of Object.entries({ "mic denied": "NotAllowedError", "mic in use": "NotReadableError", "mic missing": "NotFoundError" })) {
    it(`with a microphone that does not open: ${state}`, async () => {
      await on({ fakeRoom: true }, async ({ page }) => {
        await page.evaluate((error) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", error)); }, name);
        await bubble(page).click();
        await panel(page).getByRole("button", { name: ENGLISH.useMic }).waitFor();
        await check(page, state);
      }, room);
    });
  }

  it("with a page whose policy forbids the microphone", async () => {
    await on({ fakeRoom: true, headers: { "permissions-policy": "microphone=()" } }, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.mics.blocked);
      await check(page, "mic forbidden");
    }, room);
  });

  it("when the visitor is asked to agree", async () => {
    await on({ attributes: 'consent="This call is recorded and kept for 30 days."', fakeRoom: true }, async ({ page }) => {
      await bubble(page).click();
      await see(page, "This call is recorded");
      await check(page, "consent");
      await click(page, ENGLISH.consentDecline);
      await check(page, "idle");
    }, room);
  });

  it("while the conversation is kept", async () => {
    const kept = { ...room, body: { ...room.body, recorded: true } };
    await on({ attributes: 'consent="This call is recorded and kept for 30 days." record', fakeRoom: true }, async ({ page }) => {
      await bubble(page).click();
      await click(page, ENGLISH.consentAgree);
      await see(page, ENGLISH.phases.listening);
      await check(page, "recorded");
    }, kept);
  });

  for (const [state, { then, ...setup }] of Object.entries(IN_A_CALL)) {
    it(`in a call: ${state}`, async () => {
      await live(setup, async (stage) => {
        await then(stage);
        await check(stage.page, state);
      });
    });
  }
});
