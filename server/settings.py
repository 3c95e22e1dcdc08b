"""The server's settings: the one place in this package that reads the environment."""

from __future__ import annotations

import os
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# LiveKit refuses to sign with less (its own check, "secret is too short").
MIN_SECRET_CHARS = 32

# One session process for every two CPUs: two processes on two CPUs cost more memory and CPU than
# one and answer no sooner (docs/decisions/0005).
CPUS_PER_PROCESS = 2


def usable_cpus() -> int:
    """Return how many CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    session_processes: int = Field(
        default_factory=lambda: max(1, usable_cpus() // CPUS_PER_PROCESS), ge=1, le=64
    )
    # One more session is refused while a process's event loop wakes later than this (95th
    # percentile of 5 s), or the machine uses more of its CPU than that (10 s); see decision 0005.
    max_loop_lag_ms: float = Field(default=50, gt=0, le=10_000)
    max_cpu_percent: float = Field(default=100, gt=0, le=100)

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


def process_environment() -> dict[str, str]:
    """Return the environment of a session process.

    It gets its settings from the door and signs no tokens, so the secret stays here. A session's
    matrices are small: more threads than one would only wait for each other.
    """
    passed_on = dict(os.environ)  # noqa: TID251 - this is the settings module
    passed_on.pop("LIVEKIT_API_SECRET", None)
    return {
        **passed_on,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Each thread would keep a heap of its own: memory that no session uses.
        "MALLOC_ARENA_MAX": "2",
        "ORT_DISABLE_TELEMETRY": "1",
    }
