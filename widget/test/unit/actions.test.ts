import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { announced, fits, runAction, type ClientActions } from "../../src/actions.ts";

const actions: ClientActions = {
  open_contract: {
    description: "Opens one contract.",
    parameters: { type: "object", properties: { number: { type: "string" }, side: { type: "string", enum: ["left", "right"] }, page: { type: "integer" } }, required: ["number"] },
    run: ({ number }) => ({ opened: number }),
  },
  print_page: { description: "Prints.", run: () => undefined },
  break_down: { description: "Throws.", run: () => { throw new Error("secret"); } },
  long: { description: "Says much.", run: () => "x".repeat(3_000) },
};

describe("the page's actions", () => {
  it("are announced when the page allows them by name, without their code", () => {
    assert.deepEqual(announced(actions, ["print_page", "unheard_of"]), [{ name: "print_page", description: "Prints." }]);
    assert.deepEqual(announced(actions, []), []);
    assert.deepEqual(announced(undefined, ["print_page"]), []);
  });

  it("run when registered and allowed, and tell their result", async () => {
    const allowed = ["open_contract", "print_page", "break_down", "long"];
    assert.deepEqual(await runAction(actions, allowed, "open_contract", { number: "C-17" }), { outcome: "done", result: { result: { opened: "C-17" } } });
    assert.deepEqual(await runAction(actions, allowed, "print_page", {}), { outcome: "done", result: { result: "ok" } });
    assert.deepEqual(await runAction(actions, allowed, "long", {}), { outcome: "done", result: { result: "too long to tell" } });
    assert.deepEqual(await runAction(actions, allowed, "break_down", {}), { outcome: "failed", result: { error: "action_failed" } });
  });

  it("do not run otherwise, whatever the bot asks for", async () => {
    const refused = { outcome: "refused", result: { error: "not_allowed" } };
    assert.deepEqual(await runAction(actions, ["print_page"], "open_contract", { number: "C-17" }), refused);
    assert.deepEqual(await runAction(actions, ["toString", "__proto__"], "toString", {}), refused);
    assert.deepEqual(await runAction(undefined, ["print_page"], "print_page", {}), refused);
  });

  it("run what changes something only after the visitor has said yes", async () => {
    let reserved = 0;
    const writes: ClientActions = {
      reserve: {
        description: "Reserves a lot.",
        parameters: { type: "object", properties: { lot: { type: "string" } } },
        confirm: "Reserve this lot?",
        run: () => (reserved += 1),
      },
    };
    const asked: string[] = [];
    const say = (answer: boolean) => (question: string) => {
      asked.push(question);
      return answer;
    };
    const args = { lot: "EC-2041" };
    assert.deepEqual(await runAction(writes, ["reserve"], "reserve", args, say(false)), { outcome: "refused", result: { error: "declined_by_visitor" } });
    assert.equal(reserved, 0);
    assert.equal((await runAction(writes, ["reserve"], "reserve", args, say(true))).outcome, "done");
    assert.equal(reserved, 1);
    assert.deepEqual(asked, ["Reserve this lot?\nlot: EC-2041", "Reserve this lot?\nlot: EC-2041"]);
    // The bot asks for it without being allowed to: nobody is bothered.
    await runAction(writes, [], "reserve", args, say(true));
    assert.equal(asked.length, 2);
  });

  it("take only arguments that fit their parameters", () => {
    const { open_contract: open } = actions;
    assert.ok(open);
    assert.ok(fits(open, { number: "C-17", side: "left", page: 2 }));
    for (const args of [{}, { number: 17 }, { number: "C-17", side: "up" }, { number: "C-17", page: 1.5 }, { number: "C-17", other: 1 }, JSON.parse('{"number":"C-17","__proto__":{}}') as Record<string, unknown>]) {
      assert.equal(fits(open, args), false, JSON.stringify(args));
    }
  });
});
