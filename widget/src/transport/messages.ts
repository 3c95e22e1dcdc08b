/** Packets of the bot, as client-js wants them. */

import type { RTVIMessage } from "@pipecat-ai/client-js";

/** The message in a packet; undefined for anything that is none. */
export function parseMessage(payload: Uint8Array): RTVIMessage | undefined {
  try {
    const message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Partial<RTVIMessage> | null;
    return message?.label === "rtvi-ai" && typeof message.type === "string" ? (message as RTVIMessage) : undefined;
  } catch {
    return undefined;
  }
}

export function isBotReady({ type }: RTVIMessage): boolean {
  return type === "bot-ready";
}

/** Our server's word before the bot leaves (docs/protocol.md). */
export function isFarewell({ type, data }: RTVIMessage): boolean {
  return type === "server-message" && (data as { type?: unknown } | undefined)?.type === "session-ended";
}
