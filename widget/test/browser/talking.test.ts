import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { ENGLISH } from "../../src/texts.ts";
import { bot, bubble, click, live, on, panel, room, see, skip, type FakeRoom } from "./stage.ts";

const sent = (page: Page) => page.evaluate(() => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.sent);
const micIsOpen = (page: Page) => page.evaluate(() => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.published[0]?.mediaStreamTrack.enabled === true);
const untilMic = (page: Page, open: boolean) =>
  page.waitForFunction((wanted) => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.published[0]?.mediaStreamTrack.enabled === wanted, open);
const output = (text: string) => ({ text, segment_id: 1, will_be_spoken: false, spoken_status: "new" });
const hear = async (page: Page, name: string) => {
  await page.evaluate((type) => {
    document.addEventListener(type, (event) => Object.assign(window, { heard: (event as CustomEvent<unknown>).detail }));
  }, name);
};
const heard = (page: Page) => page.evaluate(() => (window as unknown as { heard?: unknown }).heard);

describe("push to talk", { skip }, () => {
  const talk = (page: Page) => panel(page).getByRole("button", { name: ENGLISH.holdToTalk });

  it("sends only while the button is held", async () => {
    await live({ attributes: "push-to-talk" }, async ({ page }) => {
      assert.equal(await micIsOpen(page), false);
      await see(page, ENGLISH.holdToTalk);
      await talk(page).hover();
      await page.mouse.down();
      await untilMic(page, true);
      await see(page, ENGLISH.phases.listening);
      await page.mouse.up();
      await untilMic(page, false);
      assert.equal(await talk(page).getAttribute("aria-pressed"), "false");
    });
  });

  it("works by Space, and lets go when the focus leaves", async () => {
    await live({ attributes: "push-to-talk" }, async ({ page }) => {
      await talk(page).focus();
      await page.keyboard.down("Space");
      await untilMic(page, true);
      await page.keyboard.up("Space");
      await untilMic(page, false);
      await page.keyboard.down("Space");
      await untilMic(page, true);
      await page.getByRole("textbox", { name: ENGLISH.inputLabel }).focus();
      await untilMic(page, false);
      await page.keyboard.up("Space");
    });
  });

  it("can be switched by those who cannot hold", async () => {
    await live({ attributes: "push-to-talk" }, async ({ page }) => {
      await talk(page).evaluate((node) => { (node as HTMLElement).click(); });
      await untilMic(page, true);
      await talk(page).evaluate((node) => { (node as HTMLElement).click(); });
      await untilMic(page, false);
    });
  });
});

describe("text only", { skip }, () => {
  it("never asks for the microphone, and asks the bot to answer in writing", async () => {
    await on({ attributes: 'mode="text"', fakeRoom: true }, async ({ page }) => {
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () => {
          Object.assign(window, { askedForMic: true });
          return Promise.reject(new Error());
        };
      });
      await bubble(page).click();
      await see(page, ENGLISH.chat.typing);
      await page.getByRole("textbox", { name: ENGLISH.inputLabel }).fill("What is a lot?");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.sent.length === 2);
      const [ready, text] = await sent(page);
      assert.equal(ready?.type, "client-ready");
      assert.deepEqual(text?.data, { content: "What is a lot?", options: { run_immediately: true, audio_response: false } });
      assert.equal(await page.evaluate(() => "askedForMic" in window), false);
      assert.equal(await panel(page).getByRole("button", { name: ENGLISH.settings }).isVisible(), false);
      await click(page, ENGLISH.chat.end);
      await see(page, ENGLISH.chat.ended);
    }, room);
  });
});

