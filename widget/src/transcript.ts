/**
 * What both sides said, as a list of entries. Pure: time comes in with each event.
 *
 * The bot's text follows its voice (heard.ts). An interrupted entry keeps what was heard.
 */

import { finish, fullText, heardChars, isOver, newSegment, progress, showWhole, startClock, wholeSegment, wholeWords, type BotEntry } from "./heard.ts";
import type { BotMessage } from "./rtvi.ts";

/** Oldest entries go first; an hour of talk stays readable and cheap to draw. */
export const MAX_ENTRIES = 200;

export interface UserEntry {
  readonly id: number;
  readonly who: "user";
  /** Text that no longer changes. */
  readonly text: string;
  /** The part that is still being recognised. */
  readonly interim: string;
  /** Set for typed text. */
  readonly messageId: string | null;
}

export type Entry = UserEntry | BotEntry;

export interface Transcript {
  readonly entries: readonly Entry[];
  readonly nextId: number;
  readonly botSpeaking: boolean;
  /** The bot's voice failed: what it announces is read, not heard. */
  readonly voiceless: boolean;
  /** The next transcription opens a new entry. */
  readonly userTurnOpen: boolean;
  /** `user-input` replaces the older `user-transcription`; a 2.2 bot sends both. */
  readonly hasUserInput: boolean;
  /** Segments of cut entries: what still arrives of them was not heard. */
  readonly cutSegments: readonly number[];
}

export const EMPTY_TRANSCRIPT: Transcript = {
  entries: [],
  nextId: 1,
  botSpeaking: false,
  voiceless: false,
  userTurnOpen: false,
  hasUserInput: false,
  cutSegments: [],
};

/** What an entry shows: heard (or final) text, and right after it what is still to come. */
export interface Shown {
  readonly text: string;
  readonly pending: string;
  readonly cut: boolean;
}

/** One entry as text: all that outlives a page. */
export interface Line {
  readonly who: "user" | "bot";
  readonly text: string;
  readonly cut: boolean;
}

/** Takes one message of the bot into the transcript; the same object when nothing changes. */
export function addMessage(transcript: Transcript, message: BotMessage, nowMs: number): Transcript {
  switch (message.type) {
    case "user-started-speaking":
      return { ...transcript, userTurnOpen: true };
    case "user-input":
      return addUserInput({ ...transcript, hasUserInput: true }, message);
    case "user-transcription":
      return transcript.hasUserInput ? transcript : addSpeech(transcript, message.text, message.final);
    case "bot-output":
      return addBotOutput(transcript, message, nowMs);
    case "bot-started-speaking":
      return withLastBot({ ...transcript, botSpeaking: true, voiceless: false }, (entry) => startClock(entry, nowMs));
    case "bot-stopped-speaking":
      return withLastBot({ ...transcript, botSpeaking: false }, (entry) => finish(entry, nowMs));
    case "bot-interrupted":
      return cutShort(transcript, nowMs);
    case "error":
      // What was announced will not be heard, so it is shown.
      return message.code === "tts_failed" ? withLastBot({ ...transcript, voiceless: true }, showWhole) : transcript;
    default:
      return transcript;
  }
}

/** Shows typed text at once; the bot's `chat` echo of the same id changes nothing. */
export function addTyped(transcript: Transcript, text: string, messageId: string): Transcript {
  return append(transcript, { who: "user", text, interim: "", messageId });
}

/** Ends the transcript: nothing is spoken or recognised any more. */
export function closeTranscript(transcript: Transcript, nowMs: number): Transcript {
  const cut = transcript.botSpeaking ? cutShort(transcript, nowMs) : transcript;
  return {
    ...cut,
    botSpeaking: false,
    userTurnOpen: false,
    entries: cut.entries.map((entry) => (entry.who === "user" ? settle(entry) : entry)),
  };
}

/** What to show of an entry at a moment. */
export function shown(entry: Entry, nowMs: number): Shown {
  if (entry.who === "user") {
    const space = entry.text === "" || entry.interim === "" ? "" : " ";
    return { text: entry.text, pending: space + entry.interim, cut: false };
  }
  const full = fullText(entry);
  const heard = wholeWords(full, heardChars(entry, nowMs)).length;
  return { text: full.slice(0, heard), pending: full.slice(heard), cut: entry.cut };
}

/** Whether an entry changes by time alone, so that it has to be drawn again. */
export function isRunning(transcript: Transcript): boolean {
  return transcript.botSpeaking;
}

function addUserInput(transcript: Transcript, message: Extract<BotMessage, { type: "user-input" }>): Transcript {
  switch (message.inputType) {
    case "transcription":
      return addSpeech(transcript, message.text, message.final);
    case "backchannel":
      // An "mhm" is no turn: the line that was recognised so far goes.
      return dropInterim(transcript);
    case "chat": {
      const known = transcript.entries.some((entry) => entry.who === "user" && entry.messageId === message.messageId);
      if (known && message.messageId !== null) return transcript;
      return addTyped(transcript, message.text, message.messageId ?? "");
    }
  }
}

