/** The panel: header with the orb and the status, settings, transcript, notices, controls, text input. */

import type { Config } from "./config.ts";
import { ConsentView } from "./consent-view.ts";
import type { Devices } from "./devices.ts";
import { element, icon, setAttribute, setText, toggle } from "./dom.ts";
import { ICON } from "./icons.ts";
import type { Direction, Language } from "./languages.ts";
import { NoticeView } from "./notice-view.ts";
import { Orb } from "./orb.ts";
import type { Place } from "./placement.ts";
import { asksRating, notices, statusText, type NoticeAction } from "./present.ts";
import { RatingView, type Rating } from "./rating-view.ts";
import { SettingsView, type SettingsHandlers } from "./settings-view.ts";
import { hasMic, isActive, isLive, type State } from "./state.ts";
import { TalkButton } from "./talk-button.ts";
import type { Texts } from "./texts.ts";
import { TranscriptView } from "./transcript-view.ts";
import type { Transcript } from "./transcript.ts";

export type ViewAction = NoticeAction | "close" | "mute" | "unmute" | "end" | "settings";

export interface ViewHandlers extends SettingsHandlers {
  onAction(action: ViewAction): void;
  onText(text: string): void;
  onTalk(talking: boolean): void;
  onConsent(agreed: boolean, remember: boolean): void;
  onRating(rating: Rating): void;
}

export interface ViewModel {
  readonly state: State;
  readonly transcript: Transcript;
  readonly texts: Texts;
  readonly title: string;
  readonly config: Config;
  /** Shown while true. */
  readonly settings: boolean;
  readonly devices: Devices;
  readonly place: Place;
  readonly language: Language;
  readonly direction: Direction;
  readonly nowMs: number;
}

export class View {
  readonly panel: HTMLElement;
  readonly audio: HTMLAudioElement;
  readonly orb = new Orb();
  readonly #title = element("h2", { class: "title", part: "title", id: "va-title" });
  readonly #status = element("p", { class: "status", part: "status", role: "status" });
  readonly #recorded = element("p", { class: "recorded", part: "recorded" });
  readonly #gear = iconButton("icon", "settings", ...ICON.settings);
  readonly #close = iconButton("icon", "close", ...ICON.minimise);
  readonly #notices: NoticeView;
  readonly #settings: SettingsView;
  readonly #consent: ConsentView;
  readonly #rating: RatingView;
  readonly #talk: TalkButton;
  readonly #mic = element("button", { class: "icon", part: "button mute", type: "button" });
  readonly #end = iconButton("icon end", "end");
  readonly #input = element("input", { class: "input", part: "input", type: "text", autocomplete: "off", enterkeyhint: "send", maxlength: "1000" });
  readonly #send = iconButton("icon send", "send", ...ICON.send);
  readonly #form = element("form", { class: "form", part: "form" });
  readonly #transcript = new TranscriptView();
  #micShown: boolean | null = null;
  #endShown: Config["mode"] | null = null;