describe("the sound settings", { skip }, () => {
  it("choose the microphone during the call, and set the volume", async () => {
    await live({}, async ({ page }) => {
      const first = await page.evaluate(() => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.published[0]?.mediaStreamTrack.id);
      await click(page, ENGLISH.settings);
      const picker = panel(page).getByRole("combobox", { name: ENGLISH.microphone });
      assert.equal(await picker.locator("option").first().textContent(), ENGLISH.systemDefault);
      const [, second] = await picker.locator("option").allTextContents();
      await picker.selectOption({ label: second ?? "" });
      await page.waitForFunction((id) => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.published[0]?.mediaStreamTrack.id !== id, first);
      await panel(page).getByRole("slider", { name: ENGLISH.volume }).fill("30");
      assert.equal(await panel(page).locator("audio").evaluate((node) => (node as HTMLAudioElement).volume), 0.3);
      assert.equal(await page.evaluate(() => localStorage.length), 0);
      await click(page, ENGLISH.settings);
      assert.equal(await picker.isVisible(), false);
    });
  });

  it("go on with another microphone when the one in use is gone, and say so when there is none", async () => {
    await live({}, async ({ page }) => {
      const lose = () => page.evaluate(() => {
        const track = (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.published[0]?.mediaStreamTrack;
        track?.dispatchEvent(new Event("ended"));
        return track?.id;
      });
      const first = await lose();
      await page.waitForFunction((id) => (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.published[0]?.mediaStreamTrack.id !== id, first);
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotFoundError"));
      });
      await lose();
      await see(page, ENGLISH.mics.lost);
      await panel(page).getByRole("button", { name: ENGLISH.useMic }).waitFor();
    });
  });
});

describe("what the bot says and does", { skip }, () => {
  it("links only to the origins the site allows", async () => {
    await live({ attributes: 'links="https://shop.example"' }, async ({ page }) => {
      await bot(page, "bot-output", output("See https://shop.example/lots. Not https://evil.example/x or javascript:alert(1)."));
      const links = panel(page).getByRole("log").getByRole("link");
      await links.first().waitFor();
      assert.equal(await links.count(), 1);
      assert.equal(await links.getAttribute("href"), "https://shop.example/lots");
      assert.equal(await links.getAttribute("rel"), "noopener noreferrer");
    });
  });

  it("is plain text when the site allows no links, whatever it holds", async () => {
    await live({}, async ({ page }) => {
      const hostile = `<img src=x onerror=alert(1)> https://shop.example/ \u202egnirts ${"x".repeat(1500)}`;
      await bot(page, "bot-output", output(hostile));
      await panel(page).getByText("onerror").waitFor();
      assert.equal(await panel(page).getByRole("log").locator("img, a").count(), 0);
      const overflow = await panel(page).locator(".scroll").evaluate((node) => node.scrollWidth - node.clientWidth);
      assert.equal(overflow, 0);
    });
  });

  it("says that it looks something up", async () => {
    await live({}, async ({ page }) => {
      await bot(page, "llm-function-call-in-progress", { tool_call_id: "1" });
      await see(page, ENGLISH.lookingUp);
      await bot(page, "llm-function-call-stopped", { tool_call_id: "1" });
      await see(page, ENGLISH.phases.thinking);
    });
  });

  it("can still be read when its voice fails", async () => {
    await live({}, async ({ page }) => {
      await bot(page, "bot-output", { ...output("Cacao costs 5,200 dollars."), will_be_spoken: true });
      await bot(page, "error", { error: "tts_failed", fatal: false });
      await see(page, ENGLISH.troubles.tts_failed);
      assert.equal(await panel(page).locator(".row.bot .text").textContent(), "Cacao costs 5,200 dollars.");
      await bot(page, "bot-started-speaking");
      await panel(page).getByText(ENGLISH.troubles.tts_failed).waitFor({ state: "detached" });
    });
  });
});

describe("two tabs", { skip }, () => {
  it("do not fight: the one that starts last has the call", async () => {
    await live({}, async ({ page, context }) => {
      const second = await context.newPage();
      await second.goto(page.url());
      await bubble(second).click();
      await see(page, ENGLISH.ends.other_tab);
      await second.locator('voice-assistant .panel[data-phase="listening"]').waitFor();
    });
  });
});

