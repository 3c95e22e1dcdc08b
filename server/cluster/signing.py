"""A member's word to another: who asks for what, signed with a key that only members can derive."""

from __future__ import annotations

import hashlib
import hmac
import time

import jwt

# Members' clocks agree within seconds (`voice-assistant doctor` compares them with LiveKit's).
VALID_SECS = 10
LEEWAY_SECS = 10
_ALGORITHM = "HS256"


class SignatureError(Exception):
    """A request that no member has signed; says which rule it broke."""


def key_of(api_secret: str) -> bytes:
    """Return the members' key: LiveKit's tokens are signed with the secret itself."""
    return hmac.digest(api_secret.encode(), b"voice-assistant cluster 1", "sha256")


def signature(key: bytes, path: str, body: bytes) -> str:
    """Return a JWT for one request, good for VALID_SECS."""
    claims = {"exp": int(time.time()) + VALID_SECS, "aud": path, "body": _digest(body)}
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def check(key: bytes, path: str, body: bytes, signature: str) -> None:
    """Return if a member has signed this request.

    Raises:
        SignatureError: it has not.
    """
    try:
        claims = jwt.decode(
            signature,
            key,
            algorithms=[_ALGORITHM],
            audience=path,
            leeway=LEEWAY_SECS,
            options={"require": ["exp", "aud", "body"]},
        )
    except jwt.PyJWTError as error:
        raise SignatureError(type(error).__name__) from None
    if not hmac.compare_digest(str(claims["body"]), _digest(body)):
        raise SignatureError("another body")


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
