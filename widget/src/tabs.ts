/**
 * One call per visitor and server: a tab that starts one tells the others, and theirs end.
 *
 * A channel is open only while a call is: an idle page keeps its place in the browser's cache.
 */

import { newId } from "./ids.ts";

interface Claim {
  readonly atMs: number;
  readonly id: string;
}

export class TabClaim {
  readonly #name: string;
  readonly #onTaken: () => void;
  #channel: BroadcastChannel | null = null;

  constructor(server: string, onTaken: () => void) {
    this.#name = `voice-assistant:${server}`;
    this.#onTaken = onTaken;
  }

  /** Claims the call for this tab. */
  take(): void {
    this.release();
    if (typeof BroadcastChannel === "undefined") return;
    const own: Claim = { atMs: Date.now(), id: newId() };
    const channel = new BroadcastChannel(this.#name);
    channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (!isClaim(data) || !isLater(data, own)) return;
      this.release();
      this.#onTaken();
    });
    channel.postMessage(own);
    this.#channel = channel;
  }

  release(): void {
    this.#channel?.close();
    this.#channel = null;
  }
}

/** Whether `claim` came after `own`: of two tabs that start at once exactly one goes on. */
export function isLater(claim: Claim, own: Claim): boolean {
  return claim.atMs === own.atMs ? claim.id > own.id : claim.atMs > own.atMs;
}

function isClaim(value: unknown): value is Claim {
  const claim = value as Partial<Claim> | null;
  return typeof claim?.atMs === "number" && typeof claim.id === "string";
}
