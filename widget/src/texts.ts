/** Every sentence the visitor can read, in English; a site overrides any of them (`element.texts`). */

import type { EndReason, MicProblem, Phase, Problem, Trouble } from "./state.ts";

export interface Texts {
  title: string;
  open: string;
  close: string;
  callRunning: string;
  transcript: string;
  intro: string;
  you: string;
  assistant: string;
  interrupted: string;
  mute: string;
  unmute: string;
  end: string;
  start: string;
  startAgain: string;
  tryNow: string;
  cancel: string;
  enableAudio: string;
  useMic: string;
  inputLabel: string;
  inputPlaceholder: string;
  send: string;
  audioBlocked: string;
  /** `{secs}` counts down. */
  retryIn: string;
  micAsking: string;
  muted: string;
  typing: string;
  hearing: string;
  wasInterrupted: string;
  resuming: string;
  /** Stands beside the status while the conversation is kept. */
  recorded: string;
  lookingUp: string;
  /** Name of the push-to-talk button, and the status while it is not held. */
  holdToTalk: string;
  settings: string;
  microphone: string;
  speaker: string;
  volume: string;
  systemDefault: string;
  /** Follows the text of a link, for those who do not see its arrow. */
  newTab: string;
  consentAgree: string;
  consentDecline: string;
  consentRemember: string;
  ratingQuestion: string;
  /** `{count}` is 1 to 5. */
  ratingStars: string;
  ratingComment: string;
  ratingSend: string;
  ratingThanks: string;
  /** What is said differently where nobody speaks (`mode="text"`). */
  chat: ChatTexts;
  phases: Record<Phase, string>;
  mics: Record<MicProblem, string>;
  troubles: Record<Trouble, string>;
  ends: Record<EndReason, string>;
  problems: Record<Problem, string>;
}

export interface ChatTexts {
  open: string;
  callRunning: string;
  intro: string;
  start: string;
  end: string;
  typing: string;
  answering: string;
  ended: string;
}

/** What a site may give: any part of the texts. */
export type TextOverrides = {
  [Key in keyof Texts]?: Texts[Key] extends string ? string : Partial<Texts[Key]>;
};

