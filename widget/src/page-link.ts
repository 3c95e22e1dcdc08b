/** Between the page and the bot: what the page shows and offers goes out, the bot's calls come in. */

import { announced, runAction, type ClientActions } from "./actions.ts";
import type { Call } from "./call.ts";
import { readConfig } from "./config.ts";
import type { VoiceAssistantEventMap } from "./events.ts";
import { newId } from "./ids.ts";
import { callResult, clientActions, pageContext, type ToolCall } from "./rtvi.ts";

/** What the link needs of its element. */
export interface PageHost extends HTMLElement {
  readonly pageContext: unknown;
  readonly actions: ClientActions | undefined;
}

/** A new bot knows of no page. */
const NOTHING_TOLD = JSON.stringify([null, []]);

/** As the bot takes it. */
const MAX_CONTEXT_CHARS = 4_000;

export class PageLink {
  readonly #host: PageHost;
  readonly #call: () => Call | null;
  #told = NOTHING_TOLD;

  /** @param call the one that is running. */
  constructor(host: PageHost, call: () => Call | null) {
    this.#host = host;
    this.#call = call;
  }

  /** @param known whether this bot was told before, perhaps of another page. */
  meet(known: boolean): void {
    this.#told = known ? "" : NOTHING_TOLD;
    this.tell();
  }

  /** Tells the bot what the page shows and lets it do, where that has changed. */
  tell(): void {
    const { actions } = this.#host;
    const context = readContext(this.#host.pageContext);
    const offered = announced(actions, readConfig(this.#host).allowedActions);
    const told = JSON.stringify([context, offered]);
    if (told === this.#told) return;
    this.#told = told;
    this.#call()?.tell(clientActions(newId(), offered));
    this.#call()?.tell(pageContext(newId(), context));
  }

  /** Carries out a call of the bot's, or refuses it. */
  async run(call: ToolCall): Promise<void> {
    const { actions } = this.#host;
    const asked = this.#call();
    const { outcome, result } = await runAction(actions, readConfig(this.#host).allowedActions, call.name, call.args);
    asked?.tell(callResult(newId(), call, result));
    const detail: VoiceAssistantEventMap["va-action"]["detail"] = { name: call.name, outcome };
    this.#host.dispatchEvent(new CustomEvent("va-action", { detail, bubbles: true, composed: true }));
  }
}

/** The page's context as plain JSON; null, and a word to its developer, where it is none or too long. */
function readContext(context: unknown): unknown {
  try {
    const text = JSON.stringify(context ?? null) as string | undefined;
    if (text !== undefined && text.length <= MAX_CONTEXT_CHARS) return JSON.parse(text) as unknown;
  } catch {
    // A cycle, or a number without JSON.
  }
  console.warn(`voice-assistant: pageContext must be JSON of at most ${MAX_CONTEXT_CHARS} characters`);
  return null;
}
