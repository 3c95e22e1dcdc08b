/** Who is logged in: a signed cookie that no script can read. Server only. */

import "server-only";
import { createHmac, timingSafeEqual } from "node:crypto";
import { cookies } from "next/headers";
import { sessionSecret } from "./settings";
import { findUser, type User } from "./users";

const COOKIE = "session";
const LIFETIME_SECS = 8 * 3600;

/** Logs the user in on this browser. */
export async function startSession(user: User): Promise<void> {
  const expires = Math.floor(Date.now() / 1000) + LIFETIME_SECS;
  const payload = `${user.name}.${expires}`;
  (await cookies()).set(COOKIE, `${payload}.${sign(payload)}`, {
    httpOnly: true,
    sameSite: "lax",
    // Browsers keep no Secure cookie of plain http://127.0.0.1 in every case; https sites get one.
    secure: process.env.COOKIE_SECURE === "1",
    path: "/",
    maxAge: LIFETIME_SECS,
  });
}

export async function endSession(): Promise<void> {
  (await cookies()).delete(COOKIE);
}

/** The logged-in user, or null. */
export async function currentUser(): Promise<User | null> {
  const [name = "", expires = "", signature = ""] = ((await cookies()).get(COOKIE)?.value ?? "").split(".");
  const expected = Buffer.from(sign(`${name}.${expires}`));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  return Number(expires) * 1000 > Date.now() ? findUser(name) : null;
}

function sign(payload: string): string {
  return createHmac("sha256", sessionSecret()).update(payload).digest("base64url");
}