export const ENGLISH: Texts = {
  title: "Voice assistant",
  open: "Talk to the voice assistant",
  close: "Minimise the assistant",
  callRunning: "Open the voice assistant, a call is running",
  transcript: "Conversation",
  intro: "Ask me anything about this site. Just speak, or type below.",
  you: "You",
  assistant: "Assistant",
  interrupted: "interrupted",
  mute: "Mute microphone",
  unmute: "Unmute microphone",
  end: "End call",
  start: "Start a call",
  startAgain: "Start again",
  tryNow: "Try now",
  cancel: "Cancel",
  enableAudio: "Tap to hear the assistant",
  useMic: "Try the microphone again",
  inputLabel: "Message to the assistant",
  inputPlaceholder: "Type a message",
  send: "Send",
  audioBlocked: "Your browser is holding back the sound.",
  retryIn: "Trying again in {secs} s.",
  micAsking: "Allow the microphone to talk",
  muted: "Microphone is muted",
  typing: "Type to talk to me",
  hearing: "I hear you",
  wasInterrupted: "Go ahead, I am listening",
  resuming: "Picking up where we were…",
  recorded: "Recorded",
  lookingUp: "Looking it up…",
  holdToTalk: "Hold to talk",
  settings: "Sound settings",
  microphone: "Microphone",
  speaker: "Speaker",
  volume: "Volume",
  systemDefault: "System default",
  newTab: "opens in a new tab",
  consentAgree: "Agree and start",
  consentDecline: "No, thanks",
  consentRemember: "Remember my choice on this device",
  ratingQuestion: "How did it go?",
  ratingStars: "{count} of 5 stars",
  ratingComment: "Anything to add? (optional)",
  ratingSend: "Send rating",
  ratingThanks: "Thank you for your rating.",
  chat: {
    open: "Chat with the assistant",
    callRunning: "Open the assistant, a chat is running",
    intro: "Ask me anything about this site.",
    start: "Start a chat",
    end: "End chat",
    typing: "Type your question",
    answering: "Answering…",
    ended: "Chat ended",
  },
  phases: {
    idle: "Ready when you are",
    connecting: "Connecting…",
    listening: "Listening",
    thinking: "Thinking…",
    speaking: "Speaking",
    reconnecting: "Connection lost, reconnecting…",
    retrying: "Waiting",
    ended: "Call ended",
    failed: "Not connected",
  },
  mics: {
    denied: "The microphone is not allowed here. Allow it in your browser's address bar, or type below: I answer aloud.",
    missing: "No microphone was found. Plug one in, or type below: I answer aloud.",
    blocked: "This page does not let the assistant use the microphone. You can type below: I answer aloud.",
    in_use: "Another app is using the microphone. Close it and try again, or type below: I answer aloud.",
    insecure: "Browsers allow the microphone on secure (https) pages only. You can type below: I answer aloud.",
    lost: "The microphone was disconnected. Plug it in and try again, or type below: I answer aloud.",
  },
  troubles: {
    tts_failed: "My voice is not available right now. You can read my answers here.",
    stt_failed: "I cannot hear you right now. Please type below.",
    llm_failed: "Something went wrong with that answer. Please ask again.",
  },
  ends: {
    visitor: "Thanks for talking with me.",
    bot_left: "The assistant has left the call.",
    idle: "The call ended because it was quiet for a while.",
    max_length: "The call reached its longest time.",
    shutdown: "The assistant is being restarted. You can start again in a moment.",
    session_gone: "The call ended while the page was changing.",
    moved: "The call goes on in another tab.",
    other_tab: "You started a call in another tab, so this one ended.",
  },
  problems: {
    server_full: "All lines are busy right now.",
    livekit_unreachable: "The call service is not answering right now.",
    bot_unavailable: "No assistant is free right now.",
    draining: "The assistant is being restarted.",
    rate_limited: "That was a lot of calls in a short time.",
    too_many_sessions: "You have a call going on already. End it first.",
    budget_spent: "No calls are left for today. Please come back tomorrow.",
    sign_in_required: "Please sign in to this site, then try again.",
    session_gone: "The call ended while the page was changing.",
    origin_not_allowed: "The assistant is not enabled for this website.",
    server_unreachable: "The assistant cannot be reached. Check your internet connection and try again.",
    server_error: "The assistant has a problem right now. Please try again in a moment.",
    invalid_answer: "The assistant gave an answer this page does not understand. Please try again later.",
    join_failed: "The call could not be connected. A firewall or VPN may be in the way.",
    connection_lost: "The connection to the assistant was lost.",
    bot_silent: "The assistant did not answer.",
    bot_error: "The assistant ran into a problem and had to stop.",
    widget_error: "The assistant could not be loaded. Reload the page and try again.",
  },
};

/** Texts with a site's own laid over them. */
export function mergeTexts(overrides: TextOverrides | undefined, texts: Texts = ENGLISH): Texts {
  if (overrides === undefined) return texts;
  const { chat, phases, mics, troubles, ends, problems, ...plain } = overrides;
  return {
    ...texts,
    ...plain,
    chat: { ...texts.chat, ...chat },
    phases: { ...texts.phases, ...phases },
    mics: { ...texts.mics, ...mics },
    troubles: { ...texts.troubles, ...troubles },
    ends: { ...texts.ends, ...ends },
    problems: { ...texts.problems, ...problems },
  };
}

/** The texts where nobody speaks. */
export function chatTexts(texts: Texts): Texts {
  const { answering, ended, ...plain } = texts.chat;
  return {
    ...texts,
    ...plain,
    phases: { ...texts.phases, idle: texts.chat.typing, listening: texts.chat.typing, speaking: answering, ended },
  };
}
