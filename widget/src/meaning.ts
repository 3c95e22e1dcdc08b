/** What a message of the bot is to the call's state, and to the page. Pure. */

import type { PageEvent } from "./events.ts";
import type { BotMessage } from "./rtvi.ts";
import { troubleOf, type Action } from "./state.ts";

export function actionOf(message: BotMessage): Action | null {
  switch (message.type) {
    case "bot-ready":
    case "user-started-speaking":
    case "user-stopped-speaking":
    case "bot-started-speaking":
    case "bot-stopped-speaking":
    case "bot-interrupted":
    case "tool-started":
    case "tool-stopped":
      return { type: message.type };
    case "user-input":
      return message.inputType === "transcription" ? { type: "heard" } : null;
    case "error":
      return message.fatal ? null : { type: "trouble", trouble: troubleOf(message.code) };
    default:
      return null;
  }
}

/** What the end of a call is to the visitor, by the bot's reason. */
export function endAction(reason: string): Action {
  switch (reason) {
    case "idle":
    case "max_length":
    case "shutdown":
    case "moved":
      return { type: "ended", reason };
    case "silent":
      return { type: "ended", reason: "idle" };
    case "budget_spent":
      return { type: "failed", problem: "budget_spent" };
    case "provider_unusable":
    case "connect_failed":
    case "failed":
      return { type: "failed", problem: "bot_error" };
    default:
      return { type: "ended", reason: "bot_left" };
  }
}

export function eventOf(message: BotMessage): PageEvent | null {
  switch (message.type) {
    case "bot-ready":
    case "user-started-speaking":
    case "user-stopped-speaking":
    case "bot-started-speaking":
    case "bot-stopped-speaking":
    case "bot-interrupted":
      return [`va-${message.type}`, null];
    case "user-input":
      return ["va-user-input", { text: message.text, inputType: message.inputType, final: message.final }];
    case "bot-output":
      return ["va-bot-output", { text: message.text, spokenStatus: message.spokenStatus }];
    case "server-message":
      return ["va-server-message", message.data];
    default:
      return null;
  }
}