describe("consent", { skip }, () => {
  const attributes = 'consent="This call is recorded."';

  it("comes before the microphone and the server, and is remembered only when wanted", async () => {
    await on({ attributes, fakeRoom: true }, async ({ page, server }) => {
      await bubble(page).click();
      await see(page, "This call is recorded.");
      assert.deepEqual(server.bodies, []);
      await click(page, ENGLISH.consentAgree);
      await see(page, ENGLISH.phases.listening);
      assert.equal(await page.evaluate(() => localStorage.length), 0);
      await page.evaluate(() => { sessionStorage.clear(); });
      await page.reload();
      await bubble(page).click();
      await panel(page).getByRole("checkbox", { name: ENGLISH.consentRemember }).check();
      await click(page, ENGLISH.consentAgree);
      await see(page, ENGLISH.phases.listening);
      await click(page, ENGLISH.end);
      await page.reload();
      await bubble(page).click();
      await see(page, ENGLISH.phases.listening);
    }, room);
  });

  it("that is not given starts nothing", async () => {
    await on({ attributes, fakeRoom: true }, async ({ page, server }) => {
      await hear(page, "va-consent");
      await bubble(page).click();
      await click(page, ENGLISH.consentDecline);
      await see(page, ENGLISH.start);
      assert.deepEqual(server.bodies, []);
      assert.deepEqual(await heard(page), { agreed: false });
      await page.evaluate(() => (document.querySelector("voice-assistant") as HTMLElement & { sendText(text: string): Promise<void> }).sendText("Hi"));
      await see(page, "This call is recorded.");
      assert.deepEqual(server.bodies, []);
      await click(page, ENGLISH.consentAgree);
      await page.waitForFunction(() => (window as unknown as { fakeRoom?: FakeRoom }).fakeRoom?.sent.some(({ type }) => type === "send-text"));
    }, room);
  });

  it("lets the conversation be kept where the site asks for that, which is said while it goes on", async () => {
    const kept = { ...room, body: { ...room.body, recorded: true } };
    await on({ attributes: `${attributes} record`, fakeRoom: true }, async ({ page, server }) => {
      await bubble(page).click();
      await click(page, ENGLISH.consentAgree);
      await see(page, ENGLISH.phases.listening);
      assert.deepEqual(server.bodies, [{ record: true }]);
      await see(page, ENGLISH.recorded);
      await click(page, ENGLISH.end);
      await panel(page).getByText(ENGLISH.recorded, { exact: true }).waitFor({ state: "hidden" });
    }, kept);
  });

  it("is asked for by nobody who shows no text, and claimed by nobody whose server keeps nothing", async () => {
    await on({ attributes: "record", fakeRoom: true }, async ({ page, server }) => {
      await bubble(page).click();
      await see(page, ENGLISH.phases.listening);
      assert.deepEqual(server.bodies, [{}]);
      assert.equal(await panel(page).getByText(ENGLISH.recorded, { exact: true }).isVisible(), false);
    }, room);
  });

  it("may hold the site's own markup in a slot", async () => {
    await on({ content: '<p slot="consent">Read the <a href="/terms">terms</a>.</p>', fakeRoom: true }, async ({ page }) => {
      await bubble(page).click();
      await page.getByRole("link", { name: "terms" }).waitFor();
      await click(page, ENGLISH.consentAgree);
      await see(page, ENGLISH.phases.listening);
    }, room);
  });
});

describe("a rating", { skip }, () => {
  it("goes to the page as an event, with a comment", async () => {
    await live({ attributes: "rating" }, async ({ page }) => {
      await hear(page, "va-rating");
      await click(page, ENGLISH.end);
      await panel(page).getByRole("radio", { name: "4 of 5 stars" }).check();
      await panel(page).getByRole("textbox", { name: ENGLISH.ratingComment }).fill("Good.");
      await click(page, ENGLISH.ratingSend);
      await see(page, ENGLISH.ratingThanks);
      assert.deepEqual(await heard(page), { stars: 4, comment: "Good.", sessionId: "session-1" });
    });
  });
});
