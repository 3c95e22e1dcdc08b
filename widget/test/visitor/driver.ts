/**
 * A visitor's browser at the other end of a pipe: a line of JSON in, a line of JSON out.
 *
 * puppeteer-core drives a stock Firefox over WebDriver BiDi and a stock Chromium over its own
 * protocol; the stories that both tell are in tests/e2e/browsers.
 */

import { createInterface } from "node:readline";
import puppeteer, { type Browser, type CDPSession, type KeyInput, type Page } from "puppeteer-core";
import { openEyes } from "./eyes.ts";

interface Launch {
  readonly browser: "chromium" | "firefox";
  readonly executable: string;
  /** `granted`, `blocked` by the visitor's own choice, or no device at all: `none`. */
  readonly microphone: "granted" | "blocked" | "none";
  /** What a Chromium's microphone plays again and again; Firefox's hums. */
  readonly sound: string;
  /** Of Firefox's microphone. */
  readonly humHz: number;
  readonly width: number;
  readonly height: number;
}

interface Commands {
  open: Launch;
  goto: { readonly url: string };
  reload: object;
  /** A new tab, which is the one in front from then on. */
  tab: object;
  front: { readonly tab: number };
  viewport: { readonly width: number; readonly height: number };
  /** The value of an expression; in the page's last frame where that is asked for. */
  evaluate: { readonly script: string; readonly inFrame?: boolean };
  mouse: { readonly move: "click" | "down" | "up"; readonly x: number; readonly y: number };
  key: { readonly move: "press" | "down" | "up"; readonly key: KeyInput };
  type: { readonly text: string };
  picture: { readonly path: `${string}.png` };
}

let browser: Browser | undefined;
let launched: Launch | undefined;
let at = 0;
const pages: Page[] = [];
const debuggers = new Map<Page, CDPSession>();

const launch = ({ browser: name, executable, microphone, sound, humHz, width, height }: Launch): Promise<Browser> => {
  const shared = { executablePath: executable, headless: true, defaultViewport: { width, height } };
  if (name === "chromium") {
    const device = ["--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${sound}`];
    // The sandbox needs a user namespace, which containers often have not.
    return puppeteer.launch({ ...shared, browser: "chrome", args: ["--no-sandbox", "--disable-quic", ...(microphone === "none" ? [] : device)] });
  }
  return puppeteer.launch({
    ...shared,
    browser: "firefox",
    extraPrefsFirefox: {
      "media.navigator.streams.fake": microphone !== "none",
      "media.navigator.audio.fake_frequency": humHz,
      "media.navigator.permission.disabled": microphone !== "blocked",
      "permissions.default.microphone": microphone === "blocked" ? 2 : 1,
      // Else addresses are hidden behind mDNS names, and a container may have no mDNS.
      "media.peerconnection.ice.obfuscate_host_addresses": false,
    },
  });
};

const openTab = async (): Promise<number> => {
  if (browser === undefined) throw new Error("no browser");
  const page = await browser.newPage();
  if (launched?.browser === "chromium") debuggers.set(page, await page.createCDPSession());
  await page.evaluateOnNewDocument(openEyes);
  at = pages.push(page) - 1;
  return at;
};

/** What puppeteer keeps to itself. Its own way to evaluate makes each expression a gesture, and in Firefox takes the visitor's back. */
interface BidiInternals {
  readonly connection: { send(method: "script.evaluate", params: object): Promise<{ readonly result: BidiResult }> };
}
interface BidiResult {
  readonly result?: { readonly value?: string };
  readonly exceptionDetails?: { readonly text: string };
}

const evaluate = async (page: Page, { script, inFrame }: Commands["evaluate"]): Promise<unknown> => {
  const frame = inFrame === true ? page.frames().at(-1) : page.mainFrame();
  const session = debuggers.get(page);
  if (inFrame === true && session !== undefined) return await frame?.evaluate(script);
  const expression = `(async () => JSON.stringify(await (${script}\n)))()`;
  if (session !== undefined) {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return parse(result.value);
  }
  const target = { context: (frame as unknown as { _id: string })._id };
  const { connection } = browser as unknown as BidiInternals;
  const { result } = await connection.send("script.evaluate", { expression, awaitPromise: true, target });
  if (result.exceptionDetails !== undefined) throw new Error(result.exceptionDetails.text);
  return parse(result.result?.value);
};

const parse = (value: unknown): unknown => (typeof value === "string" ? JSON.parse(value) : null);

const current = (): Page => {
  const page = pages[at];
  if (page === undefined) throw new Error("no page");
  return page;
};

const HANDLERS: { readonly [Name in keyof Commands]: (command: Commands[Name]) => Promise<unknown> } = {
  open: async (command) => {
    launched = command;
    browser = await launch(command);
    await openTab();
  },
  goto: async ({ url }) => {
    const { origin, protocol, hostname } = new URL(url);
    // Pages that are neither are never given a microphone.
    const isSecure = protocol === "https:" || hostname === "localhost" || hostname === "127.0.0.1";
    // Firefox has no such command, and is told by a preference.
    const allowed = launched?.browser === "chromium" && launched.microphone !== "blocked" && isSecure;
    if (allowed) await browser?.defaultBrowserContext().setPermission(origin, { permission: { name: "microphone" }, state: "granted" });
    await current().goto(url);
  },
  reload: async () => { await current().reload(); },
  tab: openTab,
  front: async ({ tab }) => {
    at = tab;
    await current().bringToFront();
  },
  viewport: async (size) => { await current().setViewport(size); },
  evaluate: (command) => evaluate(current(), command),
  mouse: async ({ move, x, y }) => {
    const { mouse } = current();
    await mouse.move(x, y);
    if (move !== "up") await mouse.down();
    if (move !== "down") await mouse.up();
  },
  key: async ({ move, key }) => { await current().keyboard[move](key); },
  type: async ({ text }) => { await current().keyboard.type(text); },
  picture: async ({ path }) => { await current().screenshot({ path: path }); },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { does, ...command } = JSON.parse(line) as { does: keyof Commands };
  const answer = await HANDLERS[does](command as never).then(
    (value) => ({ value: value ?? null }),
    (error: unknown) => ({ error: String(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// Also when the tests are gone without a word.
await browser?.close();
