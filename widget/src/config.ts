/** What a site asks for by attributes, beyond looks. */

export interface Config {
  /** `text`: the microphone is never asked for, and answers are read. */
  readonly mode: "voice" | "text";
  readonly pushToTalk: boolean;
  /** Origins that the bot's text may link to. */
  readonly links: readonly string[];
  /** Names of the page's actions that the bot may call. */
  readonly allowedActions: readonly string[];
  /** Asks for a rating after the call. */
  readonly rating: boolean;
  /** What the visitor has to agree to first; null when nothing. */
  readonly consent: string | null;
  /** Asks the server to keep the conversation; only what was agreed to can be. */
  readonly record: boolean;
}

export const DEFAULT_CONFIG: Config = { mode: "voice", pushToTalk: false, links: [], allowedActions: [], rating: false, consent: null, record: false };

export function readConfig(host: Element): Config {
  const mode = host.getAttribute("mode") === "text" ? "text" : "voice";
  // The slot is what the visitor sees when a site fills both.
  const slotted = host.querySelector('[slot="consent"]')?.textContent.trim() ?? "";
  const consent = slotted === "" ? (host.getAttribute("consent")?.trim() ?? "") : slotted;
  return {
    mode,
    pushToTalk: mode === "voice" && host.hasAttribute("push-to-talk"),
    links: readOrigins(host.getAttribute("links") ?? ""),
    allowedActions: (host.getAttribute("allow-actions") ?? "").split(/[\s,]+/).filter((name) => name !== ""),
    rating: host.hasAttribute("rating"),
    consent: consent === "" ? null : consent,
    record: consent !== "" && host.hasAttribute("record"),
  };
}

/** The http(s) origins of a list parted by spaces or commas; what is none is left out. */
export function readOrigins(list: string): string[] {
  return list.split(/[\s,]+/).flatMap((item) => {
    try {
      const { origin, protocol } = new URL(item);
      return protocol === "https:" || protocol === "http:" ? [origin] : [];
    } catch {
      return [];
    }
  });
}
