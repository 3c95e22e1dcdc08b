/**
 * The DOM events of the element. The names are RTVI's, with `va-` before them: React 19 takes
 * `onva-bot-ready={...}` as it is.
 */

import type { ActionOutcome } from "./actions.ts";
import type { SpokenStatus } from "./rtvi.ts";
import type { EndReason, Mic, Phase, Problem } from "./state.ts";

export interface VoiceAssistantEventMap {
  "va-open": CustomEvent<null>;
  "va-close": CustomEvent<null>;
  "va-state": CustomEvent<{ readonly phase: Phase; readonly mic: Mic }>;
  "va-bot-ready": CustomEvent<null>;
  "va-user-started-speaking": CustomEvent<null>;
  "va-user-stopped-speaking": CustomEvent<null>;
  "va-bot-started-speaking": CustomEvent<null>;
  "va-bot-stopped-speaking": CustomEvent<null>;
  "va-bot-interrupted": CustomEvent<null>;
  "va-user-input": CustomEvent<{
    readonly text: string;
    readonly inputType: "transcription" | "chat" | "backchannel";
    readonly final: boolean;
  }>;
  "va-bot-output": CustomEvent<{ readonly text: string; readonly spokenStatus: SpokenStatus }>;
  "va-server-message": CustomEvent<unknown>;
  /** The bot called one of the page's actions. */
  "va-action": CustomEvent<{ readonly name: string; readonly outcome: ActionOutcome }>;
  /** The visitor answered the site's consent text. */
  "va-consent": CustomEvent<{ readonly agreed: boolean }>;
  /** The visitor rated the call: 1 to 5 stars, and what they wrote. */
  "va-rating": CustomEvent<{ readonly stars: number; readonly comment: string; readonly sessionId: string | null }>;
  "va-ended": CustomEvent<{ readonly reason: EndReason }>;
  "va-error": CustomEvent<{ readonly code: Problem }>;
}