  constructor(handlers: ViewHandlers) {
    this.#notices = new NoticeView((action) => {
      handlers.onAction(action);
    });
    this.#settings = new SettingsView(handlers);
    this.#consent = new ConsentView((agreed, remember) => {
      handlers.onConsent(agreed, remember);
    });
    this.#rating = new RatingView((rating) => {
      handlers.onRating(rating);
    });
    this.#talk = new TalkButton((talking) => {
      handlers.onTalk(talking);
    });
    this.#gear.setAttribute("aria-controls", "va-settings");
    this.#send.type = "submit";
    this.#form.append(this.#mic, this.#input, this.#send, this.#end);
    this.audio = element("audio", { autoplay: "", playsinline: "" });
    this.panel = element(
      "section",
      { class: "panel", part: "panel", role: "dialog", "aria-labelledby": "va-title", tabindex: "-1" },
      element("div", { class: "header", part: "header" }, this.orb.root, element("div", { class: "heading" }, this.#title, element("div", { class: "now" }, this.#status, this.#recorded)), this.#gear, this.#close),
      this.#settings.root,
      this.#transcript.root,
      this.#notices.root,
      this.#consent.root,
      this.#rating.root,
      this.#talk.root,
      this.#form,
      this.audio,
    );
    this.panel.hidden = true;
    this.#listen(handlers);
  }

  #listen(handlers: ViewHandlers): void {
    const on = (button: HTMLButtonElement, action: ViewAction) => {
      button.addEventListener("click", () => {
        handlers.onAction(action);
      });
    };
    on(this.#close, "close");
    on(this.#end, "end");
    on(this.#gear, "settings");
    this.#mic.addEventListener("click", () => {
      handlers.onAction(this.#mic.getAttribute("aria-pressed") === "true" ? "unmute" : "mute");
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      if (text === "") return;
      this.#input.value = "";
      handlers.onText(text);
    });
    this.panel.addEventListener("keydown", (event) => {
      // Keys of the panel are no shortcuts of the page.
      event.stopPropagation();
      if (event.key === "Escape") handlers.onAction("close");
    });
  }

  render(model: ViewModel): void {
    const { state, transcript, texts, config, place, nowMs } = model;
    const active = isActive(state) && state.phase !== "retrying";
    setAttribute(this.panel, "dir", model.direction);
    setAttribute(this.panel, "lang", model.language);
    setAttribute(this.panel, "data-edge", place.edge);
    setAttribute(this.panel, "data-side", place.side);
    setAttribute(this.panel, "data-phase", state.phase);
    setAttribute(this.panel, "data-mode", config.mode);
    setText(this.#title, model.title);
    setText(this.#status, statusText(state, texts, config));
    setText(this.#recorded, texts.recorded);
    toggle(this.#recorded, state.recorded);
    label(this.#close, texts.close);
    this.#renderSettings(model, isLive(state) && config.mode === "voice");
    this.#renderControls(model, active);
    const asks = asksRating(state, config);
    this.#consent.render(state.consent === "asking", config.consent ?? "", texts);
    this.#rating.render(asks, state.rated, texts);
    this.panel.classList.toggle("is-empty", transcript.entries.length === 0 && !active);
    this.#notices.render(notices(state, texts, nowMs));
    this.#transcript.render(transcript, texts, { showIntro: isLive(state) || state.phase === "connecting", links: config.links, nowMs });
  }

  /** Gives the focus to what the visitor is asked, else to the panel. */
  focus(state: State): void {
    if (state.consent === "asking") this.#consent.focus();
    else this.panel.focus({ preventScroll: true });
  }

  #renderSettings({ settings, devices, texts }: ViewModel, usable: boolean): void {
    label(this.#gear, texts.settings);
    toggle(this.#gear, usable);
    setAttribute(this.#gear, "aria-expanded", String(settings && usable));
    toggle(this.#settings.root, settings && usable);
    if (settings && usable) this.#settings.render(devices, texts);
  }

  #renderControls({ state, texts, config }: ViewModel, active: boolean): void {
    toggle(this.#form, active);
    toggle(this.#talk.root, active && config.pushToTalk && hasMic(state));
    this.#talk.render(texts.holdToTalk, isLive(state));
    setAttribute(this.#talk.root, "aria-label", texts.holdToTalk);
    label(this.#end, texts.end);
    if (this.#endShown !== config.mode) this.#end.replaceChildren(icon(...(config.mode === "text" ? ICON.cross : ICON.end)));
    this.#endShown = config.mode;
    label(this.#send, texts.send);
    setAttribute(this.#input, "aria-label", texts.inputLabel);
    setAttribute(this.#input, "placeholder", texts.inputPlaceholder);
    const muted = state.mic === "muted";
    toggle(this.#mic, isActive(state) && hasMic(state) && !config.pushToTalk);
    if (this.#micShown !== muted) this.#mic.replaceChildren(icon(...(muted ? ICON.micOff : ICON.mic)));
    this.#micShown = muted;
    setAttribute(this.#mic, "aria-pressed", String(muted));
    // A pressed button keeps its name: "mute, pressed".
    setAttribute(this.#mic, "aria-label", texts.mute);
    setAttribute(this.#mic, "title", muted ? texts.unmute : texts.mute);
  }
}

function iconButton(className: string, part: string, ...paths: string[]): HTMLButtonElement {
  return element("button", { class: className, part: `button ${part}`, type: "button" }, icon(...paths));
}

function label(button: HTMLButtonElement, text: string): void {
  setAttribute(button, "aria-label", text);
  setAttribute(button, "title", text);
}
