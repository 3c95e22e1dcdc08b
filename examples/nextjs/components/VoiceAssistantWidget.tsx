"use client";

import { VoiceAssistant } from "voice-assistant/react";

/** The bubble. In the root layout, so that it and its call stay while the pages change. */
export function VoiceAssistantWidget({ name }: { name: string }) {
  return (
    <VoiceAssistant
      connect-url="/api/livekit-token"
      label="CacaoConnect assistant"
      texts={{
        intro: `Hello ${name}, ask me about lots, prices and payments. Just speak, or type below.`,
        problems: { server_error: "The assistant is not available. Log in again if you were away for long." },
      }}
      onva-error={(event) => console.warn("voice assistant:", event.detail.code)}
    />
  );
}
