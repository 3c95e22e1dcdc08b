/**
 * The session chunk's entry: everything behind the bubble, loaded on the first sign of intent.
 *
 * Holds the state and the transcript, passes on what the visitor does, and keeps the view up to date.
 */

import { renderBubble } from "./bubble.ts";
import { Caller } from "./caller.ts";
import { Clocks } from "./clocks.ts";
import { readConfig } from "./config.ts";
import { ConsentStore } from "./consent.ts";
import type { PageEvent } from "./events.ts";
import { Keyboard } from "./keyboard.ts";
import { LevelMeter } from "./level.ts";
import { actionOf, eventOf } from "./meaning.ts";
import { DEFAULT_MIC, type MicSettings } from "./mic.ts";
import { PageLink, type PageHost } from "./page-link.ts";
import { chosenDirection, placeOf } from "./placement.ts";
import type { Rating } from "./rating-view.ts";
import { ResumeStore } from "./resume.ts";
import type { BotMessage } from "./rtvi.ts";
import { adopt, createSheets, drop } from "./sheets.ts";
import { SoundSettings } from "./sound-settings.ts";
import { INITIAL_STATE, isActive, isLive, reduce, type Action, type State } from "./state.ts";
import type { TextOverrides } from "./texts.ts";
import { EMPTY_TRANSCRIPT, addMessage, addTyped, closeTranscript, fromLines, isRunning, toLines, type Transcript } from "./transcript.ts";
import { View, type ViewAction } from "./view.ts";
import { Wording } from "./wording.ts";

/** What the session needs of its element. */
export interface SessionHost extends HTMLElement, PageHost {
  /** Origin (and path prefix) of the server, without a trailing slash. */
  readonly server: string;
  /** Where an invitation is asked for; null means `<server>/connect`. */
  readonly connectUrl: string | null;
  readonly texts: TextOverrides | undefined;
  readonly microphone: Partial<MicSettings> | undefined;
}

export class Session {
  readonly #host: SessionHost;
  readonly #bubble: HTMLButtonElement;
  readonly #view: View;
  readonly #caller: Caller;
  readonly #consent: ConsentStore;
  readonly #sound: SoundSettings;
  readonly #page: PageLink;
  readonly #wording: Wording;
  readonly #levels = new LevelMeter();
  readonly #clocks: Clocks;
  readonly #sheets = createSheets();
  readonly #keyboard: Keyboard;
  #state: State = INITIAL_STATE;
  #transcript: Transcript = EMPTY_TRANSCRIPT;
  #open = false;
  /** Typed before the visitor agreed. */
  #unasked: string[] = [];

