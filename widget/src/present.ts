/** What a state says to the visitor, and which ways out it offers. Pure. */

import { DEFAULT_CONFIG, type Config } from "./config.ts";
import { isActive, isLive, type EndReason, type MicProblem, type State } from "./state.ts";
import type { Texts } from "./texts.ts";

export type NoticeAction = "start" | "cancel" | "audio" | "mic";

export interface Notice {
  /** The same id is the same notice, whatever its countdown says. */
  readonly id: string;
  readonly tone: "error" | "info";
  readonly text: string;
  /** A second line that may change every second, so it is not announced. */
  readonly detail: string;
  readonly actions: readonly { readonly action: NoticeAction; readonly text: string }[];
}

/** The line under the title. */
export function statusText(state: State, texts: Texts, config: Config = DEFAULT_CONFIG): string {
  switch (state.phase) {
    case "connecting":
      if (state.mic === "asking") return texts.micAsking;
      return state.resumed ? texts.resuming : texts.phases.connecting;
    case "listening":
      if (state.interrupted) return texts.wasInterrupted;
      if (state.userSpeaking) return texts.hearing;
      if (state.mic === "muted") return config.pushToTalk ? texts.holdToTalk : texts.muted;
      return state.mic === "on" ? texts.phases.listening : texts.typing;
    case "thinking":
      return state.tools > 0 ? texts.lookingUp : texts.phases.thinking;
    default:
      return texts.phases[state.phase];
  }
}

/** The notices of a state, the most urgent first. */
export function notices(state: State, texts: Texts, nowMs: number): Notice[] {
  const list: Notice[] = [];
  const { phase, problem, endReason, mic } = state;
  if (phase === "failed" && problem !== null) {
    list.push({
      id: `failed:${problem}`,
      tone: "error",
      text: texts.problems[problem],
      detail: "",
      // A page that is not allowed in will not be allowed in by trying again.
      actions: problem === "origin_not_allowed" ? [] : [{ action: "start", text: texts.startAgain }],
    });
  }
  if (phase === "retrying" && problem !== null && state.retryAtMs !== null) {
    const secs = Math.max(0, Math.ceil((state.retryAtMs - nowMs) / 1000));
    list.push({
      id: `retrying:${problem}`,
      tone: "info",
      text: texts.problems[problem],
      detail: texts.retryIn.replace("{secs}", String(secs)),
      actions: [
        { action: "start", text: texts.tryNow },
        { action: "cancel", text: texts.cancel },
      ],
    });
  }
  if (state.consent === "asking") return [];
  if (phase === "ended" && endReason !== null) {
    list.push({
      id: `ended:${endReason}`,
      tone: "info",
      text: texts.ends[endReason],
      detail: "",
      actions: [{ action: "start", text: texts.startAgain }],
    });
  }
  if (phase === "idle") {
    list.push({ id: "idle", tone: "info", text: texts.intro, detail: "", actions: [{ action: "start", text: texts.start }] });
  }
  if (state.audioBlocked && (isLive(state) || phase === "connecting")) {
    list.push({
      id: "audio",
      tone: "info",
      text: texts.audioBlocked,
      detail: "",
      actions: [{ action: "audio", text: texts.enableAudio }],
    });
  }
  if (state.trouble !== null && isLive(state)) {
    list.push({ id: `trouble:${state.trouble}`, tone: "info", text: texts.troubles[state.trouble], detail: "", actions: [] });
  }
  if (isActive(state) && isProblem(mic)) {
    const retry = mic !== "blocked" && mic !== "insecure" && isLive(state);
    list.push({
      id: `mic:${mic}`,
      tone: "info",
      text: texts.mics[mic],
      detail: "",
      actions: retry ? [{ action: "mic", text: texts.useMic }] : [],
    });
  }
  return list;
}

/** Ends after which the conversation goes on elsewhere, or never took place. */
const NO_RATING: readonly EndReason[] = ["moved", "other_tab", "session_gone"];

/** Whether the visitor is asked how it went. */
export function asksRating(state: State, config: Config): boolean {
  return config.rating && state.talked && state.endReason !== null && !NO_RATING.includes(state.endReason);
}

function isProblem(mic: State["mic"]): mic is MicProblem {
  return mic !== "none" && mic !== "asking" && mic !== "on" && mic !== "muted";
}
