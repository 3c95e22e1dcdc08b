/**
 * RTVI 2.2 as Pipecat 1.14 speaks it over LiveKit data: what we read and what we send.
 *
 * Pure. Whatever arrives is a stranger's: too large, not JSON, of another label, of an unknown
 * type or of the wrong shape yields `null`, never an exception.
 */

export const RTVI_LABEL = "rtvi-ai";
export const RTVI_VERSION = "2.2.0";

/** A data packet is at most 64,000 bytes (livekit-client 2.23). */
export const MAX_MESSAGE_BYTES = 64_000;

/** Longest text shown or sent, in UTF-16 units; the bot refuses longer questions. */
export const MAX_TEXT_CHARS = 2_000;

export type SpokenStatus = "new" | "in-progress" | "completed";

/** A call that the page is to carry out. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** One message from the bot, reduced to the fields the widget uses. */
export type BotMessage =
  | { readonly type: "bot-ready"; readonly version: string }
  | { readonly type: "user-started-speaking" }
  | { readonly type: "user-stopped-speaking" }
  | { readonly type: "bot-started-speaking" }
  | { readonly type: "bot-stopped-speaking" }
  | { readonly type: "bot-interrupted" }
  | { readonly type: "bot-llm-started" }
  /** A function call: one for the page to carry out, or null for the bot's own business. */
  | { readonly type: "tool-started"; readonly call: ToolCall | null }
  | { readonly type: "tool-stopped" }
  | {
      readonly type: "user-input";
      readonly text: string;
      readonly inputType: "transcription" | "chat" | "backchannel";
      readonly final: boolean;
      /** For chat: the id of the `send-text` message it answers. */
      readonly messageId: string | null;
    }
  | { readonly type: "user-transcription"; readonly text: string; readonly final: boolean }
  | {
      readonly type: "bot-output";
      readonly text: string;
      readonly segmentId: number | null;
      readonly willBeSpoken: boolean;
      readonly spokenStatus: SpokenStatus;
      /** What was spoken of this segment so far; null where the bot has no word times. */
      readonly spokenText: string | null;
    }
  | { readonly type: "error"; readonly code: string; readonly fatal: boolean }
  | { readonly type: "error-response"; readonly id: string | null }
  /** The bot's `server-message` that says why it is about to leave. */
  | { readonly type: "session-ended"; readonly reason: string }
  | { readonly type: "server-message"; readonly data: unknown };

type Fields = Readonly<Record<string, unknown>>;

/** Parses one data packet; null for everything that is not a message the widget knows. */
export function parseBotMessage(payload: Uint8Array): BotMessage | null {
  if (payload.byteLength > MAX_MESSAGE_BYTES) return null;
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return null;
  }
  if (!isFields(message) || message.label !== RTVI_LABEL) return null;
  const data = isFields(message.data) ? message.data : {};
  switch (message.type) {
    case "user-started-speaking":
    case "user-stopped-speaking":
    case "bot-started-speaking":
    case "bot-stopped-speaking":
    case "bot-interrupted":
    case "bot-llm-started":
      return { type: message.type };
    case "llm-function-call-in-progress":
      return { type: "tool-started", call: parseCall(data) };
    case "llm-function-call-stopped":
      return { type: "tool-stopped" };
    case "bot-ready":
      return { type: "bot-ready", version: asText(data.version) ?? "" };
    case "user-input":
      return parseUserInput(data);
    case "user-transcription": {
      const text = asText(data.text);
      return text === null ? null : { type: "user-transcription", text, final: data.final === true };
    }
    case "bot-output":
      return parseBotOutput(data);
    case "error":
      return { type: "error", code: asText(data.error) ?? "", fatal: data.fatal === true };
    case "error-response":
      return { type: "error-response", id: asText(message.id) };
    case "server-message":
      return data.type === "session-ended"
        ? { type: "session-ended", reason: asText(data.reason) ?? "" }
        : { type: "server-message", data: message.data };
    default:
      return null;
  }
}

function parseUserInput(data: Fields): BotMessage | null {
  const text = asText(data.text);
  const inputType = data.input_type;
  if (text === null) return null;
  if (inputType !== "transcription" && inputType !== "chat" && inputType !== "backchannel") return null;
  return {
    type: "user-input",
    text,
    inputType,
    final: data.final === true,
    messageId: asText(data.msg_id),
  };
}

function parseBotOutput(data: Fields): BotMessage | null {
  const text = asText(data.text);
  if (text === null) return null;
  const status = data.spoken_status;
  const progress = isFields(data.spoken_progress) ? data.spoken_progress : {};
  const segmentId = data.segment_id;
  return {
    type: "bot-output",
    text,
    segmentId: typeof segmentId === "number" && Number.isFinite(segmentId) ? segmentId : null,
    willBeSpoken: data.will_be_spoken !== false,
    spokenStatus: status === "in-progress" || status === "completed" ? status : "new",
    spokenText: asText(progress.accumulated_text),
  };
}

function parseCall(data: Fields): ToolCall | null {
  const { tool_call_id: id, function_name: name, arguments: args } = data;
  return typeof id === "string" && typeof name === "string" && isFields(args) ? { id, name, args } : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string | null {
  return typeof value === "string" ? value.slice(0, MAX_TEXT_CHARS) : null;
}

/**
 * `client-ready`: the bot greets after it, so it is sent once the visitor can hear.
 *
 * @param microphone false lets the bot wait longer for a first word: this visitor types.
 */
export function clientReady(id: string, microphone = true): Uint8Array {
  return encode("client-ready", id, {
    version: RTVI_VERSION,
    about: { library: "voice-assistant-widget", platform: "browser" },
    ...(microphone ? {} : { microphone }),
  });
}

/** `send-text`: typed text, answered at once; aloud unless `audible` is false. */
export function sendText(id: string, content: string, audible = true): Uint8Array {
  return encode("send-text", id, {
    content: content.slice(0, MAX_TEXT_CHARS),
    options: { run_immediately: true, audio_response: audible },
  });
}

/** `client-message`: what the page shows, as any JSON value. */
export function pageContext(id: string, context: unknown): Uint8Array {
  return encode("client-message", id, { t: "page-context", d: context ?? null });
}

/** `client-message`: what the bot may do in the page. */
export function clientActions(id: string, actions: readonly object[]): Uint8Array {
  return encode("client-message", id, { t: "client-actions", d: actions });
}

/** `llm-function-call-result`: how a call went that the page carried out. */
export function callResult(id: string, call: ToolCall, result: unknown): Uint8Array {
  return encode("llm-function-call-result", id, { function_name: call.name, tool_call_id: call.id, arguments: call.args, result });
}

/** `disconnect-bot`: the visitor ended the call, so the bot need not wait for a return. */
export function disconnectBot(id: string): Uint8Array {
  return encode("disconnect-bot", id, undefined);
}

function encode(type: string, id: string, data: Fields | undefined): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ label: RTVI_LABEL, type, id, data }));
}
