"""Sign a site's user in at the voice server: copy this file into the site. Needs PyJWT.

    credential = sign_in(user.id, site="https://dashboard.example", key=SIGN_IN_KEY)
    answer = httpx.post(f"{VOICE_SERVER_URL}/connect", json={"credential": credential})

Call it on the site's server, for a user who is logged in, at each call: a credential is good for
one request within a minute. Pass the answer on to the browser as it is (`connect-url` of the
widget leads to that route).
"""

from __future__ import annotations

import secrets
import time

import jwt

LIFETIME_SECS = 60


def sign_in(user: str, *, site: str, key: str) -> str:
    """Return a credential for `POST /connect`.

    Args:
        user: The site's own, lasting name for the user; quotas count by it. Up to 128 characters.
        site: The site's origin, as in the voice server's SIGN_IN_KEYS.
        key: The secret that stands there.
    """
    now = int(time.time())
    claims = {
        "iss": site,
        "aud": "voice-assistant",
        "sub": user,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + LIFETIME_SECS,
    }
    return jwt.encode(claims, key, algorithm="HS256")