function addSpeech(transcript: Transcript, text: string, final: boolean): Transcript {
  const clean = text.trim();
  const index = transcript.entries.findLastIndex((entry) => entry.who === "user" && entry.messageId === null);
  const entry = transcript.entries[index];
  const isLast = index === transcript.entries.length - 1;
  // A final that comes after the bot began to answer still belongs to its interim.
  const goesOn = entry?.who === "user" && (entry.interim !== "" || isLast) && !(transcript.userTurnOpen && !isLast);
  if (!goesOn) {
    if (clean === "") return transcript;
    const settled = { ...transcript, entries: transcript.entries.map((old) => (old.who === "user" ? settle(old) : old)) };
    const fresh = { who: "user", text: final ? clean : "", interim: final ? "" : clean, messageId: null } as const;
    return append({ ...settled, userTurnOpen: false }, fresh);
  }
  const next: UserEntry = final ? { ...entry, text: join(entry.text, clean), interim: "" } : { ...entry, interim: clean };
  return { ...replace(transcript, index, next), userTurnOpen: false };
}

function dropInterim(transcript: Transcript): Transcript {
  const entries = transcript.entries
    .map((entry) => (entry.who === "user" ? { ...entry, interim: "" } : entry))
    .filter((entry) => entry.who === "bot" || entry.text !== "");
  return { ...transcript, entries };
}

function settle(entry: UserEntry): UserEntry {
  return entry.interim === "" ? entry : { ...entry, text: join(entry.text, entry.interim), interim: "" };
}

function addBotOutput(
  transcript: Transcript,
  message: Extract<BotMessage, { type: "bot-output" }>,
  nowMs: number,
): Transcript {
  const { segmentId } = message;
  const report = transcript.voiceless ? { ...message, willBeSpoken: false } : message;
  if (segmentId !== null && transcript.cutSegments.includes(segmentId)) return transcript;
  const known = transcript.entries.findLastIndex(
    (entry) => entry.who === "bot" && segmentId !== null && entry.segments.some(({ id }) => id === segmentId),
  );
  const entry = transcript.entries[known];
  if (entry?.who === "bot") {
    const segments = entry.segments.map((segment) =>
      segment.id === segmentId ? progress(segment, report, nowMs) : segment,
    );
    return replace(transcript, known, { ...entry, segments });
  }
  if (message.text.trim() === "") return transcript;
  const segment = progress(newSegment(segmentId, message.text.trim(), nowMs), report, nowMs);
  const last = transcript.entries.length - 1;
  const open = transcript.entries[last];
  if (open?.who === "bot" && !open.cut && !isOver(open, nowMs)) {
    return replace(transcript, last, { ...open, segments: [...open.segments, segment] });
  }
  return append(transcript, {
    who: "bot",
    segments: [segment],
    spokenMs: 0,
    speakingSinceMs: transcript.botSpeaking ? nowMs : null,
    stoppedMs: null,
    cut: false,
  });
}

/** Keeps what was heard, to the last whole word. An entry of which nothing was heard goes. */
function cutShort(transcript: Transcript, nowMs: number): Transcript {
  const index = transcript.entries.findLastIndex((entry) => entry.who === "bot");
  const entry = transcript.entries[index];
  if (entry?.who !== "bot" || entry.cut || entry.speakingSinceMs === null) {
    return { ...transcript, botSpeaking: false };
  }
  const full = fullText(entry);
  const heard = wholeWords(full, heardChars(entry, nowMs));
  const segment = wholeSegment(heard, nowMs);
  const ids = entry.segments.flatMap(({ id }) => (id === null ? [] : [id]));
  const entries =
    heard === ""
      ? transcript.entries.filter((other) => other !== entry)
      : transcript.entries.with(index, { ...entry, segments: [segment], speakingSinceMs: null, stoppedMs: nowMs, cut: true });
  return { ...transcript, entries, botSpeaking: false, cutSegments: [...transcript.cutSegments, ...ids].slice(-MAX_ENTRIES) };
}

/** A transcript as plain lines, to be kept over a page change. */
export function toLines(transcript: Transcript, nowMs: number): Line[] {
  return closeTranscript(transcript, nowMs).entries.map((entry) => {
    const { text, cut } = shown(entry, nowMs);
    return { who: entry.who, text, cut };
  });
}

/** The transcript of kept lines. */
export function fromLines(lines: readonly Line[]): Transcript {
  return lines.reduce<Transcript>((transcript, { who, text, cut }) => {
    if (who === "user") return addTyped(transcript, text, "");
    return append(transcript, { who, segments: [wholeSegment(text, 0)], spokenMs: 0, speakingSinceMs: null, stoppedMs: 0, cut });
  }, EMPTY_TRANSCRIPT);
}

function join(left: string, right: string): string {
  return left === "" || right === "" ? left + right : `${left} ${right}`;
}

function withLastBot(transcript: Transcript, map: (entry: BotEntry) => BotEntry): Transcript {
  const index = transcript.entries.length - 1;
  const entry = transcript.entries[index];
  return entry?.who === "bot" ? replace(transcript, index, map(entry)) : transcript;
}

function replace(transcript: Transcript, index: number, entry: Entry): Transcript {
  return { ...transcript, entries: transcript.entries.with(index, entry) };
}

function append(transcript: Transcript, entry: Omit<UserEntry, "id"> | Omit<BotEntry, "id">): Transcript {
  const entries = [...transcript.entries, { ...entry, id: transcript.nextId }];
  return { ...transcript, entries: entries.slice(-MAX_ENTRIES), nextId: transcript.nextId + 1 };
}
