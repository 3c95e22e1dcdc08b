import type { Metadata } from "next";
import type { ReactNode } from "react";
import { VoiceAssistantWidget } from "@/components/VoiceAssistantWidget";
import { currentUser } from "@/lib/session";
import "./globals.css";

export const metadata: Metadata = { title: "CacaoConnect", description: "Cacao supply and trade" };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const user = await currentUser();
  return (
    <html lang="en">
      <body>
        {children}
        {user !== null && <VoiceAssistantWidget name={user.displayName} />}
      </body>
    </html>
  );
}
