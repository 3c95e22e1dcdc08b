/** The call's state: a pure reducer over what the page, the room and the bot report. */

import type { ConnectErrorCode } from "./connect.ts";

export type Phase =
  | "idle"
  | "connecting"
  | "listening"
  | "thinking"
  | "speaking"
  | "reconnecting"
  | "retrying"
  | "ended"
  | "failed";

/** The microphone: live, off on purpose, being asked for, or why there is none. */
export type Mic = "none" | "asking" | "on" | "muted" | MicProblem;
export type MicProblem = "denied" | "missing" | "blocked" | "in_use" | "insecure" | "lost";

export type EndReason = "visitor" | "bot_left" | "idle" | "max_length" | "shutdown" | "session_gone" | "moved" | "other_tab";
export type Problem = ConnectErrorCode | "join_failed" | "connection_lost" | "bot_silent" | "bot_error" | "widget_error";

/** What went wrong without ending the call. */
export type Trouble = "tts_failed" | "stt_failed" | "llm_failed";

/** The visitor's side of an error of the bot that does not end the call. */
export function troubleOf(code: string): Trouble {
  return code === "tts_failed" || code === "stt_failed" ? code : "llm_failed";
}

export interface State {
  readonly phase: Phase;
  readonly mic: Mic;
  /** The browser plays nothing until the visitor taps. */
  readonly audioBlocked: boolean;
  /** The visitor cut the bot short, and has not finished what they are saying. */
  readonly interrupted: boolean;
  readonly userSpeaking: boolean;
  /** Function calls of the bot that are running. */
  readonly tools: number;
  readonly trouble: Trouble | null;
  /** The visitor is asked to agree before anything starts. */
  readonly consent: "none" | "asking";
  /** The conversation is kept. */
  readonly recorded: boolean;
  /** Bot and visitor met in this call. */
  readonly talked: boolean;
  readonly rated: boolean;
  /** The call goes on after a page change. */
  readonly resumed: boolean;
  readonly problem: Problem | null;
  readonly endReason: EndReason | null;
  /** When the next attempt starts (ms, Date.now); only while `retrying`. */
  readonly retryAtMs: number | null;
}

export type Action =
  | { readonly type: "consent"; readonly consent: State["consent"] }
  | { readonly type: "start"; readonly resumed: boolean }
  | { readonly type: "mic"; readonly mic: Mic }
  | { readonly type: "audio-blocked"; readonly blocked: boolean }
  | { readonly type: "recorded" }
  | { readonly type: "bot-ready" }
  | { readonly type: "user-started-speaking" }
  | { readonly type: "user-stopped-speaking" }
  | { readonly type: "bot-started-speaking" }
  | { readonly type: "bot-stopped-speaking" }
  | { readonly type: "bot-interrupted" }
  | { readonly type: "tool-started" }
  | { readonly type: "tool-stopped" }
  | { readonly type: "trouble"; readonly trouble: Trouble }
  | { readonly type: "heard" }
  | { readonly type: "rated" }
  | { readonly type: "text-sent" }
  | { readonly type: "thinking-timeout" }
  | { readonly type: "reconnecting" }
  | { readonly type: "reconnected" }
  | { readonly type: "ended"; readonly reason: EndReason }
  | { readonly type: "failed"; readonly problem: Problem }
  | { readonly type: "retry-at"; readonly problem: Problem; readonly atMs: number };

export const INITIAL_STATE: State = {
  phase: "idle",
  mic: "none",
  audioBlocked: false,
  interrupted: false,
  userSpeaking: false,
  tools: 0,
  trouble: null,
  consent: "none",
  recorded: false,
  talked: false,
  rated: false,
  resumed: false,
  problem: null,
  endReason: null,
  retryAtMs: null,
};

const LIVE: readonly Phase[] = ["listening", "thinking", "speaking"];

/** Whether bot and visitor can talk. */
export function isLive(state: State): boolean {
  return LIVE.includes(state.phase);
}

