import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGLISH } from "../../src/texts.ts";
import { FakeServer, refused } from "./harness.ts";
import { bubble, click, hang, on, panel, see, skip } from "./stage.ts";

describe("before any sign of intent", { skip }, () => {
  it("the page loads the launcher and nothing else", async () => {
    await on({}, async ({ page, server }) => {
      await page.waitForLoadState("networkidle");
      assert.deepEqual(server.take(), ["GET /widget.js"]);
      assert.equal(await bubble(page).getAttribute("aria-label"), ENGLISH.open);
      await Promise.all([page.waitForResponse(/session-/), bubble(page).hover()]);
      assert.deepEqual(server.take().map((request) => request.replace(/-[A-Z0-9]+\./, ".")), ["GET /session.js"]);
      assert.deepEqual(server.bodies, []);
    });
  });

  it("keyboard focus is intent enough", async () => {
    await on({}, async ({ page }) => {
      const loaded = page.waitForResponse(/session-/);
      await bubble(page).focus();
      await loaded;
    });
  });
});

describe("the server", { skip }, () => {
  it("is the script's origin where none is named", async () => {
    await on({}, async ({ page, server, site }) => {
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      assert.deepEqual(server.bodies, [{}]);
      assert.deepEqual(site.bodies, []);
    });
  });

  it("is the one the attribute names", async () => {
    await on({ sameOrigin: true, attributes: 'server="/"' }, async ({ page, site }) => {
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      assert.deepEqual(site.bodies, [{}]);
    });
  });
});

describe("a call that does not start", { skip }, () => {
  for (const [status, code] of [[403, "origin_not_allowed"], [401, "sign_in_required"], [429, "budget_spent"], [500, "server_error"]] as const) {
    it(`says so in words when the answer is ${status} ${code}`, async () => {
      await on({}, async ({ page }) => {
        await bubble(page).click();
        await see(page, ENGLISH.problems[code]);
        await see(page, ENGLISH.phases.failed);
        assert.equal(await bubble(page).getAttribute("data-phase"), "failed");
      }, refused(status, code));
    });
  }

  for (const code of ["server_full", "livekit_unreachable", "bot_unavailable", "draining"] as const) {
    it(`counts down and tries again by itself after 503 ${code}`, async () => {
      await on({}, async ({ page, server }) => {
        await bubble(page).click();
        await see(page, ENGLISH.problems[code]);
        await see(page, "Trying again in");
        server.answer = refused(500, "internal_error");
        await see(page, ENGLISH.problems.server_error);
        assert.equal(server.bodies.length, 2);
      }, refused(503, code, { "retry-after": "2" }));
    });
  }

  it("can be tried at once, or cancelled, while it counts down", async () => {
    await on({}, async ({ page, server }) => {
      await bubble(page).click();
      await see(page, "Trying again in");
      await click(page, ENGLISH.tryNow);
      await see(page, "Trying again in");
      assert.equal(server.bodies.length, 2);
      await click(page, ENGLISH.cancel);
      await see(page, ENGLISH.phases.ended);
    }, refused(503, "server_full", { "retry-after": "60" }));
  });

  it("tells a refused website from a server that is gone", async () => {
    await on({}, async ({ page, server }) => {
      server.allowsOrigins = false;
      await bubble(page).click();
      await see(page, ENGLISH.problems.origin_not_allowed);
    }).catch((error: unknown) => {
      // The browser itself reports the refused preflight.
      assert.match(String(error), /CORS policy/);
    });
    await on({}, async ({ page, troubles, server }) => {
      await Promise.all([page.waitForResponse(/session-/), bubble(page).hover()]);
      await server.stop();
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_unreachable);
      await click(page, ENGLISH.startAgain);
      await see(page, ENGLISH.problems.server_unreachable);
      assert.deepEqual(troubles, []);
    });
  });

  it("says so when the answer is not one, and when the room cannot be joined", async () => {
    await on({}, async ({ page, troubles, server }) => {
      server.answer = { status: 200, body: { url: "x" } };
      await bubble(page).click();
      await see(page, ENGLISH.problems.invalid_answer);
      const gone = new FakeServer();
      await gone.start();
      const url = gone.origin.replace("http", "ws");
      await gone.stop();
      server.answer = { status: 200, body: { url, token: "t", room: "r", sessionId: "s" } };
      await click(page, ENGLISH.startAgain);
      await see(page, ENGLISH.problems.join_failed);
      assert.ok(troubles.splice(0).every((trouble) => trouble.includes(url)));
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    });
  });

  it("is offered again by the bubble when its code did not load", async () => {
    await on({}, async ({ page, troubles }) => {
      await page.route(/session-/, (route) => route.abort());
      await bubble(page).click();
      await see(page, "could not be loaded");
      await page.unroute(/session-/);
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      assert.ok(troubles.splice(0).every((trouble) => trouble.includes("session-")));
    });
  });
});

