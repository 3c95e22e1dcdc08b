/** The React component: rendered on a server by react-dom, taken over and driven in a real browser. */

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import type { Browser, Page } from "playwright-core";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { FakeServer, findChromium, launch, refused } from "./harness.ts";

const WIDGET_DIR = process.env.WIDGET_DIR ?? ".";
const executable = findChromium();

/** A page's own code, as its bundler would see it. */
const PAGE = `
import { createElement, StrictMode, useRef, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { VoiceAssistant } from "voice-assistant/react";

window.seen = [];
function App({ tag }) {
  const [label, setLabel] = useState("Ask us");
  const [mounted, setMounted] = useState(true);
  const ref = useRef(null);
  Object.assign(window, { setLabel, setMounted, element: () => ref.current });
  return mounted
    ? createElement(VoiceAssistant, {
        ref,
        label,
        server: window.serverUrl,
        "connect-url": "/api/token",
        theme: "dark",
        className: "mine",
        "data-page": "front",
        texts: { intro: "Hello from React" },
        microphone: { echoCancellation: false },
        "onva-open": () => window.seen.push("open in " + label),
        "onva-state": ({ detail: { phase } }) => phase === window.seen.at(-1) || window.seen.push(phase),
      })
    : null;
}
const app = createElement(StrictMode, null, createElement(App));
const root = document.querySelector("#root");
if (root.firstElementChild) hydrateRoot(root, app, { onRecoverableError: (error) => window.seen.push(String(error)) });
else createRoot(root).render(app);
`;

async function component(): Promise<typeof import("../../src/react/index.ts")> {
  return (await import(pathToFileURL(path.resolve(WIDGET_DIR, "dist/react.js")).href)) as typeof import("../../src/react/index.ts");
}

async function bundle(): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: PAGE, resolveDir: WIDGET_DIR },
    bundle: true,
    write: false,
    format: "esm",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

describe("the React component on a server", () => {
  it("renders the bare tag with its attributes, and needs no browser", async () => {
    const { VoiceAssistant } = await component();
    const html = renderToString(
      createElement(
        VoiceAssistant,
        {
          server: "https://voice.example",
          "connect-url": "/api/token",
          label: "Ask us",
          className: "mine",
          texts: { intro: "Hello" },
          "onva-open": () => undefined,
        },
        createElement("i", { slot: "other" }),
      ),
    );
    assert.equal(
      html,
      '<voice-assistant server="https://voice.example" connect-url="/api/token" label="Ask us" class="mine"><i slot="other"></i></voice-assistant>',
    );
  });
});

describe("the React component in a browser", { skip: executable === null && "no Chromium on this machine" }, () => {
  const server = new FakeServer();
  let browser: Browser;
  let script: string;

  before(async () => {
    script = await bundle();
    await server.start();
    server.answer = refused(500, "internal_error");
    browser = await launch(executable ?? "");
  });
  after(async () => {
    await browser.close();
    await server.stop();
  });

  /** A page with the component, rendered by the server when `html` is given. */
  async function open(html: string, body: (page: Page, requests: string[]) => Promise<void>): Promise<void> {
    const bodies: string[] = [];
    server.page = `<!doctype html><div id="root">${html}</div><script>window.serverUrl = "https://voice.example"</script><script type="module" src="/page"></script>`;
    const context = await browser.newContext({ permissions: ["microphone"] });
    try {
      const page = await context.newPage();
      const troubles: string[] = [];
      page.on("pageerror", (error) => troubles.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error" && !message.text().startsWith("Failed to load")) troubles.push(message.text());
      });
      await page.route("**/page", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
      await page.route("**/api/token", (route) => {
        bodies.push(`${route.request().method()} ${route.request().headers().cookie ?? "no cookie"} ${route.request().postData() ?? ""}`);
        return route.fulfill({ status: 403, json: { error: { code: "origin_not_allowed" } } });
      });
      await context.addCookies([{ name: "session", value: "1", url: server.origin }]);
      await page.goto(server.origin);
      await page.locator("voice-assistant button.bubble").waitFor();
      await body(page, bodies);
      assert.deepEqual(troubles, []);
    } finally {
      await context.close();
    }
  }

  async function drive(page: Page, requests: string[]): Promise<void> {
    const seen = (): Promise<string[]> => page.evaluate("window.seen");
    const element = page.locator("voice-assistant");
    assert.equal(await element.getAttribute("data-page"), "front");
    assert.equal(await element.getAttribute("class"), "mine");
    assert.equal(await element.getAttribute("theme"), "dark");
    assert.equal(await page.evaluate("element().server"), "https://voice.example");
    assert.deepEqual(await page.evaluate("element().microphone"), { echoCancellation: false });
    assert.deepEqual(requests, []);

    await page.evaluate("element().open()");
    await page.getByRole("paragraph").getByText("Hello from React").first().waitFor();
    assert.deepEqual(await seen(), ["open in Ask us"]);

    await page.evaluate("element().close()");
    await page.evaluate('setLabel("Ask them")');
    await page.getByRole("button", { name: "Ask them" }).click();
    await page.getByText("not enabled for this website").waitFor();
    // A listener of the latest render, once; and the page's own route was asked, with its cookie.
    assert.deepEqual(await seen(), ["open in Ask us", "open in Ask them", "connecting", "failed"]);
    assert.deepEqual(requests, ["POST session=1 {}"]);

    await page.evaluate("setMounted(false)");
    await element.waitFor({ state: "detached" });
    await page.evaluate("setMounted(true)");
    await page.locator("voice-assistant button.bubble").waitFor();
    assert.equal(await page.evaluate("element().texts.intro"), "Hello from React");
  }

  it("passes attributes, properties, listeners and the ref on when a page renders it", async () => {
    await open("", drive);
  });

  it("passes them on when it takes over what a server rendered, without a mismatch", async () => {
    const { VoiceAssistant } = await component();
    const html = renderToString(
      createElement(VoiceAssistant, {
        label: "Ask us",
        server: "https://voice.example",
        "connect-url": "/api/token",
        theme: "dark",
        className: "mine",
        "data-page": "front",
      }),
    );
    await open(html, drive);
  });
});
