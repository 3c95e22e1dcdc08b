/**
 * One call, from the click to the end: microphone, /connect, room, handshake with the bot.
 *
 * Reports what happens as state actions and bot messages; draws nothing. A call is used once.
 */

import { CallMic, type CallMicOptions } from "./call-mic.ts";
import type { Config } from "./config.ts";
import { ConnectError, connect, type Connection } from "./connect.ts";
import { newId } from "./ids.ts";
import { endAction } from "./meaning.ts";
import { isMicGranted } from "./mic.ts";
import { CallRoom, type LeaveReason } from "./room.ts";
import { clientReady, disconnectBot, parseBotMessage, sendText, type BotMessage } from "./rtvi.ts";
import type { Action, Mic } from "./state.ts";
import { Timers } from "./timers.ts";

/** A room that is not joined by then is behind a firewall; LiveKit alone would try for longer. */
const JOIN_MS = 15_000;
/** How long the bot may take to enter a room the visitor is in. */
const BOT_JOIN_MS = 12_000;
/** client-ready is lost when the bot's data channel is not open yet; it is repeated after this, for 12 s. */
const READY_RETRY_MS = 500;
const READY_ATTEMPTS = 24;
/** A bot that rejoins is back within seconds; another one, where its process died, within eight. */
const BOT_RETURN_MS = 10_000;
/** A bot that is back answers within a round trip. */
const VERIFY_MS = 500;
/** The bot's voice is published with the bot; past this the handshake starts without it. */
const BOT_TRACK_MS = 1_500;
/** How long the room stays open, in silence, for the bot to hear that the call is over. */
const GOODBYE_MS = 1_000;

export interface CallOptions extends CallMicOptions {
  readonly server: string;
  readonly connectUrl: string | null;
  readonly resume: string | undefined;
  /** What the door has answered already; it is not asked again then. */
  readonly connection?: Connection | undefined;
  /** The visitor agreed to have the conversation kept. */
  readonly record: boolean;
  /** How long the door may take to answer. */
  readonly timeoutMs: number;
  /** `text`: no microphone is asked for and nothing is played. */
  readonly mode: Config["mode"];
  readonly audio: HTMLAudioElement;
}

export interface CallHandlers {
  dispatch(action: Action): void;
  onMessage(message: BotMessage): void;
  onConnection(connection: Connection): void;
  /** A live track to draw a level from. */
  onTrack(who: "user" | "bot", track: MediaStreamTrack): void;
  /** /connect refused for now. The call is over; a new one may start after `retrySecs`. */
  onBusy(error: ConnectError, retrySecs: number): void;
}

export class Call {
  readonly #options: CallOptions;
  readonly #handlers: CallHandlers;
  readonly #abort = new AbortController();
  readonly #room: CallRoom;
  readonly #mic: CallMic;
  readonly #timers = new Timers();
  #joined = false;
  #botPresent = false;
  #onBotGone: (() => void) | null = null;
  #botReady = false;
  #botTrack = false;
  #micSettled = false;
  #readyAttempts = 0;
  #verifying = false;
  /** Why the bot says it leaves; it may still speak a last sentence. */
  #farewell: string | null = null;
  readonly #unsent: Uint8Array[] = [];