describe("the microphone", { skip }, () => {
  it("is not needed: a refused one leaves text and says so", async () => {
    await on({ microphone: false }, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.mics.denied);
      assert.equal(await page.getByRole("textbox", { name: ENGLISH.inputLabel }).isEnabled(), true);
    }, hang);
  });

  it("that the page's policy blocks is named as such", async () => {
    await on({ headers: { "permissions-policy": "microphone=()" } }, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.mics.blocked);
    }, hang);
  });

  it("that is missing or in use is named as such", async () => {
    for (const [name, problem] of [["NotFoundError", "missing"], ["NotReadableError", "in_use"]] as const) {
      await on({}, async ({ page }) => {
        await page.evaluate((failure) => {
          navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", failure));
        }, name);
        await bubble(page).click();
        await see(page, ENGLISH.mics[problem]);
      }, hang);
    }
  });

  it("is let go of when the call is ended while it connects", async () => {
    await on({}, async ({ page }) => {
      await page.evaluate(() => {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (constraints) => {
          const stream = await open(constraints);
          Object.assign(window, { heldTracks: stream.getTracks() });
          return stream;
        };
      });
      await bubble(page).click();
      await page.waitForFunction(() => "heldTracks" in window);
      await click(page, ENGLISH.end);
      await see(page, ENGLISH.phases.ended);
      await page.waitForFunction(() => (window as unknown as { heldTracks: MediaStreamTrack[] }).heldTracks.every((track) => track.readyState === "ended"));
    }, hang);
  });
});

describe("the panel", { skip }, () => {
  it("opens and closes by keyboard and gives focus back", async () => {
    await on({}, async ({ page }) => {
      await bubble(page).focus();
      await page.keyboard.press("Enter");
      await panel(page).waitFor();
      assert.equal(await bubble(page).getAttribute("aria-expanded"), "true");
      await page.keyboard.press("Escape");
      await panel(page).waitFor({ state: "hidden" });
      assert.equal(await page.evaluate(() => document.querySelector("voice-assistant")?.shadowRoot?.activeElement?.className), "bubble");
    }, hang);
  });

  it("shows typed text at once and sends it when the bot is there", async () => {
    await on({}, async ({ page }) => {
      await bubble(page).click();
      const input = page.getByRole("textbox", { name: ENGLISH.inputLabel });
      await input.fill("<img src=x onerror=alert(1)>");
      await input.press("Enter");
      assert.equal(await page.getByRole("log").locator(".row.user .text").textContent(), "<img src=x onerror=alert(1)>");
      assert.equal(await input.inputValue(), "");
    }, hang);
  });

  it("keeps typed text over a busy line", async () => {
    await on({}, async ({ page, server }) => {
      await page.evaluate(() => (document.querySelector("voice-assistant") as HTMLElement & { sendText(text: string): Promise<void> }).sendText("Hello?"));
      await see(page, "Trying again in");
      server.answer = hang;
      await see(page, ENGLISH.phases.connecting);
      assert.equal(await page.getByRole("log").locator(".row.user").textContent(), `${ENGLISH.you}Hello?`);
    }, refused(503, "server_full", { "retry-after": "1" }));
  });

  it("speaks the site's own words and theme", async () => {
    await on({ attributes: 'label="Kakao-Hilfe" theme="dark" lang="de"' }, async ({ page }) => {
      await page.evaluate(() => {
        Object.assign(document.querySelector("voice-assistant") ?? {}, { texts: { phases: { connecting: "Verbinde" } } });
      });
      assert.equal(await bubble(page).getAttribute("aria-label"), "Kakao-Hilfe");
      await bubble(page).click();
      await see(page, "Verbinde");
      assert.equal(await panel(page).getByRole("heading").textContent(), "Kakao-Hilfe");
      assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("voice-assistant") ?? document.body).colorScheme), "dark");
    }, hang);
  });

  it("tells the page by events what happens", async () => {
    await on({}, async ({ page }) => {
      await page.evaluate(() => {
        const seen: string[] = [];
        Object.assign(window, { seen });
        for (const name of ["va-open", "va-state", "va-error", "va-close"]) {
          document.addEventListener(name, (event) => seen.push(`${name} ${JSON.stringify((event as CustomEvent).detail)}`));
        }
      });
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      await bubble(page).click();
      const seen = await page.evaluate(() => (window as unknown as { seen: string[] }).seen);
      assert.equal(seen[0], "va-open null");
      assert.equal(seen[1], 'va-state {"phase":"connecting","mic":"none"}');
      assert.deepEqual(seen.slice(-2), ['va-error {"code":"server_error"}', "va-close null"]);
    });
  });
});
