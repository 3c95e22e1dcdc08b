/** POST /connect: asks the server for a room, and says in a code why there is none. */

/** What the widget needs to join a room. */
export interface Connection {
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly sessionId: string;
  /** Whether the conversation is kept. */
  readonly recorded: boolean;
}

/** Why there is no call. `texts.ts` holds a sentence for each. */
export type ConnectErrorCode =
  | "server_full"
  | "livekit_unreachable"
  | "bot_unavailable"
  | "draining"
  | "rate_limited"
  | "too_many_sessions"
  | "budget_spent"
  | "sign_in_required"
  | "session_gone"
  | "origin_not_allowed"
  | "server_unreachable"
  | "server_error"
  | "invalid_answer";

export class ConnectError extends Error {
  override readonly name = "ConnectError";
  constructor(
    readonly code: ConnectErrorCode,
    /** When the server asks to come back; null when it does not. */
    readonly retryAfterSecs: number | null = null,
  ) {
    super(code);
  }
}

const PROBE_TIMEOUT_MS = 3_000;
/** When a server asks to come back but a cross-origin page may not read when. */
const DEFAULT_RETRY_SECS = 5;
const MAX_RETRY_SECS = 120;

export interface ConnectOptions {
  /** Origin (and path prefix) of the server, without a trailing slash. */
  readonly server: string;
  /** Where to ask instead of `<server>/connect`, with the page's cookies where it is the page's own. */
  readonly connectUrl?: string | null | undefined;
  /** The token of the call to take up again. */
  readonly resume?: string | undefined;
  /** The visitor agreed to have the conversation kept. */
  readonly record?: boolean | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks for a room.
 *
 * @throws ConnectError for every refusal; DOMException `AbortError` when `signal` aborts.
 */
export async function connect({ server, connectUrl, resume, record, timeoutMs, signal }: ConnectOptions): Promise<Connection> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(connectUrl ?? `${server}/connect`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ resume, record: record === true ? true : undefined }),
      credentials: connectUrl == null ? "omit" : "same-origin",
      referrerPolicy: "strict-origin-when-cross-origin",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    body = await response.json().catch(() => null);
  } catch {
    signal.throwIfAborted();
    throw new ConnectError((await isReachable(connectUrl ?? `${server}/healthz`)) ? "origin_not_allowed" : "server_unreachable");
  }
  signal.throwIfAborted();
  if (!response.ok) throw refusal(response.status, body, response.headers.get("retry-after"));
  const connection = readConnection(body);
  if (connection === null) throw new ConnectError("invalid_answer");
  return connection;
}

/**
 * A browser hides a refusal of the page's origin as a network error. A server that still answers
 * an opaque request refused the origin; one that does not is unreachable.
 */
async function isReachable(url: string): Promise<boolean> {
  if (new URL(url, location.href).origin === location.origin) return false;
  try {
    await fetch(url, {
      mode: "no-cors",
      credentials: "omit",
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return true;
  } catch {
    return false;
  }
}

/** The error for a refusal; exported for its tests. */
export function refusal(status: number, body: unknown, retryAfter: string | null): ConnectError {
  const code = codeOf(status, errorCode(body));
  // Nobody waits in front of a page until midnight.
  const comesBack = code !== "budget_spent" && (status === 429 || status === 503);
  return new ConnectError(code, comesBack ? readRetryAfter(retryAfter) : null);
}

function errorCode(body: unknown): string {
  const error = (body as { error?: { code?: unknown } } | null)?.error;
  return typeof error?.code === "string" ? error.code : "";
}

function codeOf(status: number, code: string): ConnectErrorCode {
  switch (code) {
    case "server_full":
    case "livekit_unreachable":
    case "bot_unavailable":
    case "draining":
    case "rate_limited":
    case "too_many_sessions":
    case "budget_spent":
    case "sign_in_required":
    case "session_gone":
    case "origin_not_allowed":
      return code;
  }
  if (status === 429) return "rate_limited";
  // The page's server signs anew for each call, so what was expired or used is mended by signing in.
  if (status === 401) return "sign_in_required";
  if (status === 410) return "session_gone";
  if (status === 403) return "origin_not_allowed";
  if (status === 503) return "server_full";
  return "server_error";
}

/** Seconds of a Retry-After header, which is a number of seconds or an HTTP date. */
export function readRetryAfter(header: string | null, nowMs: number = Date.now()): number {
  if (header === null) return DEFAULT_RETRY_SECS;
  const secs = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  if (!Number.isFinite(secs)) return DEFAULT_RETRY_SECS;
  return Math.min(MAX_RETRY_SECS, Math.max(1, Math.ceil(secs)));
}

/** The answer of /connect when it is one, else null. */
export function readConnection(body: unknown): Connection | null {
  if (typeof body !== "object" || body === null) return null;
  const { url, token, room, sessionId, recorded } = body as Record<string, unknown>;
  if (![url, token, room, sessionId].every((field) => typeof field === "string" && field !== "")) {
    return null;
  }
  const connection = body as Connection;
  try {
    if (!["ws:", "wss:", "http:", "https:"].includes(new URL(connection.url).protocol)) return null;
  } catch {
    return null;
  }
  return { url: connection.url, token: connection.token, room: connection.room, sessionId: connection.sessionId, recorded: recorded === true };
}
