/** `node walk.mjs <story> <url> <firefox>`: one story of a visitor in Firefox, run by tests/e2e/test_firefox.py. */

import assert from "node:assert/strict";
import { ENGLISH } from "../../src/texts.ts";
import { Visitor } from "./visitor.ts";

type Story = (visitor: Visitor) => Promise<void>;

const STORIES: Readonly<Record<string, { readonly microphone?: "blocked"; readonly run: Story }>> = {
  /** Spoken and typed, both sides captioned, muted, ended. */
  talk: {
    run: async (visitor) => {
      await visitor.bubble();
      await visitor.phase("listening");
      // The tone of the fake microphone, as the scripted speech to text understands it.
      await visitor.see("utterance 1");
      await visitor.click(ENGLISH.mute);
      await visitor.hear();
      await visitor.see("here is what I found");
      await visitor.phase("listening");
      await visitor.see(ENGLISH.muted);
      await visitor.type("What does an account cost?");
      await visitor.see("What does an account cost?");
      await visitor.phase("speaking");
      await visitor.click(ENGLISH.end);
      await visitor.see(ENGLISH.ends.visitor);
      await visitor.see(ENGLISH.startAgain);
    },
  },
  /** A reload comes back to the same conversation, first without sound. */
  reload: {
    run: async (visitor) => {
      await visitor.bubble();
      await visitor.see("Hello.");
      await visitor.type("What is a lot?");
      await visitor.phase("speaking");
      await visitor.phase("listening");
      await visitor.page.reload();
      await visitor.see("here is what I found");
      // No gesture on this page yet: the browser holds the sound back, and one tap lets it play.
      await visitor.click(ENGLISH.enableAudio);
      await visitor.phase("listening");
      await visitor.type("And how can I pay?");
      await visitor.hear();
      await visitor.click(ENGLISH.end);
      await visitor.see(ENGLISH.ends.visitor);
    },
  },
  /** The browser refuses the microphone: typing remains, answers are heard. */
  blocked: {
    microphone: "blocked",
    run: async (visitor) => {
      await visitor.bubble();
      await visitor.see(ENGLISH.mics.denied);
      await visitor.type("What does an account cost?");
      await visitor.hear();
      await visitor.see("here is what I found");
      await visitor.click(ENGLISH.end);
      await visitor.see(ENGLISH.ends.visitor);
    },
  },
  /** Every line is busy: a countdown, and two ways out. */
  full: {
    run: async (visitor) => {
      await visitor.bubble();
      await visitor.see(ENGLISH.problems.server_full);
      await visitor.see("Trying again in");
      await visitor.click(ENGLISH.tryNow);
      await visitor.see("Trying again in");
      await visitor.click(ENGLISH.cancel);
      await visitor.see(ENGLISH.startAgain);
    },
  },
  /** Nobody answers at the server's address. */
  dead: {
    run: async (visitor) => {
      await visitor.bubble();
      await visitor.see(ENGLISH.problems.server_unreachable);
      await visitor.see(ENGLISH.startAgain);
    },
  },
  /** The bot leaves: said in words, and a click starts anew. */
  left: {
    run: async (visitor) => {
      await visitor.bubble();
      await visitor.see("Hello.");
      await visitor.see(ENGLISH.ends.idle);
      await visitor.click(ENGLISH.startAgain);
      await visitor.see("Hello.");
      await visitor.click(ENGLISH.end);
      await visitor.see(ENGLISH.ends.visitor);
    },
  },
};

const [name = "", url = "", firefox = ""] = process.argv.slice(2);
const story = STORIES[name];
assert.ok(story, `no story "${name}"`);
const visitor = await Visitor.open({ firefox, microphone: story.microphone ?? "granted" }, url);
try {
  await story.run(visitor);
  assert.deepEqual(await visitor.complaints(), []);
} finally {
  await visitor.close();
}
