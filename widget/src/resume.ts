/**
 * Lets a call survive a reload: the tab keeps what /connect answered while a call is live, and the
 * next page of the same site takes the call up again when it comes soon enough.
 */

import type { Connection } from "./connect.ts";
import { MAX_TEXT_CHARS } from "./rtvi.ts";
import type { Line } from "./transcript.ts";

/** The bot waits 5 s longer (RECONNECT_GRACE_SECS), in which the next page loads and joins. */
export const RESUME_WINDOW_MS = 20_000;

/** The launcher looks for this key before it loads anything. */
export const RESUME_KEY = "voice-assistant:";

interface Saved {
  readonly token: string;
  /** Date.now() when the page was left; 0 while it is shown. */
  readonly leftMs: number;
  readonly open: boolean;
  /** What was said so far; kept only from the moment the page is left. */
  readonly lines: readonly Line[];
}

/** The tail of a conversation is enough to go on reading it. */
const MAX_LINES = 40;

export class ResumeStore {
  readonly #key: string;

  constructor(server: string) {
    this.#key = RESUME_KEY + server;
  }

  keep(connection: Connection): void {
    this.#write({ token: connection.token, leftMs: 0, open: true, lines: [] });
  }

  /** Marks the moment the page is left. */
  leave(open: boolean, lines: readonly Line[], nowMs: number): void {
    const saved = this.#read();
    if (saved !== null) this.#write({ ...saved, leftMs: nowMs, open, lines: lines.slice(-MAX_LINES) });
  }

  clear(): void {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // A page without storage has nothing to clear.
    }
  }

  /** Takes the saved call when it is young enough; it can be taken once. */
  take(nowMs: number): Saved | null {
    const saved = this.#read();
    this.clear();
    return saved !== null && nowMs - saved.leftMs < RESUME_WINDOW_MS ? saved : null;
  }

  #read(): Saved | null {
    try {
      const saved = JSON.parse(sessionStorage.getItem(this.#key) ?? "null") as Partial<Saved> | null;
      if (typeof saved?.token !== "string" || typeof saved.leftMs !== "number") return null;
      const lines: unknown[] = Array.isArray(saved.lines) ? saved.lines : [];
      return { token: saved.token, leftMs: saved.leftMs, open: saved.open === true, lines: lines.filter(isLine) };
    } catch {
      return null;
    }
  }

  #write(saved: Saved): void {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(saved));
    } catch {
      // A page without storage loses its call on reload, nothing else.
    }
  }
}

/** Storage is the whole page's: anything may stand there. */
function isLine(value: unknown): value is Line {
  const line = value as Partial<Line> | null;
  return (
    (line?.who === "user" || line?.who === "bot") &&
    typeof line.text === "string" &&
    line.text.length <= MAX_LINES * MAX_TEXT_CHARS &&
    typeof line.cut === "boolean"
  );
}
