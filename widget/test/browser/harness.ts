/** A fake server, a host page and a real Chromium for the browser tests. */

import { EventEmitter, once } from "node:events";
import { accessSync, constants, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const WIDGET_DIR = process.env.WIDGET_DIR ?? ".";

/** The strictest policy a host page may have, plus the widget's own origin. */
export const strictPolicy = (origin: string): string =>
  `default-src 'none'; script-src ${origin}; style-src 'self'; connect-src ${origin} ws://127.0.0.1:* http://127.0.0.1:*; media-src blob:; ` +
  "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

export interface ConnectAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Never answers. */
  readonly hang?: boolean;
}

export const refused = (status: number, code: string, headers: Record<string, string> = {}): ConnectAnswer => ({
  status,
  body: { error: { code, message: code } },
  headers,
});

/** Serves the built widget and a scripted /connect; keeps what it was asked. */
export class FakeServer {
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];
  answer: ConnectAnswer = refused(500, "internal_error");
  /** Whether a page of another origin may read answers. */
  allowsOrigins = true;
  /** Serves a session chunk whose room needs no LiveKit (fake-livekit.ts). */
  fakeRoom = false;
  /** The host page's own response headers. */
  pageHeaders: Record<string, string> = {};
  page = "";
  readonly #news = new EventEmitter();
  #server: Server | null = null;

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#handle(request, response);
    });
    this.#server = server;
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  }

  get origin(): string {
    const { port } = this.#server?.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Requests seen since the last call, without the host page and what a browser asks by itself. */
  take(): string[] {
    return this.requests.splice(0).filter((request) => !/ (\/|\/favicon.ico)$/.test(request));
  }

  /** The bodies of /connect, once it has been asked so often. */
  async asked(times = 1): Promise<unknown[]> {
    while (this.bodies.length < times) await once(this.#news, "asked");
    return this.bodies;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "/";
    this.requests.push(`${request.method ?? ""} ${url}`);
    const cors: Record<string, string> = this.allowsOrigins
      ? { "access-control-allow-origin": request.headers.origin ?? "*", "access-control-expose-headers": "retry-after" }
      : {};
    if (url === "/connect" && request.method === "OPTIONS") {
      response.writeHead(this.allowsOrigins ? 204 : 403, { ...cors, "access-control-allow-headers": "content-type" }).end();
    } else if (url === "/connect") {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      this.bodies.push(JSON.parse(body));
      this.#news.emit("asked");
      const { status, body: answer, headers, hang } = this.answer;
      if (hang !== true) response.writeHead(status, { "content-type": "application/json", ...cors, ...headers }).end(JSON.stringify(answer));
    } else if (url === "/") {
      response.writeHead(200, { "content-type": "text/html", ...this.pageHeaders }).end(this.page);
    } else if (url === "/healthz") {
      response.writeHead(200).end("ok");
    } else if (/^\/[\w-]+\.js$/.test(url)) {
      const isSession = /^\/session-[A-Z0-9]{8}\.js$/.test(url);
      const file = this.fakeRoom && isSession ? [".cache", "tests", "fake-session.js"] : ["dist", url.slice(1)];
      const script = readFileSync(path.join(WIDGET_DIR, ...file));
      response.writeHead(200, { "content-type": "text/javascript", "access-control-allow-origin": "*" }).end(script);
    } else {
      response.writeHead(404).end();
    }
  }
}

/** The Chromium to test with, or null. */
export function findChromium(): string | null {
  const names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
  const candidates = [
    process.env.CHROMIUM_PATH ?? "",
    ...(process.env.PATH ?? "").split(path.delimiter).flatMap((dir) => names.map((name) => path.join(dir, name))),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ];
  return candidates.find((file) => file !== "" && isExecutable(file)) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function launch(executablePath: string): Promise<Browser> {
  // The sandbox needs a user namespace, which containers often have not.
  return await chromium.launch({ executablePath, args: ["--no-sandbox", "--use-fake-device-for-media-stream"] });
}

export interface HostPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Policy violations, page errors and console errors. */
  readonly troubles: string[];
}

/** Opens the server's host page with the widget on it. */
export async function openPage(browser: Browser, url: string, { microphone = true } = {}): Promise<HostPage> {
  const context = await browser.newContext({ permissions: microphone ? ["microphone"] : [] });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (message) => {
    // A refused /connect is logged by the browser itself.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) troubles.push(message.text());
  });
  await page.goto(url);
  await page.locator("voice-assistant button.bubble").waitFor();
  return { page, context, troubles };
}
