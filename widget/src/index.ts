/** The ESM build: the class and its types; `defineVoiceAssistant()` registers the tag. */

import { define, TAG } from "./voice-assistant-define.ts";
import { VoiceAssistantElement } from "./voice-assistant-element.ts";
import type { VoiceAssistantEventMap } from "./events.ts";

export { VoiceAssistantElement };
export type { VoiceAssistantEventMap };
export type { EndReason, Mic, MicProblem, Phase, Problem } from "./state.ts";
export type { ActionOutcome, ActionParameter, ClientAction, ClientActions } from "./actions.ts";
export type { MicSettings } from "./mic.ts";
export type { SpokenStatus } from "./rtvi.ts";
export type { TextOverrides, Texts } from "./texts.ts";

/** Registers `<voice-assistant>`. Elements without a `server` attribute ask the page's own origin. */
export function defineVoiceAssistant(): void {
  // The build leaves this import to the page's bundler, which makes it a chunk of its own.
  define({ loadSession: () => import("./session.js"), defaultServer: "/" });
}

declare global {
  interface HTMLElementTagNameMap {
    [TAG]: VoiceAssistantElement;
  }
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- how the DOM's map is extended
  interface HTMLElementEventMap extends VoiceAssistantEventMap {}
}
