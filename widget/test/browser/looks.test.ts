import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import german from "../../src/languages/de.ts";
import arabic from "../../src/languages/ar.ts";
import { ENGLISH } from "../../src/texts.ts";
import { bubble, click, hang, live, on, panel, see, skip } from "./stage.ts";

const box = async (page: Page, part: "bubble" | "panel") => {
  const found = await (part === "bubble" ? bubble(page) : panel(page)).boundingBox();
  assert.ok(found);
  return { ...found, right: found.x + found.width, bottom: found.y + found.height };
};

/** Whether the panel lies in the window and the bubble is not under it. */
const fits = async (page: Page) => {
  const size = page.viewportSize() ?? { width: 0, height: 0 };
  const it = await box(page, "panel");
  assert.ok(it.x >= 0 && it.y >= 0 && it.right <= size.width && it.bottom <= size.height, JSON.stringify({ it, size }));
};

describe("the placement", { skip }, () => {
  for (const placement of ["bottom-left", "bottom-center", "bottom-right", "top-left", "top-center", "top-right"]) {
    it(`${placement} puts bubble and panel there, on any screen`, async () => {
      await on({ attributes: `placement="${placement}"` }, async ({ page }) => {
        await page.setViewportSize({ width: 1440, height: 900 });
        const button = await box(page, "bubble");
        const [edge, side] = placement.split("-");
        assert.equal(edge === "top" ? button.y : 900 - button.bottom, 20);
        if (side === "center") assert.ok(Math.abs(button.x + button.width / 2 - 720) <= 1);
        else assert.equal(side === "left" ? button.x : 1440 - button.right, 20);
        await bubble(page).click();
        await panel(page).waitFor();
        await page.emulateMedia({ reducedMotion: "reduce" });
        for (const [width, height] of [[1440, 900], [720, 450], [390, 844], [844, 390], [320, 568]] as const) {
          await page.setViewportSize({ width, height });
          await fits(page);
        }
      }, hang);
    });
  }

  it("follows the page from right to left when none is named", async () => {
    await on({ root: 'dir="rtl"' }, async ({ page }) => {
      assert.equal((await box(page, "bubble")).x, 20);
      await bubble(page).click();
      await panel(page).waitFor();
      assert.equal((await box(page, "panel")).x, 20);
    }, hang);
  });
});

describe("the size", { skip }, () => {
  it("is compact, regular or full", async () => {
    const sizes: Record<string, { width: number; height: number }> = {};
    for (const size of ["compact", "regular", "full"]) {
      await live({ attributes: `size="${size}"` }, async ({ page }) => {
        await page.emulateMedia({ reducedMotion: "reduce" });
        await page.setViewportSize({ width: 1440, height: 900 });
        sizes[size] = await box(page, "panel");
        for (const [width, height] of [[720, 450], [390, 844]] as const) {
          await page.setViewportSize({ width, height });
          await fits(page);
        }
      });
    }
    const { compact, regular, full } = sizes;
    assert.ok(compact && regular && full);
    assert.deepEqual([compact.width, regular.width, full.width], [300, 384, 480]);
    assert.ok(compact.height < regular.height && regular.height === 600 && full.height === 860);
  });
});

describe("the language", { skip }, () => {
  it("is the page's, loaded as one small chunk", async () => {
    await on({ root: 'lang="de-AT"' }, async ({ page, server }) => {
      await bubble(page).click();
      await see(page, german.problems.server_error);
      assert.equal(await panel(page).getAttribute("lang"), "de");
      assert.equal(await bubble(page).getAttribute("aria-label"), german.close);
      assert.equal(server.take().filter((request) => request.includes("/session-de-")).length, 1);
    });
  });

  it("gives the panel its direction", async () => {
    await on({ attributes: 'lang="ar"' }, async ({ page }) => {
      await bubble(page).click();
      await see(page, arabic.problems.server_error);
      assert.equal(await panel(page).evaluate((node) => getComputedStyle(node).direction), "rtl");
      assert.equal(await bubble(page).evaluate((node) => getComputedStyle(node).direction), "ltr");
    });
  });

  it("changes with the attribute, while the panel is open", async () => {
    await on({}, async ({ page }) => {
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      await page.locator("voice-assistant").evaluate((node) => { node.setAttribute("lang", "de"); });
      await see(page, german.problems.server_error);
      await page.locator("voice-assistant").evaluate((node) => { node.setAttribute("lang", "fi"); });
      await see(page, ENGLISH.problems.server_error);
      assert.equal(await panel(page).getAttribute("lang"), "en");
    });
  });

  it("is English when its chunk does not come", async () => {
    await on({ attributes: 'lang="de"' }, async ({ page, troubles }) => {
      await page.route(/session-de-/, (route) => route.abort());
      await bubble(page).click();
      await see(page, ENGLISH.problems.server_error);
      assert.ok(troubles.splice(0).every((trouble) => trouble.includes("session-de-")));
    });
  });
});

describe("a phone's notch and home bar", { skip }, () => {
  it("cover neither the bubble nor anything in the panel", async () => {
    await live({}, async ({ page, context }) => {
      await page.emulateMedia({ reducedMotion: "reduce" });
      const cdp = await context.newCDPSession(page);
      for (const [width, height, insets] of [
        [390, 844, { top: 47, bottom: 34, left: 0, right: 0 }],
        [844, 390, { top: 0, bottom: 21, left: 47, right: 47 }],
      ] as const) {
        await page.setViewportSize({ width, height });
        await cdp.send("Emulation.setSafeAreaInsetsOverride", { insets });
        for (const size of ["regular", "compact", "full"]) {
          await page.locator("voice-assistant").evaluate((node, value) => { node.setAttribute("size", value); }, size);
          const form = await panel(page).locator(".form").boundingBox();
          const header = await panel(page).locator(".header").boundingBox();
          assert.ok(form && header);
          assert.ok(form.y + form.height <= height - insets.bottom, `${size}: the form ends at ${form.y + form.height}`);
          assert.ok(header.y >= insets.top, `${size}: the header begins at ${header.y}`);
          assert.ok(form.x >= insets.left && form.x + form.width <= width - insets.right, `${size}: the form is ${form.x} to ${form.x + form.width}`);
        }
        await click(page, ENGLISH.close);
        const button = await box(page, "bubble");
        assert.ok(button.bottom <= height - insets.bottom && button.right <= width - insets.right, JSON.stringify(button));
        await bubble(page).click();
      }
    });
  });
});

describe("a visitor's settings", { skip }, () => {
  it("stop what moves", async () => {
    await live({}, async ({ page }) => {
      await page.emulateMedia({ reducedMotion: "reduce" });
      const moving = await page.locator("voice-assistant").evaluate((node) => node.shadowRoot?.getAnimations().length);
      assert.equal(moving, 0);
    });
  });

  it("with forced colours leave edges to see", async () => {
    await live({}, async ({ page }) => {
      await page.emulateMedia({ forcedColors: "active" });
      for (const part of [bubble(page), panel(page), panel(page).locator(".input")]) {
        assert.notEqual(await part.evaluate((node) => getComputedStyle(node).borderTopWidth), "0px");
      }
    });
  });
});
