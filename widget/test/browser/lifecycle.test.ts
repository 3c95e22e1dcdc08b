import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENGLISH } from "../../src/texts.ts";
import { refused } from "./harness.ts";
import { bubble, click, hang, on, panel, room, see, skip, type Stage } from "./stage.ts";

describe("a page change", { skip }, () => {
  const save = async ({ page, server }: Pick<Stage, "page" | "server">, leftMsAgo: number) => {
    await page.evaluate(([key, ago]) => {
      const saved = { token: "old", leftMs: Date.now() - ago, open: true, lines: [{ who: "bot", text: "Where were we?", cut: false }, { who: 1 }] };
      sessionStorage.setItem(`voice-assistant:${key}`, JSON.stringify(saved));
    }, [server.origin, leftMsAgo] as const);
    await page.reload();
  };

  it("less than 20 s ago is followed by the same call", async () => {
    await on({}, async ({ page, server }) => {
      await save({ page, server }, 15_000);
      await see(page, "Where were we?");
      assert.deepEqual(await server.asked(), [{ resume: "old" }]);
    }, hang);
  });

  it("too long ago is not", async () => {
    await on({}, async ({ page, server }) => {
      await save({ page, server }, 20_000);
      await page.waitForLoadState("networkidle");
      assert.deepEqual(server.bodies, []);
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      assert.equal(await panel(page).isVisible(), false);
    }, hang);
  });

  it("that the call did not survive offers a new one", async () => {
    await on({}, async ({ page, server }) => {
      await save({ page, server }, 1_000);
      await see(page, ENGLISH.ends.session_gone);
      const asked = page.waitForResponse(/connect/);
      await click(page, ENGLISH.startAgain);
      await asked;
      assert.deepEqual(server.bodies, [{ resume: "old" }, {}]);
    }, refused(410, "session_gone"));
  });
});

describe("taking the element off the page", { skip }, () => {
  it("leaves no listener, no panel and no style behind", async () => {
    await on({}, async ({ page, server }) => {
      await page.evaluate(() => {
        // Counts what is still listened to, by target and type.
        const live = new Map<string, number>();
        Object.assign(window, { live });
        const count = (target: EventTarget, type: string, by: number) => {
          if (target !== window && target !== document && target !== navigator.mediaDevices) return;
          const key = `${target.constructor.name} ${type}`;
          live.set(key, (live.get(key) ?? 0) + by);
          if (live.get(key) === 0) live.delete(key);
        };
        // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its target below
        const { addEventListener, removeEventListener } = EventTarget.prototype;
        EventTarget.prototype.addEventListener = function (this: EventTarget | undefined, ...args) {
          count(this ?? window, args[0], 1);
          addEventListener.apply(this ?? window, args);
        };
        EventTarget.prototype.removeEventListener = function (this: EventTarget | undefined, ...args) {
          count(this ?? window, args[0], -1);
          removeEventListener.apply(this ?? window, args);
        };
      });
      await bubble(page).click();
      await see(page, "Trying again in");
      const left = await page.evaluate(() => {
        const element = document.querySelector("voice-assistant");
        element?.remove();
        const root = element?.shadowRoot;
        const live = (window as unknown as { live: Map<string, number> }).live;
        return { listeners: [...live.keys()], nodes: root?.childElementCount };
      });
      assert.deepEqual(left, { listeners: [], nodes: 0 });
      await page.waitForTimeout(4_500);
      assert.equal(server.bodies.length, 1, "a countdown must not go on");
    }, refused(503, "server_full", { "retry-after": "4" }));
  });

  const MOUNTS = 100;
  /** What a mount may leave: less than one listener, node or style sheet weighs. */
  const BYTES_A_MOUNT = 600;
  for (const [what, fakeRoom, answer] of [["a call", true, room], ["a call that waits for a line", false, refused(503, "server_full", { "retry-after": "60" })]] as const) {
    it(`a hundred times leaves the heap flat: ${what}`, async () => {
      await on({ fakeRoom }, async ({ page, context }) => {
        const cdp = await context.newCDPSession(page);
        await cdp.send("Performance.enable");
        const mount = (times: number) => page.evaluate(async (count) => {
          for (let done = 0; done < count; done += 1) {
            document.querySelector("voice-assistant")?.remove();
            const element = document.createElement("voice-assistant") as HTMLElement & { start(): Promise<void>; readonly phase: string };
            // Opening a microphone takes the browser longer than everything else.
            element.setAttribute("mode", "text");
            document.body.append(element);
            const settled = new Promise<void>((resolve) => {
              element.addEventListener("va-state", () => {
                if (element.phase === "listening" || element.phase === "retrying") resolve();
              });
            });
            await element.start();
            await settled;
          }
          document.querySelector("voice-assistant")?.remove();
        }, times);
        const census = async () => {
          // The bot's goodbye and LiveKit's own timers end within a second or two; each ending is one more chance to collect.
          for (let pass = 0; pass < 4; pass += 1) {
            await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 400); }));
            await cdp.send("HeapProfiler.collectGarbage");
          }
          const { metrics } = await cdp.send("Performance.getMetrics");
          const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
          return { listeners: of("JSEventListeners"), nodes: of("Nodes"), heapBytes: of("JSHeapUsedSize") };
        };
        await mount(20);
        const before = await census();
        await mount(MOUNTS);
        const after = await census();
        assert.ok(after.listeners <= before.listeners && after.nodes <= before.nodes, JSON.stringify({ before, after }));
        const grownBytes = (after.heapBytes - before.heapBytes) / MOUNTS;
        assert.ok(grownBytes < BYTES_A_MOUNT, `${grownBytes.toFixed(0)} bytes a mount: ${JSON.stringify({ before, after })}`);
      }, answer);
    });
  }

  it("and putting it back gives a working bubble again", async () => {
    await on({}, async ({ page }) => {
      await page.evaluate(() => {
        const element = document.querySelector("voice-assistant");
        element?.remove();
        if (element) document.body.append(element);
      });
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
    });
  });
});
