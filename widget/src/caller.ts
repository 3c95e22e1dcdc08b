/**
 * Starts calls and ends them: one at a time in this tab, and one in all tabs of this site.
 *
 * Keeps what outlives an attempt: typed text that waits for a bot, retries while every line is
 * busy, and what the next page needs to take the call up.
 */

import { Call, type CallOptions } from "./call.ts";
import { Comeback } from "./comeback.ts";
import type { ConnectError, Connection } from "./connect.ts";
import { newId } from "./ids.ts";
import { ResumeStore } from "./resume.ts";
import type { BotMessage } from "./rtvi.ts";
import type { Action, Problem } from "./state.ts";
import { TabClaim } from "./tabs.ts";
import type { Line } from "./transcript.ts";

/** Attempts on their own while every line is busy; then the visitor decides. */
const MAX_AUTO_RETRIES = 5;

/** What ends a call that the door may still hold; every other refusal is an answer. */
const MAY_COME_BACK = new Set<Problem>(["connection_lost", "join_failed", "server_unreachable", "server_error", "bot_unavailable", "bot_silent"]);

export interface CallerHandlers {
  dispatch(action: Action): void;
  onMessage(message: BotMessage): void;
  onTrack(who: "user" | "bot", track: MediaStreamTrack): void;
  /** A text goes out; called again for one that waited for the next attempt. */
  onTyped(id: string, content: string): void;
}

export type CallerOptions = Omit<CallOptions, "resume" | "connection" | "timeoutMs">;

/** The door may wait for a bot to take the call; past this nobody waits any longer. */
const CONNECT_TIMEOUT_MS = 15_000;
/** Where no packet comes through, a request hangs; another one may not. */
const COMEBACK_TIMEOUT_MS = 5_000;

