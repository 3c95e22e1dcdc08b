"""Sign-in: a site vouches for its user with a token it signed a moment ago.

HS256 over a secret that the site and this server share; `examples/sign_in.py` and
`examples/nextjs/lib/sign-in.mjs` make such tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server import errors
from server.errors import DoorError

AUDIENCE = "voice-assistant"
# Clocks of two servers that both keep time; more would only lengthen a stolen token's life.
LEEWAY_SECS = 30
# A site signs when its user clicks.
MAX_LIFETIME_SECS = 300
MAX_CREDENTIAL_CHARS = 2048

_EPOCH = Annotated[int | float, Field(ge=0, le=1e11, allow_inf_nan=False)]


@dataclass(frozen=True)
class SignedIn:
    """Whom a site vouches for.

    Attributes:
        site: The site, by its origin.
        user: The site's own name for its user.
        once: Names this token; it is good for one use.
        forget_after_secs: After this long the token is refused for its age anyway.
    """

    site: str
    user: str
    once: str
    forget_after_secs: int


class _Claims(BaseModel):
    """What a token must say; further claims are not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    iss: Annotated[str, Field(min_length=1, max_length=256)]
    aud: Literal["voice-assistant"]
    sub: Annotated[str, Field(min_length=1, max_length=128)]
    jti: Annotated[str, Field(min_length=16, max_length=128)]
    iat: _EPOCH
    exp: _EPOCH


class SignIn:
    """The sites that sign their users in, and their secrets."""

    def __init__(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Know the sites.

        Args:
            keys: Secrets by site; a site that changes its secret has two for a while.
        """
        self._keys = keys

    @property
    def sites(self) -> frozenset[str]:
        """Origins of the sites that sign their users in."""
        return frozenset(self._keys)

    def verify(self, credential: str) -> SignedIn:
        """Return whom a site's token vouches for.

        Raises:
            DoorError: 401 with `sign_in_wrong_site`, `sign_in_expired`, `sign_in_not_yet_valid`,
                `sign_in_too_long` or `sign_in_invalid`.
        """
        if len(credential) > MAX_CREDENTIAL_CHARS:
            raise errors.sign_in_invalid()
        keys = self._keys.get(_claimed_site(credential))
        if keys is None:
            raise errors.sign_in_wrong_site()
        claims = self._verified(credential, keys)
        lifetime_secs = claims.exp - claims.iat
        if not 0 < lifetime_secs <= MAX_LIFETIME_SECS:
            raise errors.sign_in_too_long()
        forget_after_secs = int(lifetime_secs) + 2 * LEEWAY_SECS + 1
        return SignedIn(claims.iss, claims.sub, claims.jti, forget_after_secs)

    @staticmethod
    def _verified(credential: str, keys: Sequence[str]) -> _Claims:
        failure: DoorError = errors.sign_in_invalid()
        for key in keys:
            try:
                claims = jwt.decode(
                    credential,
                    key,
                    algorithms=["HS256"],
                    audience=AUDIENCE,
                    leeway=LEEWAY_SECS,
                    options={"require": list(_Claims.model_fields), "strict_aud": True},
                )
                return _Claims.model_validate(claims)
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                failure = errors.sign_in_expired()
            except jwt.ImmatureSignatureError:
                failure = errors.sign_in_not_yet_valid()
            except (jwt.PyJWTError, ValidationError, ValueError, OverflowError, TypeError):
                failure = errors.sign_in_invalid()
            break
        raise failure


def _claimed_site(credential: str) -> str:
    """Return which site a token says it is of, to look up the secret; nothing is proven yet."""
    try:
        claims: dict[str, Any] = jwt.decode(credential, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise errors.sign_in_invalid() from None
    site = claims.get("iss")
    if not isinstance(site, str):
        raise errors.sign_in_invalid()
    return site
