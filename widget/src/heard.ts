/**
 * How much of the bot's text was heard. Pure: time comes in with each event.
 *
 * A voice with word times reports what was spoken; one without (Deepgram's) reports whole sentences
 * ahead of their audio, so what was heard is then estimated from how long the bot has been speaking.
 */

import type { BotMessage } from "./rtvi.ts";

/** English speech at Aura-2's and Piper's default speed: about 2.6 words a second. */
export const SPEECH_CHARS_PER_SEC = 15;

/** A `completed` that comes sooner than this per character was sent ahead of the audio. */
const FASTEST_SPEECH_MS_PER_CHAR = 30;

/** A pause of the bot longer than this starts a new entry. */
const SAME_TURN_PAUSE_MS = 1_500;

export interface Segment {
  readonly id: number | null;
  readonly text: string;
  /** Spoken for certain, in characters of `text`. */
  readonly spoken: number;
  /** The bot reports its words, so no estimate is needed. */
  readonly exact: boolean;
  readonly announcedMs: number;
}

export interface BotEntry {
  readonly id: number;
  readonly who: "bot";
  readonly segments: readonly Segment[];
  /** Milliseconds of speech before `speakingSinceMs`. */
  readonly spokenMs: number;
  readonly speakingSinceMs: number | null;
  readonly stoppedMs: number | null;
  /** The visitor talked over it: only what was heard stays. */
  readonly cut: boolean;
}

export function newSegment(id: number | null, text: string, nowMs: number): Segment {
  return { id, text, spoken: 0, exact: false, announcedMs: nowMs };
}

/** Text that was heard to its end. */
export function wholeSegment(text: string, nowMs: number): Segment {
  return { id: null, text, spoken: text.length, exact: true, announcedMs: nowMs };
}

/** A segment after a report on it. Progress never runs backwards. */
export function progress(segment: Segment, message: Extract<BotMessage, { type: "bot-output" }>, nowMs: number): Segment {
  const length = segment.text.length;
  if (!message.willBeSpoken) return { ...segment, spoken: length, exact: true };
  switch (message.spokenStatus) {
    case "new":
      return segment;
    case "in-progress": {
      const spoken = Math.min(length, message.spokenText?.trimEnd().length ?? 0);
      return { ...segment, spoken: Math.max(segment.spoken, spoken), exact: true };
    }
    case "completed": {
      const believable = nowMs - segment.announcedMs >= length * FASTEST_SPEECH_MS_PER_CHAR;
      return segment.exact || believable ? { ...segment, spoken: length } : segment;
    }
  }
}

export function isOver(entry: BotEntry, nowMs: number): boolean {
  return entry.stoppedMs !== null && nowMs - entry.stoppedMs > SAME_TURN_PAUSE_MS;
}

export function startClock(entry: BotEntry, nowMs: number): BotEntry {
  if (entry.cut || entry.speakingSinceMs !== null || isOver(entry, nowMs)) return entry;
  return { ...entry, speakingSinceMs: nowMs, stoppedMs: null };
}

export function showWhole(entry: BotEntry): BotEntry {
  return entry.cut ? entry : { ...entry, segments: entry.segments.map((segment) => ({ ...segment, spoken: segment.text.length })) };
}

/** The bot fell silent by itself: all it announced was heard. */
export function finish(entry: BotEntry, nowMs: number): BotEntry {
  if (entry.cut || entry.speakingSinceMs === null) return entry;
  return {
    ...showWhole(entry),
    spokenMs: entry.spokenMs + nowMs - entry.speakingSinceMs,
    speakingSinceMs: null,
    stoppedMs: nowMs,
  };
}

export function fullText(entry: BotEntry): string {
  return entry.segments.map(({ text }) => text).join(" ");
}

/** Characters of the full text that were heard: what is certain, and at least what the clock says. */
export function heardChars(entry: BotEntry, nowMs: number): number {
  let certain = 0;
  let start = 0;
  for (const segment of entry.segments) {
    if (segment.spoken > 0) certain = start + segment.spoken;
    start += segment.text.length + 1;
  }
  const full = Math.max(0, start - 1);
  if (entry.cut) return full;
  if (entry.segments.some(({ exact }) => exact)) return Math.min(full, certain);
  const runningMs = entry.speakingSinceMs === null ? 0 : Math.max(0, nowMs - entry.speakingSinceMs);
  const estimate = Math.floor(((entry.spokenMs + runningMs) / 1000) * SPEECH_CHARS_PER_SEC);
  return Math.min(full, Math.max(certain, entry.speakingSinceMs === null ? 0 : estimate));
}

export function wholeWords(text: string, chars: number): string {
  if (chars >= text.length) return text;
  const space = text.slice(0, chars + 1).lastIndexOf(" ");
  return text.slice(0, Math.max(0, space)).trimEnd();
}
