/**
 * The invitation to a call, for logged-in users only.
 *
 * The voice server is asked from here, so a browser sees neither a secret nor a way to a token of
 * its own. Its answer (or its refusal, with Retry-After) is passed on as it is.
 */

import { currentUser } from "@/lib/session";
import { voiceServerUrl, voiceSignIn } from "@/lib/settings";
import { signIn } from "@/lib/sign-in.mjs";

/** Longer than the voice server waits for a bot, shorter than the widget waits for us. */
const TIMEOUT_MS = 14_000;
const MAX_BODY_CHARS = 8_192;

export async function POST(request: Request): Promise<Response> {
  if (!isFromThisSite(request)) return refuse(403, "origin_not_allowed", "Another site's page may not ask.");
  const user = await currentUser();
  if (user === null) return refuse(401, "not_signed_in", "Log in first.");
  const body = await readBody(request);
  if (body === null) return refuse(400, "invalid_body", "Not a request of the widget.");
  const as = voiceSignIn();
  const credential = as === null ? {} : { credential: signIn(user.name, as.site, as.key) };
  let answer: Response;
  try {
    answer = await fetch(`${voiceServerUrl()}/connect`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, ...credential }),
      cache: "no-store",
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  } catch {
    return refuse(503, "bot_unavailable", "The voice server does not answer.", { "retry-after": "5" });
  }
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-store" });
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter !== null) headers.set("retry-after", retryAfter);
  return new Response(await answer.text(), { status: answer.status, headers });
}

/** Cookies go with other sites' requests in some browsers; browsers name the origin of each POST. */
function isFromThisSite(request: Request): boolean {
  const origin = request.headers.get("origin");
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  return origin === null || origin === `https://${host}` || origin === `http://${host}`;
}

/** What the widget may say: the token of the call it comes back to, and that the user agreed to be recorded. */
async function readBody(request: Request): Promise<{ resume?: string; record?: boolean } | null> {
  try {
    const text = await request.text();
    if (text.length > MAX_BODY_CHARS) return null;
    const { resume, record } = JSON.parse(text || "{}") as { resume?: unknown; record?: unknown };
    if (!["string", "undefined"].includes(typeof resume) || !["boolean", "undefined"].includes(typeof record)) return null;
    return { resume: resume as string | undefined, record: record as boolean | undefined };
  } catch {
    return null;
  }
}

function refuse(status: number, code: string, message: string, headers: HeadersInit = {}): Response {
  return Response.json({ error: { code, message } }, { status, headers: { "cache-control": "no-store", ...headers } });
}
