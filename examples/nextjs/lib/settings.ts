/** The environment, read in one place. Server only. */

import "server-only";
import { randomBytes } from "node:crypto";

const MIN_SECRET_CHARS = 32;

/** Address of the voice server, without a trailing slash. */
export function voiceServerUrl(): string {
  return (process.env.VOICE_SERVER_URL ?? "http://127.0.0.1:7860").replace(/\/+$/, "");
}

/** This site as the voice server's SIGN_IN_KEYS names it, and the secret there; null without one. */
export function voiceSignIn(): { readonly site: string; readonly key: string } | null {
  const site = process.env.VOICE_SITE ?? "";
  const key = process.env.VOICE_SIGN_IN_KEY ?? "";
  if (site === "" && key === "") return null;
  if (site === "" || key.length < MIN_SECRET_CHARS) throw new Error("VOICE_SITE and VOICE_SIGN_IN_KEY belong together");
  return { site, key };
}

// Next loads a module once for each of its bundles; the secret has to be the same in all of them.
const shared = globalThis as { exampleSessionSecret?: string };

/** Key of the session cookie's signature. */
export function sessionSecret(): string {
  const secret = process.env.SESSION_SECRET ?? "";
  if (secret === "") return (shared.exampleSessionSecret ??= randomBytes(32).toString("hex"));
  if (secret.length < MIN_SECRET_CHARS) throw new Error(`SESSION_SECRET needs ${MIN_SECRET_CHARS} characters`);
  return secret;
}
