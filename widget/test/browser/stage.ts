/** What every browser test stands on: one Chromium, and a fresh site and server for each test. */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { FakeServer, findChromium, launch, openPage, refused, strictPolicy, type HostPage } from "./harness.ts";

const chromium = findChromium();
/** The reason to skip every browser test, or false. */
export const skip = chromium === null ? "no Chromium on PATH: set CHROMIUM_PATH to run the widget in a real browser" : false;
/** Long enough for a busy machine, short of a test that hangs. */
const SEE_MS = 8_000;

let browser: Browser;

before(async () => {
  if (chromium === null) return;
  browser = await launch(chromium);
});

after(async () => {
  if (chromium !== null) await browser.close();
});

interface Setup {
  readonly attributes?: string;
  readonly microphone?: boolean;
  readonly sameOrigin?: boolean;
  readonly headers?: Record<string, string>;
  /** Attributes of the page's root element. */
  readonly root?: string;
  /** What stands inside the element. */
  readonly content?: string;
  readonly fakeRoom?: boolean;
}

/** The site that embeds the widget, and the widget's own server: two origins. */
export interface Stage extends HostPage {
  readonly site: FakeServer;
  readonly server: FakeServer;
}

/** Runs a test on a fresh site and server. */
export async function on(setup: Setup, test: (stage: Stage) => Promise<void>, answer = refused(500, "internal_error")): Promise<void> {
  const site = new FakeServer();
  const server = new FakeServer();
  await site.start();
  await server.start();
  server.answer = site.answer = answer;
  server.fakeRoom = site.fakeRoom = setup.fakeRoom === true;
  const scripts = setup.sameOrigin === true ? site : server;
  site.pageHeaders = { "content-security-policy": strictPolicy(scripts.origin), ...setup.headers };
  site.page = `<!doctype html><html ${setup.root ?? ""}><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>host</title><button id="own">own</button>
    <script src="${scripts.origin}/widget.js" async></script><voice-assistant ${setup.attributes ?? ""}>${setup.content ?? ""}</voice-assistant>`;
  const host = await openPage(browser, `${site.origin}/`, setup);
  try {
    await test({ ...host, site, server });
    assert.deepEqual(host.troubles, []);
  } finally {
    await host.context.close();
    await site.stop();
    await server.stop();
  }
}

export const bubble = (page: Page) => page.locator("voice-assistant .bubble");
export const panel = (page: Page) => page.locator("voice-assistant .panel");
export const see = async (page: Page, text: string) => {
  await page.locator("voice-assistant").getByText(text, { exact: false }).first().waitFor({ timeout: SEE_MS });
};
export const click = async (page: Page, name: string) => {
  await page.locator("voice-assistant").getByRole("button", { name }).click();
};
/** A server that gives a room: with `fakeRoom`, one with a bot in it. */
export const room = { status: 200, body: { url: "ws://127.0.0.1:9", token: "token", room: "room", sessionId: "session-1" } };
/** Lets the bot of a fake room say something in RTVI. */
export const bot = async (page: Page, type: string, data: unknown = {}) => {
  await page.evaluate(([name, content]) => {
    (window as unknown as { fakeRoom: FakeRoom }).fakeRoom.bot(name, content);
  }, [type, data] as const);
};
export interface FakeRoom {
  bot(type: string, data: unknown): void;
  readonly sent: { type: string; data: Record<string, unknown> }[];
  readonly published: { mediaStreamTrack: MediaStreamTrack }[];
}
/** Runs a fake room's call up to the moment the bot listens. */
export const live = async (setup: Setup, test: (stage: Stage) => Promise<void>) => {
  await on({ ...setup, fakeRoom: true }, async (stage) => {
    await bubble(stage.page).click();
    await stage.page.locator('voice-assistant .panel[data-phase="listening"]').waitFor({ timeout: SEE_MS });
    await test(stage);
  }, room);
};
/** A desktop's window at 200 %, the smallest phone, a phone on its side. */
export const LOW_WINDOWS = [[720, 450], [320, 568], [844, 390]] as const;
/** What of the open panel cannot be seen whole, pressed or read: nothing, one hopes. */
export const clipped = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const root = document.querySelector("voice-assistant")?.shadowRoot;
    const panel = root?.querySelector<HTMLElement>(".panel:not([hidden])");
    if (root == null || panel == null) return [];
    const outer = panel.getBoundingClientRect();
    const name = (node: Element) => node.getAttribute("aria-label") ?? (node.textContent || node.className);
    const found = outer.left < 0 || outer.top < 0 || outer.right > innerWidth || outer.bottom > innerHeight ? ["panel"] : [];
    for (const node of panel.querySelectorAll("button, input, select, textarea")) {
      if (!node.checkVisibility()) continue;
      node.scrollIntoView({ block: "nearest" });
      const { left, top, right, bottom } = node.getBoundingClientRect();
      const hit = root.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      const inside = left >= outer.left && top >= outer.top && right <= outer.right && bottom <= outer.bottom;
      if (!inside || hit === null || !(node.contains(hit) || hit.contains(node))) found.push(`control ${name(node)}`);
    }
    for (const node of panel.querySelectorAll(".status, .notice p, .action, .field span, legend")) {
      if (node.checkVisibility() && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0) found.push(`text ${name(node)}`);
    }
    // What is said is what the panel is for, until it is rated: two lines of it at the least.
    const log = panel.querySelector(".scroll");
    if (log?.checkVisibility() === true && log.clientHeight < 44 && panel.querySelector(".rating")?.checkVisibility() !== true) found.push(`conversation of ${log.clientHeight} px`);
    return found;
  });
export const hang = { status: 200, hang: true };
