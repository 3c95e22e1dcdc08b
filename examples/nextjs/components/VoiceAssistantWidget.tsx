"use client";

import { usePathname, useRouter } from "next/navigation";
import { useMemo } from "react";
import { VoiceAssistant, type ClientActions } from "voice-assistant/react";

/** The pages the assistant may open, by the names it calls them. */
const PAGES: Readonly<Record<string, string>> = { overview: "/", contracts: "/contracts" };

/** The bubble. In the root layout, so that it and its call stay while the pages change. */
export function VoiceAssistantWidget({ name }: { name: string }) {
  const router = useRouter();
  const pathname = usePathname();
  const page = useMemo(() => ({ page: Object.keys(PAGES).find((key) => PAGES[key] === pathname) ?? pathname }), [pathname]);
  const actions = useMemo<ClientActions>(
    () => ({
      open_page: {
        description: "Opens a page of the dashboard. Call it when the user wants to see or go to one.",
        parameters: { type: "object", properties: { name: { type: "string", enum: Object.keys(PAGES) } }, required: ["name"] },
        run: ({ name: wanted }) => {
          router.push(PAGES[String(wanted)] ?? "/");
        },
      },
    }),
    [router],
  );
  return (
    <VoiceAssistant
      connect-url="/api/livekit-token"
      label="CacaoConnect assistant"
      allow-actions="open_page"
      pageContext={page}
      actions={actions}
      texts={{
        intro: `Hello ${name}, ask me about lots, prices and payments. Just speak, or type below.`,
        problems: { server_error: "The assistant is not available. Log in again if you were away for long." },
      }}
      onva-error={(event) => console.warn("voice assistant:", event.detail.code)}
    />
  );
}
