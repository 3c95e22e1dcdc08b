/** The only side effect: registers the tag. */

import { VoiceAssistantElement, type SessionModule } from "./voice-assistant-element.ts";

export const TAG = "voice-assistant";

export interface DefineOptions {
  readonly loadSession: () => Promise<SessionModule>;
  /** Server of elements without a `server` attribute. */
  readonly defaultServer: string;
}

/** Registers `<voice-assistant>`; a second registration on the page changes nothing. */
export function define({ loadSession, defaultServer }: DefineOptions): void {
  // A page on a server (SSR) has no registry.
  const registry = globalThis.customElements as CustomElementRegistry | undefined;
  if (registry === undefined || registry.get(TAG) !== undefined) return;
  VoiceAssistantElement.loadSession = loadSession;
  VoiceAssistantElement.defaultServer = defaultServer;
  registry.define(TAG, VoiceAssistantElement);
}
