"""The server's settings: the one place in this package that reads the environment."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# LiveKit refuses to sign with less (its own check, "secret is too short").
MIN_SECRET_CHARS = 32


def _split_origins(value: object) -> object:
    """Turn `https://a.example, https://b.example` into a list; each must be a bare origin."""
    if not isinstance(value, str):
        return value
    origins = [part.strip() for part in value.split(",") if part.strip()]
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError(
                f"ALLOWED_ORIGINS: {origin!r} is no origin; write scheme://host[:port] exactly"
            )
    return tuple(origins)


class ServerSettings(BaseSettings):
    """Everything the door needs to know, read once at start.

    Raises:
        pydantic.ValidationError: naming the variable that is missing or malformed.
    """

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: SecretStr
    livekit_public_url: str | None = None

    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_origins)] = ()
    # Eight talking sessions held one lean process on two cores; set it by your own measurement.
    max_sessions: int = Field(default=8, ge=1, le=1000)

    @model_validator(mode="after")
    def _livekit_is_usable(self) -> Self:
        for name, url in (
            ("LIVEKIT_URL", self.livekit_url),
            ("LIVEKIT_PUBLIC_URL", self.public_url),
        ):
            parts = urlsplit(url)
            if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
                raise ValueError(f"{name}: {url!r} is no ws(s):// address")
        if len(self.livekit_api_secret.get_secret_value()) < MIN_SECRET_CHARS:
            raise ValueError(f"LIVEKIT_API_SECRET must have at least {MIN_SECRET_CHARS} characters")
        return self

    @property
    def public_url(self) -> str:
        """The LiveKit address browsers are told."""
        return self.livekit_public_url or self.livekit_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never stand in a log."""
        return (self.livekit_api_secret.get_secret_value(),)
