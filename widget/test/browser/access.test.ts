import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { ENGLISH } from "../../src/texts.ts";
import { refused } from "./harness.ts";
import { bot, bubble, click, hang, live, on, panel, room, see, skip, type Stage } from "./stage.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Runs axe over the widget as it is now, in both themes. */
async function check(page: Page, state: string): Promise<void> {
  await page.emulateMedia({ reducedMotion: "reduce" });
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
    if (process.env.SCREENSHOTS !== undefined) {
      for (const [width, height] of [[1440, 900], [390, 844]] as const) {
        await page.setViewportSize({ width, height });
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/${state.replaceAll(" ", "-")}-${theme}-${width}.png` });
      }
      await page.setViewportSize({ width: 1440, height: 900 });
    }
  }
}

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

  for (const [state, { then, ...setup }] of Object.entries(IN_A_CALL)) {
    it(`in a call: ${state}`, async () => {
      await live(setup, async (stage) => {
        await then(stage);
        await check(stage.page, state);
      });
    });
  }
});
