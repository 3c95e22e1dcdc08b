// @ts-check
/**
 * Signs a user in at the voice server. Server only; copy this file into your site.
 *
 * A credential is good for one request within a minute: make one for each.
 */

import { createHmac, randomBytes } from "node:crypto";

const LIFETIME_SECS = 60;

/**
 * A credential for `POST /connect`.
 *
 * @param {string} user the site's own, lasting name for the user; quotas count by it. Up to 128 characters.
 * @param {string} site the site's origin, as in the voice server's SIGN_IN_KEYS.
 * @param {string} key the secret that stands there.
 * @returns {string}
 */
export function signIn(user, site, key) {
  const now = Math.floor(Date.now() / 1000);
  const header = encode({ alg: "HS256", typ: "JWT" });
  const claims = encode({
    iss: site,
    aud: "voice-assistant",
    sub: user,
    jti: randomBytes(16).toString("base64url"),
    iat: now,
    exp: now + LIFETIME_SECS,
  });
  const signature = createHmac("sha256", key).update(`${header}.${claims}`).digest("base64url");
  return `${header}.${claims}.${signature}`;
}

/** @param {object} value */
function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
