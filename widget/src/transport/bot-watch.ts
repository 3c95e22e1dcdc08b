/** The bot among the participants of a room: there, gone for a moment, or gone for good. */

import type { RemoteParticipant } from "livekit-client";

/**
 * A full reconnect of either side takes the bot out of the room and puts it back. When its process
 * has died another bot comes in its place, within eight seconds.
 */
const BOT_RETURN_MS = 10_000;
/** How long the room stays open, in silence, for the bot to hear that the call is over. */
const GOODBYE_MS = 1_000;

export class BotWatch {
  /** The bot's voice. */
  audio: MediaStreamTrack | undefined;
  /** The bot has said that it leaves. */
  farewell = false;
  #bot: RemoteParticipant | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onGone: (() => void) | undefined;
  readonly #onLeft: (bot: RemoteParticipant) => void;

  /** @param onLeft told once for each bot that has joined. */
  constructor(onLeft: (bot: RemoteParticipant) => void) {
    this.#onLeft = onLeft;
  }

  get participant(): RemoteParticipant | undefined {
    return this.#bot;
  }

  /** @returns whether it is the first one, one that came back, or another one in its place. */
  joined(participant: RemoteParticipant): "first" | "back" | "another" {
    clearTimeout(this.#timer);
    const before = this.#bot?.identity;
    this.#bot = participant;
    if (before === undefined) return "first";
    return before === participant.identity ? "back" : "another";
  }

  /** It is out of the room, and may come back. */
  away(): void {
    this.#onGone?.();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.left();
      },
      this.farewell ? 0 : BOT_RETURN_MS,
    );
  }

  /** It will not come back. */
  left(): void {
    const bot = this.#bot;
    this.#bot = undefined;
    if (bot !== undefined) this.#onLeft(bot);
  }

  /** Waits, without its voice, until it is out of the room. */
  async goodbye(): Promise<void> {
    if (this.audio !== undefined) this.audio.enabled = false;
    await new Promise<void>((resolve) => {
      this.#onGone = resolve;
      setTimeout(resolve, GOODBYE_MS);
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
