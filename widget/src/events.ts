/**
 * The DOM events of the element. The names are RTVI's, with `va-` before them: React 19 takes
 * `onva-bot-ready={...}` as it is.
 */

import type { ActionOutcome } from "./actions.ts";
import type { SpokenStatus } from "./rtvi.ts";
import type { EndReason, Mic, Phase, Problem } from "./state.ts";

export interface VoiceAssistantEventMap {
  /** The panel was opened. */
  "va-open": CustomEvent<null>;
  /** The panel was hidden; a call goes on. */
  "va-close": CustomEvent<null>;
  /** The call or the microphone is in another state. */
  "va-state": CustomEvent<{ readonly phase: Phase; readonly mic: Mic }>;
  /** Bot and visitor can talk; comes again after a reload. */
  "va-bot-ready": CustomEvent<null>;
  /** The visitor began to speak. */
  "va-user-started-speaking": CustomEvent<null>;
  /** The visitor's turn is over. */
  "va-user-stopped-speaking": CustomEvent<null>;
  /** The bot is heard. */
  "va-bot-started-speaking": CustomEvent<null>;
  /** The bot has finished. */
  "va-bot-stopped-speaking": CustomEvent<null>;
  /** The visitor began a new turn; what the bot still had to say is dropped. */
  "va-bot-interrupted": CustomEvent<null>;
  /** What the visitor said or typed; spoken words come several times until they are final. */
  "va-user-input": CustomEvent<{
    readonly text: string;
    readonly inputType: "transcription" | "chat" | "backchannel";
    readonly final: boolean;
  }>;
  /** What the bot says, and whether it has been heard. */
  "va-bot-output": CustomEvent<{ readonly text: string; readonly spokenStatus: SpokenStatus }>;
  /** A message of your own bot's, as it sent it. */
  "va-server-message": CustomEvent<unknown>;
  /** The bot called one of the page's actions. */
  "va-action": CustomEvent<{ readonly name: string; readonly outcome: ActionOutcome }>;
  /** The visitor answered the site's consent text. */
  "va-consent": CustomEvent<{ readonly agreed: boolean }>;
  /** The visitor rated the call: 1 to 5 stars, and what they wrote. */
  "va-rating": CustomEvent<{ readonly stars: number; readonly comment: string; readonly sessionId: string | null }>;
  /** The call is over. */
  "va-ended": CustomEvent<{ readonly reason: EndReason }>;
  /** There is no call, and why. */
  "va-error": CustomEvent<{ readonly code: Problem }>;
}

/** One of the events: its name and its detail. */
export type PageEvent = { [Name in keyof VoiceAssistantEventMap]: [Name, VoiceAssistantEventMap[Name]["detail"]] }[keyof VoiceAssistantEventMap];
