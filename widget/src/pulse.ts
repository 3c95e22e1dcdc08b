/**
 * Whether anything still comes from the bot.
 *
 * A network that swallows everything is noticed by WebRTC after five seconds and more, and meanwhile
 * the visitor talks to nobody. The bot's track never falls silent for long: also where there is
 * nothing to hear, a packet comes every 0.4 s (Opus DTX).
 */

import type { RemoteTrack } from "livekit-client";

const LOOK_MS = 250;
/** Four such packets in a row are lost in one of ten thousand cases at 10 % loss. */
const STILL_MS = 1_700;

export class Pulse {
  readonly #onStill: () => void;
  readonly #onAlive: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #received = -1;
  #movedMs = 0;
  #isStill = false;

  constructor(onStill: () => void, onAlive: () => void) {
    this.#onStill = onStill;
    this.#onAlive = onAlive;
  }

  /** Watches a track from now on, in place of an earlier one. */
  watch(track: Pick<RemoteTrack, "getRTCStatsReport">): void {
    this.stop();
    this.#movedMs = Date.now();
    this.#timer = setInterval(() => {
      void track.getRTCStatsReport().then((report) => {
        if (report !== undefined) this.saw(packetsIn(report), Date.now());
      }, () => undefined);
    }, LOOK_MS);
  }

  /** Takes one look's count; public for its tests. */
  saw(received: number, nowMs: number): void {
    if (received !== this.#received) {
      this.#received = received;
      this.#movedMs = nowMs;
      if (!this.#isStill) return;
      this.#isStill = false;
      this.#onAlive();
    } else if (!this.#isStill && nowMs - this.#movedMs >= STILL_MS) {
      this.#isStill = true;
      this.#onStill();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#received = -1;
    this.#isStill = false;
  }
}

function packetsIn(report: RTCStatsReport): number {
  let packets = 0;
  report.forEach((one: { readonly type: string; readonly packetsReceived?: number }) => {
    if (one.type === "inbound-rtp") packets += one.packetsReceived ?? 0;
  });
  return packets;
}
