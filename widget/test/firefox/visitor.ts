/** A visitor in a stock Firefox: puppeteer-core over WebDriver BiDi, with a fake microphone that hums a tone. */

import assert from "node:assert/strict";
import puppeteer, { type Browser, type ElementHandle, type Page } from "puppeteer-core";

/** An answer of the real server on a busy machine; a test that hangs ends here. */
const SEE_MS = 20_000;

export interface VisitorOptions {
  readonly firefox: string;
  /** The browser's own answer to a page that asks for the microphone. */
  readonly microphone: "granted" | "blocked";
}

export class Visitor {
  readonly #browser: Browser;
  readonly page: Page;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
  }

  static async open({ firefox, microphone }: VisitorOptions, url: string): Promise<Visitor> {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: firefox,
      headless: true,
      extraPrefsFirefox: {
        "media.navigator.streams.fake": true,
        "media.navigator.permission.disabled": microphone === "granted",
        "permissions.default.microphone": microphone === "granted" ? 1 : 2,
        // Else addresses are hidden behind mDNS names, and a container may have no mDNS.
        "media.peerconnection.ice.obfuscate_host_addresses": false,
      },
    });
    const page = await browser.newPage();
    await page.evaluateOnNewDocument(() => {
      const complaints: string[] = [];
      Object.assign(window, { complaints });
      const receivers: RTCRtpReceiver[] = [];
      Object.assign(window, { receivers });
      const Original = RTCPeerConnection;
      Object.assign(window, {
        RTCPeerConnection: class extends Original {
          constructor(configuration?: RTCConfiguration) {
            super(configuration);
            this.addEventListener("track", ({ receiver }) => receivers.push(receiver));
          }
        },
      });
      addEventListener("error", (event) => complaints.push(event.message));
      addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));
      addEventListener("securitypolicyviolation", (event) => complaints.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(url);
    return new Visitor(browser, page);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  /** The button of this accessible name; pierces the widget's shadow root. */
  async click(name: string): Promise<void> {
    // A click by script is no gesture, so the pointer is used.
    const button = await this.#find(`voice-assistant >>> button[aria-label^="${name}"], voice-assistant >>> button ::-p-text(${name})`);
    await button.click();
  }

  async bubble(): Promise<void> {
    await (await this.#find("voice-assistant >>> .bubble")).click();
  }

  async type(text: string): Promise<void> {
    const input = await this.#find("voice-assistant >>> .input");
    await input.type(text);
    await this.page.keyboard.press("Enter");
  }

  async #find(selector: string): Promise<ElementHandle> {
    const node = await this.page.waitForSelector(selector, { visible: true, timeout: SEE_MS });
    assert.ok(node);
    return node;
  }

  /** Waits until the panel says `text`. */
  async see(text: string): Promise<void> {
    await this.#until(
      (wanted) => document.querySelector("voice-assistant")?.shadowRoot?.querySelector(".panel:not([hidden])")?.textContent.includes(wanted) === true,
      text,
      `the panel says "${text}"`,
    );
  }

  async phase(phase: string): Promise<void> {
    await this.#until((wanted) => document.querySelector("voice-assistant")?.phase === wanted, phase, `the phase is ${phase}`);
  }

  /** Waits until the bot is heard: sound with energy arrives, and the page plays it. Without a sound card there is no Web Audio. */
  async hear(): Promise<void> {
    await this.#until(
      async () => {
        const audio = document.querySelector("voice-assistant")?.shadowRoot?.querySelector("audio");
        const { receivers } = window as unknown as { receivers: RTCRtpReceiver[] };
        if (audio?.paused !== false || audio.muted || audio.currentTime === 0) return false;
        for (const receiver of receivers) {
          for (const report of (await receiver.getStats()).values() as Iterable<{ totalAudioEnergy?: number }>) {
            if ((report.totalAudioEnergy ?? 0) > 0.01) return true;
          }
        }
        return false;
      },
      "",
      "the bot is heard",
    );
  }

  async #until(condition: (wanted: string) => boolean | Promise<boolean>, wanted: string, what: string): Promise<void> {
    try {
      await this.page.waitForFunction(condition, { timeout: SEE_MS, polling: 50 }, wanted);
    } catch (error) {
      const panel = await this.page.evaluate(() => document.querySelector("voice-assistant")?.shadowRoot?.textContent ?? "");
      throw new Error(`not seen: ${what}. The widget says: ${panel}. The page: ${(await this.complaints()).join()}`, { cause: error });
    }
  }

  /** What a person would call broken: errors, rejections, violations of the page's policy. */
  async complaints(): Promise<string[]> {
    return await this.page.evaluate(() => (window as unknown as { complaints: string[] }).complaints);
  }
}
