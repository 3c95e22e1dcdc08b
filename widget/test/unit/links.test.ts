import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readOrigins } from "../../src/config.ts";
import { findLinks } from "../../src/links.ts";

const SHOP = ["https://shop.example", "http://127.0.0.1:8080"];
const links = (text: string, origins: readonly string[] = SHOP) => findLinks(text, origins).flatMap(({ href }) => (href === null ? [] : [href]));

describe("links in the bot's text", () => {
  it("are those to an allowed origin, without what closes the sentence", () => {
    assert.deepEqual(links("See https://shop.example/lots?id=3, or (https://shop.example/help)."), ["https://shop.example/lots?id=3", "https://shop.example/help"]);
    assert.deepEqual(links("HTTPS://SHOP.EXAMPLE/A and http://127.0.0.1:8080/x!"), ["https://shop.example/A", "http://127.0.0.1:8080/x"]);
  });

  it("are none where a site allows none", () => {
    assert.deepEqual(links("https://shop.example/", []), []);
  });

  it("are none to anywhere else, however alike it looks", () => {
    for (const address of [
      "https://evil.example/",
      "http://shop.example/",
      "https://shop.example.evil.example/",
      "https://shop.example@evil.example/",
      "https://user:pass@shop.example/",
      "https://shop.example:444/",
      "javascript:alert(1)",
      "data:text/html,https",
      "//shop.example/",
      "https://sh\u200bop.example/",
      "https://\u202eelpmaxe.pohs/",
    ]) {
      assert.deepEqual(links(`Go to ${address} now`), [], address);
    }
  });

  it("leave the text as it was", () => {
    for (const text of ["", "plain", "a https://shop.example/x b https://evil.example c.", "https://shop.example/…", "<a href='https://shop.example/'>x</a>"]) {
      assert.equal(findLinks(text, SHOP).map((piece) => piece.text).join(""), text);
    }
  });
});

describe("the list of allowed origins", () => {
  it("takes origins and addresses, parted by space or comma, and drops the rest", () => {
    assert.deepEqual(readOrigins("https://a.example, https://b.example/path\nhttp://c.example:81 javascript:x nonsense *"), ["https://a.example", "https://b.example", "http://c.example:81"]);
    assert.deepEqual(readOrigins(""), []);
  });
});