  constructor(options: CallOptions, handlers: CallHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#room = new CallRoom(options.mode === "voice" ? options.audio : null, {
      onData: (payload) => {
        this.#receive(payload);
      },
      onBot: (present) => {
        this.#onBot(present);
      },
      onBotTrack: (track) => {
        this.#botTrack = true;
        handlers.onTrack("bot", track);
        // Playback is refused a task later than the track arrives.
        this.#timers.later("ready", 50, () => {
          this.#handshake();
        });
      },
      onReconnecting: () => {
        handlers.dispatch({ type: "reconnecting" });
      },
      onReconnected: () => {
        if (this.#botPresent && this.#botReady) this.#verify();
      },
      onAudioBlocked: (blocked) => {
        if (options.mode === "voice") handlers.dispatch({ type: "audio-blocked", blocked });
        if (!blocked) this.#handshake();
      },
      onMicLost: () => {
        void this.#mic.replaceLost();
      },
      onLeft: (reason) => {
        this.#onLeft(reason);
      },
    });
    const onMic = (mic: Mic) => {
      handlers.dispatch({ type: "mic", mic });
    };
    this.#mic = new CallMic(options, this.#room, onMic, (track) => {
      handlers.onTrack("user", track);
    });
  }

  /** Asks the door where this call is by now; undefined when it does not say. */
  async whereIsIt(resume: string, timeoutMs: number): Promise<Connection | undefined> {
    return connect({ ...this.#options, resume, timeoutMs, signal: this.#abort.signal }).catch(() => undefined);
  }

  /** Runs the call up to the handshake. Never throws: failures are reported. */
  async start(): Promise<void> {
    const { signal } = this.#abort;
    // Inside the click, so that browsers let the bot's voice play later.
    if (this.#isSpoken) void this.#room.startAudio();
    try {
      // A visitor may look at the browser's question for longer than a token lives.
      const track = this.#isSpoken ? this.#mic.open() : Promise.resolve(null);
      if (this.#isSpoken && !(await isMicGranted())) await track;
      const connection = this.#options.connection ?? (await connect({ ...this.#options, signal }));
      signal.throwIfAborted();
      this.#handlers.onConnection(connection);
      this.#timers.later("join", JOIN_MS, () => {
        this.#fail("join_failed");
      });
      try {
        await this.#room.join(connection.url, connection.token);
      } catch {
        this.#fail("join_failed");
        return;
      }
      signal.throwIfAborted();
      this.#joined = true;
      this.#timers.cancel("join");
      if (!this.#botPresent) {
        this.#timers.later("bot", BOT_JOIN_MS, () => {
          this.#fail("bot_unavailable");
        });
      }
      await this.#mic.publish(await track);
      this.#micSettled = true;
      this.#handshake();
    } catch (error) {
      if (signal.aborted) return;
      this.#refused(error);
    }
  }

  get #isSpoken(): boolean {
    return this.#options.mode === "voice";
  }

  /** Goes on with another microphone ("" is the system's default); false when it does not open. */
  useMicrophone(id: string): Promise<boolean> {
    return this.#mic.use(id, () => this.#joined);
  }

  /** Push to talk: opens or silences the microphone. */
  talk(talking: boolean): void {
    this.#mic.talk(talking);
  }

  /** Asks for the microphone again, during the call. */
  retryMic(): Promise<void> {
    return this.#mic.retry();
  }

  mute(muted: boolean): Promise<void> {
    return this.#mic.mute(muted);
  }

  /** To be called inside a gesture. */
  async unblockAudio(): Promise<void> {
    await this.#room.startAudio();
  }

  /** Sends what the page says of itself; once the bot is ready. */
  tell(payload: Uint8Array): void {
    if (this.#botReady && !this.#abort.signal.aborted) this.#send(payload);
  }

  /** Sends typed text; kept until the bot is ready. */
  sendText(id: string, content: string): void {
    const payload = sendText(id, content, this.#isSpoken);
    if (this.#botReady) this.#send(payload);
    else this.#unsent.push(payload);
    // Somebody who types wants an answer, heard or not.
    this.#handshake(true);
  }

  /** Leaves for good: tells the bot, which then leaves by itself instead of waiting for a return. */
  async end(): Promise<void> {
    this.#stop();
    this.#room.hush();
    if (this.#botPresent) {
      this.#send(disconnectBot(newId()));
      await new Promise<void>((resolve) => {
        this.#onBotGone = resolve;
        setTimeout(resolve, GOODBYE_MS);
      });
    }
    await this.#room.leave();
  }

  /** Leaves at once; the bot may wait for a return (page change). */
  drop(): void {
    this.#stop();
    void this.#room.leave();
  }

  #stop(): void {
    this.#abort.abort();
    this.#mic.stop();
    this.#timers.stop();
  }

  #fail(problem: Extract<Action, { type: "failed" }>["problem"]): void {
    if (this.#abort.signal.aborted) return;
    this.#handlers.dispatch({ type: "failed", problem });
    this.drop();
  }

  #refused(error: unknown): void {
    if (!(error instanceof ConnectError)) {
      this.#fail("widget_error");
    } else if (error.retryAfterSecs !== null) {
      this.drop();
      this.#handlers.onBusy(error, error.retryAfterSecs);
    } else if (error.code === "session_gone") {
      this.drop();
      this.#handlers.dispatch({ type: "ended", reason: "session_gone" });
    } else {
      this.#fail(error.code);
    }
  }

  #onBot(present: boolean): void {
    if (!present) this.#onBotGone?.();
    if (this.#abort.signal.aborted) return;
    this.#botPresent = present;
    if (!present && this.#farewell !== null) {
      this.#over(this.#farewell);
      return;
    }
    if (!present) {
      this.#handlers.dispatch({ type: "reconnecting" });
      this.#timers.later("bot", BOT_RETURN_MS, () => {
        this.#over("");
      });
      return;
    }
    this.#timers.cancel("bot");
    if (this.#botReady) this.#verify();
    this.#timers.later("ready", this.#botTrack ? 0 : BOT_TRACK_MS, () => {
      this.#botTrack = true;
      this.#handshake();
    });
  }

  /** Sends client-ready once the bot is there, the microphone is decided and sound can play. */
  #handshake(evenUnheard = false): void {
    const heard = evenUnheard || !this.#isSpoken || (this.#botTrack && this.#room.canPlay);
    if (this.#abort.signal.aborted || this.#botReady || this.#readyAttempts > 0) return;
    if (!this.#botPresent || !this.#micSettled || !heard) return;
    this.#sendReady();
  }

  #sendReady(): void {
    if (this.#readyAttempts === READY_ATTEMPTS) {
      this.#fail("bot_silent");
      return;
    }
    this.#readyAttempts += 1;
    this.#send(clientReady(newId(), this.#mic.published));
    this.#timers.later("ready", READY_RETRY_MS, () => {
      this.#sendReady();
    });
  }

  /**
   * Asks a bot that is there again whether it hears us; only its answer ends the reconnecting. What is
   * typed before its data channel is open would be lost.
   */
  #verify(): void {
    this.#verifying = true;
    this.#send(clientReady(newId(), this.#mic.published));
    this.#timers.later("verify", VERIFY_MS, () => {
      this.#verify();
    });
  }

  #receive(payload: Uint8Array): void {
    const message = parseBotMessage(payload);
    if (message === null || this.#abort.signal.aborted) return;
    if (message.type === "bot-ready" && this.#verifying) {
      this.#verifying = false;
      this.#timers.cancel("verify");
      this.#handlers.dispatch({ type: "reconnected" });
    }
    if (message.type === "bot-ready" && !this.#botReady) {
      this.#botReady = true;
      this.#timers.cancel("ready");
      for (const unsent of this.#unsent.splice(0)) this.#send(unsent);
    }
    if (message.type === "session-ended") this.#farewell = message.reason;
    this.#handlers.onMessage(message);
    if (message.type === "error" && message.fatal) this.#fail("bot_error");
  }

  #onLeft(reason: LeaveReason): void {
    if (this.#abort.signal.aborted) return;
    if (reason === "lost") this.#fail(this.#joined ? "connection_lost" : "join_failed");
    else this.#over(reason === "moved" ? "moved" : (this.#farewell ?? ""));
  }

  /** @param reason the bot's own word for it, or "moved". */
  #over(reason: string): void {
    this.drop();
    this.#handlers.dispatch(endAction(reason));
  }

  #send(payload: Uint8Array): void {
    // Only a closed room refuses data, and that is reported as such.
    this.#room.send(payload).catch(() => undefined);
  }
}