/** Whether a call is under way, in whatever condition. */
export function isActive(state: State): boolean {
  return isLive(state) || state.phase === "connecting" || state.phase === "reconnecting" || state.phase === "retrying";
}

export function hasMic(state: State): boolean {
  return state.mic === "on" || state.mic === "muted";
}

/** The next state. Returns the same object when nothing changes. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "consent":
      return isActive(state) ? state : change(state, { consent: action.consent });
    case "rated":
      return change(state, { rated: true });
    case "start":
      return { ...INITIAL_STATE, phase: "connecting", resumed: action.resumed, audioBlocked: state.audioBlocked };
    case "mic":
      return isActive(state) ? change(state, { mic: action.mic }) : state;
    case "recorded":
      return isActive(state) ? change(state, { recorded: true }) : state;
    case "audio-blocked":
      return change(state, { audioBlocked: action.blocked });
    case "ended":
      return { ...INITIAL_STATE, phase: "ended", endReason: action.reason, talked: state.talked };
    case "failed":
      return { ...INITIAL_STATE, phase: "failed", problem: action.problem, mic: state.mic };
    case "retry-at":
      return { ...INITIAL_STATE, phase: "retrying", problem: action.problem, retryAtMs: action.atMs };
    case "reconnecting":
      return isActive(state) ? change(state, { phase: "reconnecting", ...QUIET }) : state;
    case "reconnected":
      return state.phase === "reconnecting" ? change(state, { phase: "listening" }) : state;
    case "bot-ready":
      return state.phase === "connecting" ? change(state, { phase: "listening", talked: true }) : state;
    default:
      return isLive(state) ? reduceLive(state, action) : state;
  }
}

const QUIET = { interrupted: false, userSpeaking: false, tools: 0 } as const;

type LiveAction = Extract<
  Action,
  | { type: `user-${string}` }
  | { type: "bot-started-speaking" | "bot-stopped-speaking" | "bot-interrupted" }
  | { type: "tool-started" | "tool-stopped" | "trouble" | "heard" | "text-sent" | "thinking-timeout" }
>;

function reduceLive(state: State, action: LiveAction): State {
  switch (action.type) {
    case "user-started-speaking":
      return change(state, { userSpeaking: true, ...(state.phase === "speaking" ? {} : { phase: "listening" }) });
    case "user-stopped-speaking":
      return change(state, {
        ...QUIET,
        phase: state.phase === "speaking" ? "speaking" : "thinking",
      });
    case "bot-started-speaking":
      // A voice that is heard works, and so does what it says.
      return change(state, { phase: "speaking", interrupted: false, trouble: state.trouble === "stt_failed" ? state.trouble : null });
    case "bot-stopped-speaking":
      // What was said may have been "one moment".
      return state.phase === "speaking" ? change(state, { phase: state.tools > 0 ? "thinking" : "listening" }) : state;
    case "bot-interrupted":
      // Fires for every new turn; only a bot that was speaking is cut short.
      return state.phase === "speaking" ? change(state, { phase: "listening", interrupted: true, tools: 0 }) : change(state, { tools: 0 });
    case "tool-started":
      return change(state, { tools: state.tools + 1, phase: state.phase === "speaking" ? "speaking" : "thinking" });
    case "tool-stopped":
      return change(state, { tools: Math.max(0, state.tools - 1) });
    case "trouble":
      return change(state, { trouble: action.trouble, phase: state.phase === "thinking" ? "listening" : state.phase, tools: 0 });
    case "heard":
      return state.trouble === "stt_failed" ? change(state, { trouble: null }) : state;
    case "text-sent":
      return change(state, { phase: "thinking", ...QUIET, trouble: state.trouble === "llm_failed" ? null : state.trouble });
    case "thinking-timeout":
      return change(state, { phase: state.phase === "thinking" ? "listening" : state.phase, tools: 0 });
  }
}

function change(state: State, fields: Partial<State>): State {
  const next = { ...state, ...fields };
  return (Object.keys(fields) as (keyof State)[]).every((key) => state[key] === next[key]) ? state : next;
}