  /** @param bubble the launcher's button, in the open shadow root of `host`. */
  constructor(host: SessionHost, bubble: HTMLButtonElement) {
    this.#host = host;
    this.#bubble = bubble;
    this.#consent = new ConsentStore(host.server);
    this.#view = new View({
      onAction: (action) => {
        this.#act(action);
      },
      onText: (text) => {
        this.sendText(text);
      },
      onTalk: (talking) => {
        this.#caller.call?.talk(talking);
      },
      onConsent: (agreed, remember) => {
        this.#answerConsent(agreed, remember);
      },
      onRating: (rating) => {
        this.#rate(rating);
      },
      onMicrophone: (id) => {
        void this.#sound.useMicrophone(id);
      },
      onSpeaker: (id) => {
        void this.#sound.useSpeaker(id);
      },
      onVolume: (volume) => {
        this.#sound.setVolume(volume);
      },
    });
    this.#caller = new Caller(host.server, () => this.#callOptions(), {
      dispatch: (action) => {
        this.#dispatch(action);
      },
      onMessage: (message) => {
        this.#receive(message);
      },
      onTrack: (who, track) => {
        this.#levels.add(who, track);
      },
      onTyped: (id, content) => {
        this.#transcript = addTyped(this.#transcript, content, id);
      },
    });
    this.#sound = new SoundSettings(this.#view.audio, () => this.#caller.call, () => {
      this.render();
    });
    this.#clocks = new Clocks(this.#onTick, () => {
      this.#dispatch({ type: "thinking-timeout" });
    });
    this.#page = new PageLink(host, () => this.#caller.call);
    this.#wording = new Wording(host, () => {
      this.render();
      if (this.#open && host.shadowRoot?.activeElement === bubble) this.#view.focus(this.#state);
    });
    this.#keyboard = new Keyboard(this.#view.panel);
    bubble.before(this.#view.panel);
    adopt(host.shadowRoot, this.#sheets);
    addEventListener("pagehide", this.#onPageHide);
    addEventListener("pageshow", this.#onPageShow);
    this.render();
  }

  get state(): State {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** @param focus whether the visitor asked for it; a page that loads keeps its own focus. */
  open(focus = true): void {
    if (this.#open) return;
    this.#open = true;
    this.render();
    if (focus) this.#view.focus(this.#state);
    this.#emit("va-open", null);
  }

  /** Hides the panel; a call goes on. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.render();
    this.#bubble.focus({ preventScroll: true });
    this.#emit("va-close", null);
  }

  /** Starts a call unless one is under way; asks for consent first where the site wants it. */
  start(resume?: string): void {
    if (isActive(this.#state) && this.#state.phase !== "retrying") return;
    const { consent } = readConfig(this.#host);
    // A call that goes on was agreed to on the page before.
    if (consent !== null && resume === undefined && !this.#consent.has(consent)) {
      this.#dispatch({ type: "consent", consent: "asking" });
      this.#view.focus(this.#state);
      return;
    }
    this.#caller.start(resume);
  }

  async end(): Promise<void> {
    if (isActive(this.#state)) await this.#caller.end();
  }

  async mute(muted: boolean): Promise<void> {
    await this.#caller.call?.mute(muted);
  }

  /** Sends typed text; starts a call when there is none. */
  sendText(text: string): void {
    const content = text.trim();
    if (content === "") return;
    this.start();
    if (!isActive(this.#state)) {
      this.#unasked.push(content);
      return;
    }
    this.#caller.sendText(content, !isLive(this.#state));
    this.#dispatch({ type: "text-sent" });
    this.render();
  }

  /** Takes up the call of the page before, when there was one a moment ago. */
  resume(): void {
    const saved = new ResumeStore(this.#host.server).take(Date.now());
    if (saved === null) return;
    if (saved.open) this.open(false);
    this.start(saved.token);
    this.#transcript = fromLines(saved.lines);
    this.render();
  }

  /** Tells the bot what the page shows and lets it do; nothing before it is ready. */
  tellPage(): void {
    if (isLive(this.#state)) this.#page.tell();
  }

  destroy(): void {
    removeEventListener("pagehide", this.#onPageHide);
    removeEventListener("pageshow", this.#onPageShow);
    this.#clocks.stop();
    this.#view.orb.stop();
    this.#sound.show(false);
    this.#levels.close();
    this.#caller.destroy();
    this.#keyboard.stop();
    this.#view.panel.remove();
    drop(this.#host.shadowRoot, this.#sheets);
  }

  render(): void {
    const config = readConfig(this.#host);
    const texts = this.#wording.read(config.mode);
    const { language } = this.#wording;
    const label = this.#host.getAttribute("label");
    renderBubble(this.#bubble, { phase: this.#state.phase, active: isActive(this.#state), open: this.#open, label, texts, language });
    // Text in the wrong language for a moment would be read out.
    const shown = this.#open && this.#wording.ready;
    if (shown) {
      this.#view.render({
        state: this.#state,
        transcript: this.#transcript,
        texts,
        title: label ?? texts.title,
        config,
        settings: this.#sound.shown,
        devices: this.#sound.devices,
        place: placeOf(this.#host.getAttribute("placement"), this.#host.matches(":dir(rtl)") ? "rtl" : "ltr"),
        language,
        direction: chosenDirection(this.#host, language),
        nowMs: Date.now(),
      });
    }
    this.#view.panel.hidden = !shown;
    this.#runClocks();
  }

  #callOptions() {
    const { mode, pushToTalk, record } = readConfig(this.#host);
    return {
      server: this.#host.server,
      connectUrl: this.#host.connectUrl,
      mic: { ...DEFAULT_MIC, ...this.#host.microphone },
      microphoneId: this.#sound.devices.microphone,
      mode,
      pushToTalk,
      record,
      audio: this.#view.audio,
    };
  }

  #answerConsent(agreed: boolean, remember: boolean): void {
    const { consent } = readConfig(this.#host);
    const waiting = this.#unasked.splice(0);
    this.#dispatch({ type: "consent", consent: "none" });
    if (agreed) {
      if (consent !== null) this.#consent.agree(consent, remember);
      this.start();
      for (const text of waiting) this.sendText(text);
    }
    this.#emit("va-consent", { agreed });
    this.#view.focus(this.#state);
  }

  #rate({ stars, comment }: Rating): void {
    this.#dispatch({ type: "rated" });
    this.#emit("va-rating", { stars, comment, sessionId: this.#caller.sessionId });
    this.#view.focus(this.#state);
  }

  #receive(message: BotMessage): void {
    this.#transcript = addMessage(this.#transcript, message, Date.now());
    const action = actionOf(message);
    if (action !== null) this.#dispatch(action);
    if (message.type === "bot-ready") this.#page.meet(this.#state.resumed);
    if (message.type === "tool-started" && message.call !== null) void this.#page.run(message.call);
    const event = eventOf(message);
    if (event !== null) this.#emit(...event);
    this.render();
  }

  #dispatch(action: Action): void {
    const before = this.#state;
    const state = reduce(before, action);
    if (state === before) return;
    this.#state = state;
    if (action.type === "start") this.#transcript = EMPTY_TRANSCRIPT;
    if (!isActive(state) || state.phase === "retrying") this.#release();
    this.#clocks.restart(state);
    this.render();
    if (state.phase !== before.phase || state.mic !== before.mic) {
      this.#emit("va-state", { phase: state.phase, mic: state.mic });
    }
    if (state.problem !== null && state.problem !== before.problem) this.#emit("va-error", { code: state.problem });
    if (state.endReason !== null && before.endReason === null) this.#emit("va-ended", { reason: state.endReason });
  }

  /** Lets go of what only a live call needs. */
  #release(): void {
    this.#transcript = closeTranscript(this.#transcript, Date.now());
    this.#sound.show(false);
    this.#levels.close();
    this.#caller.release(!isActive(this.#state));
  }

  #emit(...[name, detail]: PageEvent): void {
    this.#host.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #act(action: ViewAction): void {
    switch (action) {
      case "close":
        this.close();
        break;
      case "start":
        this.start();
        break;
      case "cancel":
      case "end":
        void this.end();
        break;
      case "audio":
        void this.#caller.call?.unblockAudio();
        break;
      case "mic":
        void this.#caller.call?.retryMic();
        break;
      case "mute":
      case "unmute":
        void this.mute(action === "mute");
        break;
      case "settings":
        this.#sound.show(!this.#sound.shown);
        this.render();
        break;
    }
  }

  /** Moves only what is seen. */
  #runClocks(): void {
    const heard = this.#open && isLive(this.#state) && readConfig(this.#host).mode === "voice";
    if (heard) this.#view.orb.start(this.#levels);
    else this.#view.orb.stop();
    this.#clocks.run(this.#state, this.#open);
  }

  readonly #onTick = (): void => {
    if (this.#state.phase === "retrying") {
      if (this.#state.retryAtMs !== null && Date.now() >= this.#state.retryAtMs) this.#caller.attempt();
      else this.render();
    } else if (isRunning(this.#transcript)) {
      this.render();
    }
  };

  readonly #onPageHide = (): void => {
    if (isActive(this.#state)) this.#caller.leave(this.#open, toLines(this.#transcript, Date.now()));
  };

  readonly #onPageShow = (event: PageTransitionEvent): void => {
    if (event.persisted) this.resume();
  };
}
