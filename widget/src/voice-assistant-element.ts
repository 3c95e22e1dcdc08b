/**
 * `<voice-assistant>`: the bubble. Attributes and methods in, typed events out.
 *
 * Everything but the bubble lives in the session chunk, which is loaded on the first sign of
 * intent (pointer, focus, click) and never before.
 */

import type { ClientActions } from "./actions.ts";
import { OPEN_LABELS } from "./launcher-labels.ts";
import { LAUNCHER_CSS } from "./launcher-styles.ts";
import type { MicSettings } from "./mic.ts";
import type { Session } from "./session.ts";
import type { Phase } from "./state.ts";
import type { TextOverrides } from "./texts.ts";

/** What the session chunk exports. */
export interface SessionModule {
  readonly Session: new (host: VoiceAssistantElement, bubble: HTMLButtonElement) => Session;
}

const INTENT = ["pointerenter", "pointerdown", "focus"] as const;

/** On a server (SSR) there is no HTMLElement; the class is then only a name. */
const Base = (globalThis as Partial<typeof globalThis>).HTMLElement ?? (Object as unknown as typeof HTMLElement);

export class VoiceAssistantElement extends Base {
  static readonly observedAttributes = ["label", "allow-actions", "lang", "dir", "placement", "mode", "links", "rating", "consent", "record", "push-to-talk"];
  /** Set by the entry points: how this build loads its session chunk. */
  static loadSession: () => Promise<SessionModule>;
  /** Used where the `server` attribute is missing. */
  static defaultServer = "";

  /** Any part of the texts (src/texts.ts), reworded or translated. Set it before the panel opens. */
  texts: TextOverrides | undefined;
  /** Capture settings other than the defaults (all on). */
  microphone: Partial<MicSettings> | undefined;

  #pageContext: unknown;
  #actions: ClientActions | undefined;
  #bubble: HTMLButtonElement | undefined;
  #session: Session | undefined;
  #loading: Promise<Session | undefined> | undefined;

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(LAUNCHER_CSS);
    root.adoptedStyleSheets = [sheet];
    const bubble = document.createElement("button");
    bubble.type = "button";
    bubble.className = "bubble";
    bubble.setAttribute("part", "bubble");
    bubble.append(document.createElement("i"), document.createElement("i"), document.createElement("i"));
    for (const type of INTENT) bubble.addEventListener(type, this.#onIntent);
    bubble.addEventListener("click", this.#onClick);
    root.replaceChildren(bubble);
    this.#bubble = bubble;
    this.attributeChangedCallback();
    if (hasSavedCall(this.server)) void this.#with((session) => { session.resume(); });
  }

  disconnectedCallback(): void {
    this.#session?.destroy();
    this.#session = this.#loading = this.#bubble = undefined;
    this.shadowRoot?.replaceChildren();
  }

  /** `moveBefore()` keeps the call. */
  connectedMoveCallback(): void {
    // Nothing changes for an element that only moves.
  }

  attributeChangedCallback(): void {
    if (this.#session) {
      this.#session.render();
      this.#session.tellPage();
    }
    else if (this.#bubble) nameBubble(this, this.#bubble);
  }

  /** Origin (and path prefix) of the server, without a trailing slash. */
  get server(): string {
    const server = this.getAttribute("server") ?? (this.constructor as typeof VoiceAssistantElement).defaultServer;
    return new URL(server || ".", document.baseURI).href.replace(/\/+$/, "");
  }

  /** React sets what is a property as a property, also to undefined. */
  set server(server: string | null | undefined) {
    this.#reflect("server", server);
  }

  /** Where an invitation is asked for; null means `<server>/connect`. */
  get connectUrl(): string | null {
    const url = this.getAttribute("connect-url");
    return url === null ? null : new URL(url, document.baseURI).href;
  }

  set connectUrl(url: string | null | undefined) {
    this.#reflect("connect-url", url);
  }

  /** What the page shows, told to the bot as data: any JSON value of up to 4,000 characters. */
  get pageContext(): unknown {
    return this.#pageContext;
  }

  set pageContext(context: unknown) {
    this.#pageContext = context;
    this.#session?.tellPage();
  }

  /** What the bot may do in the page, by name; only those that `allow-actions` lists. */
  get actions(): ClientActions | undefined {
    return this.#actions;
  }

  set actions(actions: ClientActions | undefined) {
    this.#actions = actions;
    this.#session?.tellPage();
  }

  /** What the call is doing now. */
  get phase(): Phase {
    return this.#session?.state.phase ?? "idle";
  }

  /** Opens the panel; starts nothing. */
  open(): Promise<void> {
    return this.#with((session) => { session.open(); });
  }

  /** Hides the panel; a call goes on. */
  close(): Promise<void> {
    return this.#with((session) => { session.close(); });
  }

  /** Opens the panel and starts a call. Call it in a click: browsers want one for sound. */
  start(): Promise<void> {
    return this.#with((session) => { session.open(); session.start(); });
  }

  /** Ends the call, and tells the bot so: it does not wait for a return. */
  end(): Promise<void> {
    return this.#with((session) => session.end());
  }

  /** Stops or resumes sending the microphone. */
  mute(muted = true): Promise<void> {
    return this.#with((session) => session.mute(muted));
  }

  /** Says `text` (at most 2,000 characters) for the visitor, in writing; starts a call when there is none. */
  sendText(text: string): Promise<void> {
    return this.#with((session) => { session.open(); session.sendText(text); });
  }

  #reflect(name: string, value: string | null | undefined): void {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  readonly #onIntent = (): void => {
    void this.#load();
  };

  readonly #onClick = (): void => {
    if (this.#session?.isOpen) void this.close();
    else if (this.phase === "idle") void this.start();
    else void this.open();
  };

  async #with(act: (session: Session) => void | Promise<void>): Promise<void> {
    const session = await this.#load();
    if (session) await act(session);
  }

  #load(): Promise<Session | undefined> {
    return (this.#loading ??= this.#create());
  }

  async #create(): Promise<Session | undefined> {
    const bubble = this.#bubble;
    try {
      const { Session } = await (this.constructor as typeof VoiceAssistantElement).loadSession();
      // Gone, or gone and back, while the chunk was on its way.
      if (!bubble || bubble !== this.#bubble) return undefined;
      bubble.nextSibling?.remove();
      return (this.#session = new Session(this, bubble));
    } catch {
      if (bubble && bubble === this.#bubble) {
        this.#loading = undefined;
        bubble.nextSibling?.remove();
        this.dispatchEvent(new CustomEvent("va-error", { detail: { code: "widget_error" }, bubbles: true, composed: true }));
        const tip = document.createElement("span");
        tip.setAttribute("role", "alert");
        tip.append("The assistant could not be loaded. Click to try again.");
        bubble.after(tip);
      }
      return undefined;
    }
  }
}

/** The bubble's name until the session chunk knows better. */
function nameBubble(host: Element, bubble: HTMLElement): void {
  const tag = host.closest("[lang]")?.getAttribute("lang")?.slice(0, 2).toLowerCase() ?? "";
  const language = tag in OPEN_LABELS ? tag : "en";
  const label = host.getAttribute("label");
  if (label === null) bubble.lang = language;
  bubble.ariaLabel = label ?? OPEN_LABELS[language] ?? "";
}

/** Whether a call was live when the page before this one was left; key as in resume.ts. */
function hasSavedCall(server: string): boolean {
  try {
    return sessionStorage.getItem("voice-assistant:" + server) !== null;
  } catch {
    return false;
  }
}
