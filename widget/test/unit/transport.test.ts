import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { RemoteParticipant } from "livekit-client";
import { BotWatch } from "../../src/transport/bot-watch.ts";
import { Handshake } from "../../src/transport/handshake.ts";
import { isBotReady, isFarewell, parseMessage } from "../../src/transport/messages.ts";

const packet = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe("a packet", () => {
  it("is a message only when it is RTVI", () => {
    assert.equal(parseMessage(packet({ label: "rtvi-ai", type: "bot-ready", data: {} }))?.type, "bot-ready");
    for (const stranger of [null, 5, "text", [], {}, { label: "other", type: "bot-ready" }, { label: "rtvi-ai" }, { label: "rtvi-ai", type: 7 }]) {
      assert.equal(parseMessage(packet(stranger)), undefined);
    }
    for (const noise of ["", "{", "\u0000"]) assert.equal(parseMessage(new TextEncoder().encode(noise)), undefined);
    assert.equal(parseMessage(new Uint8Array([0xff, 0xfe])), undefined);
  });

  it("tells when the bot is ready, and when it is about to leave", () => {
    const message = (type: string, data?: unknown) => {
      const parsed = parseMessage(packet({ id: "1", label: "rtvi-ai", type, data }));
      assert.ok(parsed);
      return parsed;
    };
    assert.ok(isBotReady(message("bot-ready")));
    assert.ok(isFarewell(message("server-message", { type: "session-ended", reason: "idle" })));
    assert.ok(!isFarewell(message("server-message")));
    assert.ok(!isFarewell(message("server-message", { type: "else" })));
  });
});

describe("the handshake", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  const start = (): { handshake: Handshake; sent: () => number } => {
    let sent = 0;
    const handshake = new Handshake(
      () => (sent += 1),
      (message) => new Error(message),
    );
    return { handshake, sent: () => sent };
  };

  it("asks once there is a bot, and again while it is silent", async () => {
    const { handshake, sent } = start();
    mock.timers.tick(11_000);
    assert.equal(sent(), 0);
    handshake.ask();
    assert.equal(sent(), 1);
    mock.timers.tick(500);
    assert.equal(sent(), 2);
    handshake.succeed();
    await handshake.done;
    mock.timers.tick(60_000);
    assert.equal(sent(), 2);
  });

  it("gives up on a bot that never comes, and on one that never answers", async () => {
    const absent = start();
    mock.timers.tick(12_000);
    await assert.rejects(absent.handshake.done, /No bot came/);
    const silent = start();
    silent.handshake.ask();
    for (let i = 0; i < 24; i += 1) mock.timers.tick(500);
    await assert.rejects(silent.handshake.done, /did not answer/);
    assert.equal(silent.sent(), 24);
  });
});

describe("the bot in the room", () => {
  const bot = (identity: string): RemoteParticipant => Object.assign(Object.create(RemoteParticipant.prototype) as RemoteParticipant, { identity });

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  it("is the first one, one that came back, or another one in its place", () => {
    const left: string[] = [];
    const watch = new BotWatch(({ identity }) => left.push(identity));
    assert.equal(watch.joined(bot("bot-1")), "first");
    watch.away();
    mock.timers.tick(9_000);
    assert.equal(watch.joined(bot("bot-1")), "back");
    watch.away();
    mock.timers.tick(9_000);
    assert.equal(watch.joined(bot("bot-2")), "another");
    mock.timers.tick(60_000);
    assert.deepEqual(left, []);
  });

  it("has left when none comes for ten seconds, and at once when it said so", () => {
    const left: string[] = [];
    const watch = new BotWatch(({ identity }) => left.push(identity));
    watch.joined(bot("bot-1"));
    watch.away();
    mock.timers.tick(10_000);
    assert.deepEqual(left, ["bot-1"]);
    watch.joined(bot("bot-2"));
    watch.farewell = true;
    watch.away();
    mock.timers.tick(0);
    assert.deepEqual(left, ["bot-1", "bot-2"]);
  });
});