export class Caller {
  readonly #options: () => CallerOptions;
  readonly #handlers: CallerHandlers;
  readonly #tabs: TabClaim;
  #call: Call | null = null;
  #store: ResumeStore | null = null;
  #sessionId: string | null = null;
  #leaveUrl: string | null = null;
  #token = "";
  #room = "";
  #retries = 0;
  /** Bot and visitor have met: a call that is lost from here on is looked for. */
  #met = false;
  readonly #comeback = new Comeback(
    () => {
      void this.#look();
    },
    () => {
      this.#begin(this.#token, COMEBACK_TIMEOUT_MS);
    },
  );
  /** Typed before the bot was ready; sent again with the next attempt. */
  #waiting: string[] = [];

  /** @param options read at the start of each call. */
  constructor(server: string, options: () => CallerOptions, handlers: CallerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#tabs = new TabClaim(server, () => {
      void this.end("other_tab");
    });
  }

  get call(): Call | null {
    return this.#call;
  }

  /** Of the call that is running or was the last; null before the first. */
  get sessionId(): string | null {
    return this.#sessionId;
  }

  /** @param resume the token of the call to take up again. */
  start(resume?: string): void {
    this.#retries = 0;
    this.#tabs.take();
    this.attempt(resume);
  }

  /** One attempt, counted among the automatic ones. */
  attempt(resume?: string): void {
    this.#comeback.stop();
    this.#met = false;
    this.#handlers.dispatch({ type: "start", resumed: resume !== undefined });
    this.#begin(resume, CONNECT_TIMEOUT_MS);
    for (const content of this.#waiting) this.#type(content);
  }

  #begin(resume: string | undefined, timeoutMs: number, connection?: Connection): void {
    this.#call?.drop();
    const options = this.#options();
    this.#store = new ResumeStore(options.server);
    // Where the page's own server asks for it, the policy of the page need not allow ours.
    this.#leaveUrl = options.connectUrl == null ? `${options.server}/leave` : null;
    const current = () => this.#call === call;
    const call: Call = new Call(
      { ...options, resume, connection, timeoutMs },
      {
        dispatch: (action) => {
          if (current()) this.#pass(action);
        },
        onMessage: (message) => {
          if (!current()) return;
          if (message.type === "bot-ready") this.#meet();
          this.#handlers.onMessage(message);
        },
        onConnection: (connection) => {
          this.#sessionId = connection.sessionId;
          this.#room = connection.room;
          this.#hold(connection);
          if (current() && connection.recorded) this.#handlers.dispatch({ type: "recorded" });
        },
        onTrack: (who, track) => {
          this.#handlers.onTrack(who, track);
        },
        onBusy: (error, retrySecs) => {
          if (!current() || this.#comeback.isUnderWay && this.#comeback.failed(retrySecs * 1000)) return;
          this.#retryLater(error, retrySecs);
        },
      },
    );
    this.#call = call;
    void call.start();
  }

  /** Keeps the way in that counts from now on. */
  #hold(connection: Connection): void {
    this.#token = connection.token;
    this.#store?.keep(connection);
  }

  /** Asks the door where the call is while it may heal, and goes there when it is elsewhere. */
  async #look(): Promise<void> {
    const call = this.#call;
    const connection = await call?.whereIsIt(this.#token, COMEBACK_TIMEOUT_MS);
    if (connection === undefined || this.#call !== call) return;
    this.#hold(connection);
    if (connection.room === this.#room || !this.#comeback.isUnderWay) return;
    this.#comeback.found();
    this.#begin(undefined, COMEBACK_TIMEOUT_MS, connection);
  }

  #meet(): void {
    this.#waiting = [];
    this.#met = true;
    if (!this.#comeback.isUnderWay) return;
    this.#comeback.stop();
    this.#handlers.dispatch({ type: "reconnected" });
  }

  /** Passes on what happens to the call, unless it is being looked for. */
  #pass(action: Action): void {
    const isBack = this.#comeback.isUnderWay;
    if (action.type === "reconnecting" && this.#met) this.#comeback.lost();
    if (action.type === "reconnected") this.#comeback.stop();
    if (action.type === "failed" && this.#met && MAY_COME_BACK.has(action.problem)) {
      if (this.#comeback.failed()) this.#handlers.dispatch({ type: "reconnecting" });
      else this.#handlers.dispatch({ type: "failed", problem: "connection_lost" });
      return;
    }
    if (action.type === "failed" || action.type === "ended") this.#comeback.stop();
    // The door knows the call no more: the bot has given up waiting, or was lost.
    const isGone = isBack && action.type === "ended" && action.reason === "session_gone";
    this.#handlers.dispatch(isGone ? { type: "failed", problem: "connection_lost" } : action);
  }

  /** @param waits whether the bot is not there yet. */
  sendText(content: string, waits: boolean): void {
    if (waits) this.#waiting.push(content);
    this.#type(content);
  }

  async end(reason: "visitor" | "other_tab" = "visitor"): Promise<void> {
    this.#comeback.stop();
    const call = this.#call;
    this.#call = null;
    this.#waiting = [];
    this.#handlers.dispatch({ type: "ended", reason });
    await call?.end();
  }

  /**
   * Nothing is kept for the next page.
   *
   * @param over whether the call is over for good: one that waits for a line still counts among tabs.
   */
  release(over = true): void {
    this.#store?.clear();
    if (over) this.#tabs.release();
  }

  /** Leaves for the next page of this tab, which may take the call up again. */
  leave(open: boolean, lines: readonly Line[]): void {
    if (this.#call === null) return;
    this.#store?.leave(open, lines, Date.now());
    this.#store = null;
    // What a page that goes says over its open connections is lost in Firefox; a beacon is not.
    if (this.#leaveUrl !== null && this.#token !== "") navigator.sendBeacon(this.#leaveUrl, this.#token);
    this.#comeback.stop();
    this.#call.drop();
    this.#call = null;
    // A page that comes back from the browser's cache starts from here.
    this.#handlers.dispatch({ type: "ended", reason: "visitor" });
  }

  destroy(): void {
    this.#comeback.stop();
    const call = this.#call;
    this.#call = null;
    this.release();
    void call?.end();
  }

  #type(content: string): void {
    const id = newId();
    this.#handlers.onTyped(id, content);
    this.#call?.sendText(id, content);
  }

  #retryLater(error: ConnectError, retrySecs: number): void {
    this.#retries += 1;
    if (this.#retries > MAX_AUTO_RETRIES) this.#handlers.dispatch({ type: "failed", problem: error.code });
    else this.#handlers.dispatch({ type: "retry-at", problem: error.code, atMs: Date.now() + retrySecs * 1000 });
  }
}
