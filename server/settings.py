"""The server's settings: the one place in this package that reads the environment."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.addresses import Network
from server.origins import is_origin

# LiveKit refuses to sign with less (its own check, "secret is too short").
MIN_SECRET_CHARS = 32

# Guesses are five a minute for each address.
MIN_PASSWORD_CHARS = 12

# One session process for every two CPUs: two processes on two CPUs cost more memory and CPU than
# one and answer no sooner (docs/decisions/0005).
CPUS_PER_PROCESS = 2


def usable_cpus() -> int:
    """Return how many CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _split_origins(value: object) -> object:
    """Turn `https://a.example, https://b.example` into a list; each must be a bare origin."""
    if not isinstance(value, str):
        return value
    for origin in _parts(value):
        if not is_origin(origin):
            raise ValueError(
                f"ALLOWED_ORIGINS: {origin!r} is no origin; write scheme://host[:port] exactly"
            )
    return tuple(_parts(value))


def _split_keys(value: object) -> object:
    """Turn `https://a.example=secret, ...` into secrets by site; no message holds a secret."""
    if not isinstance(value, str):
        return value
    keys: dict[str, tuple[SecretStr, ...]] = {}
    for entry in _parts(value):
        site, _, secret = (part.strip() for part in entry.partition("="))
        if not is_origin(site):
            raise ValueError("SIGN_IN_KEYS: write scheme://host[:port]=secret, separated by commas")
        if len(secret) < MIN_SECRET_CHARS:
            raise ValueError(
                f"SIGN_IN_KEYS: the secret of {site} needs {MIN_SECRET_CHARS} characters"
            )
        keys[site] = (*keys.get(site, ()), SecretStr(secret))
    return keys


def _split_networks(value: object) -> object:
    """Turn `10.0.0.0/8, ::1` into networks."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(ipaddress.ip_network(part) for part in _parts(value))
    except ValueError as error:
        raise ValueError(f"TRUSTED_PROXIES: {error}") from None


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
    # How long sessions may go on after the server was told to stop, while a successor takes new
    # ones at the same port; 0: they are told to end, and the port is kept until they have.
    drain_secs: float = Field(default=0, ge=0, le=86_400)
    # Set by systemd for services of Type=notify.
    notify_socket: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Opens /ops, the operator's page; without it there is none.
    ops_password: SecretStr = SecretStr("")

    log_format: Literal["text", "json"] = "text"

    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: SecretStr
    livekit_public_url: str | None = None

    # With neither of these two the door is open to its own page and to this machine.
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_origins)] = ()
    sign_in_keys: Annotated[
        Mapping[str, tuple[SecretStr, ...]], NoDecode, BeforeValidator(_split_keys)
    ] = Field(default={}, repr=False)
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split_networks)] = ()

    # Sessions started; each quota's bucket holds a minute's worth. 0 is no limit.
    quota_address_per_min: int = Field(default=10, ge=0, le=100_000)
    quota_user_per_min: int = Field(default=6, ge=0, le=100_000)
    quota_site_per_min: int = Field(default=60, ge=0, le=100_000)
    quota_all_per_min: int = Field(default=120, ge=0, le=100_000)
    # Sessions in which nobody came or spoke, of one address or user.
    quota_silent_per_hour: int = Field(default=10, ge=0, le=100_000)
    # Sessions at once.
    max_sessions_per_address: int = Field(default=4, ge=0, le=1000)
    max_sessions_per_user: int = Field(default=2, ge=0, le=1000)

    # Of each site, a day (UTC). 0 is no limit.
    site_minutes_per_day: float = Field(default=0, ge=0, allow_inf_nan=False)
    site_money_per_day: float = Field(default=0, ge=0, allow_inf_nan=False)
    # What a minute of a conversation costs at your providers, in the currency of the line above.
    price_per_minute: float = Field(default=0, ge=0, allow_inf_nan=False)

    # What providers ask, for the counters of cost and the operator's page. 0 is not counted.
    price_stt_minute: float = Field(default=0, ge=0, allow_inf_nan=False)
    price_tts_1000_characters: float = Field(default=0, ge=0, allow_inf_nan=False)
    price_llm_million_in: float = Field(default=0, ge=0, allow_inf_nan=False)
    price_llm_million_out: float = Field(default=0, ge=0, allow_inf_nan=False)

    # Where traces are sent, by OTLP over HTTP; unset: nowhere. The names are OpenTelemetry's own.
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_headers: SecretStr = SecretStr("")

    # Where conversations are kept whose callers signed in and agreed; unset: nowhere.
    transcripts_dir: Path | None = None
    transcripts_days: float = Field(default=30, gt=0, le=3650, allow_inf_nan=False)
    transcripts_sound: bool = False

    # With it this server is one of a cluster: sessions are placed on any of its members, and go on
    # elsewhere when one is lost. CLUSTER_URL is where the others reach this one.
    cluster_redis_url: SecretStr = SecretStr("")
    cluster_url: str = ""

    # Without it, and without a cluster, this process counts for itself, and forgets at a restart.
    quota_redis_url: SecretStr = SecretStr("")
    quota_redis_down: Literal["count", "refuse"] = "count"
    # Eight talking sessions held one lean process on two cores; set it by your own measurement.
    max_sessions: int = Field(default=8, ge=1, le=1000)
    session_processes: int = Field(
        default_factory=lambda: max(1, usable_cpus() // CPUS_PER_PROCESS), ge=0, le=64
    )
    # After so many a session process is renewed: each leaves 0.1 to 0.3 MB that native code
    # never gives back (docs/decisions/0007). 0: never.
    sessions_per_process: int = Field(default=200, ge=0, le=1_000_000)
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

    @model_validator(mode="after")
    def _ops_password_is_long(self) -> Self:
        if 0 < len(self.ops_password.get_secret_value()) < MIN_PASSWORD_CHARS:
            raise ValueError(f"OPS_PASSWORD needs {MIN_PASSWORD_CHARS} characters")
        return self

    @model_validator(mode="after")
    def _money_needs_a_price(self) -> Self:
        if self.site_money_per_day and not self.price_per_minute:
            raise ValueError("PRICE_PER_MINUTE is required with SITE_MONEY_PER_DAY")
        return self

    @model_validator(mode="after")
    def _traces_have_a_receiver(self) -> Self:
        parts = urlsplit(self.otel_exporter_otlp_endpoint or "http://nowhere")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT is no http(s):// address")
        if any(not name or not value for name, value in self.otlp_headers.items()):
            raise ValueError("OTEL_EXPORTER_OTLP_HEADERS: write name=value, separated by commas")
        return self

    @model_validator(mode="after")
    def _redis_is_usable(self) -> Self:
        for name, url in (
            ("QUOTA_REDIS_URL", self.quota_redis_url),
            ("CLUSTER_REDIS_URL", self.cluster_redis_url),
        ):
            if urlsplit(url.get_secret_value()).scheme not in ("", "redis", "rediss", "unix"):
                raise ValueError(f"{name} is no redis://, rediss:// or unix:// address")
        return self

    @model_validator(mode="after")
    def _members_are_reached(self) -> Self:
        if not self.is_member:
            if not self.session_processes:
                raise ValueError("SESSION_PROCESSES=0 needs CLUSTER_REDIS_URL: others run sessions")
            return self
        parts = urlsplit(self.cluster_url or "http://chosen")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"CLUSTER_URL: {self.cluster_url!r} is no http(s):// address")
        if not self.cluster_url and not self.port:
            raise ValueError("CLUSTER_URL is required with PORT=0")
        return self

    @property
    def site_secs_per_day(self) -> float | None:
        """How long a site's sessions may last in all on one day; None without a budget."""
        limits = [
            *([self.site_minutes_per_day * 60] if self.site_minutes_per_day else []),
            *(
                [self.site_money_per_day / self.price_per_minute * 60]
                if self.site_money_per_day
                else []
            ),
        ]
        return min(limits, default=None)

    @property
    def otlp_headers(self) -> Mapping[str, str]:
        """What is sent with traces, by name; a value that is missing is empty."""
        parts = _parts(self.otel_exporter_otlp_headers.get_secret_value())
        named = (part.partition("=") for part in parts)
        return {name.strip(): unquote(value.strip()) for name, _, value in named}

    @property
    def is_open(self) -> bool:
        """Whether no site is named: the door of one machine."""
        return not (self.allowed_origins or self.sign_in_keys)

    @property
    def is_member(self) -> bool:
        """Whether this server is one of a cluster."""
        return bool(self.cluster_redis_url.get_secret_value())

    @property
    def ledger_url(self) -> str:
        """Where quotas are counted; empty: here."""
        own = self.quota_redis_url.get_secret_value()
        return own or self.cluster_redis_url.get_secret_value()

    @property
    def public_url(self) -> str:
        """The LiveKit address browsers are told."""
        return self.livekit_public_url or self.livekit_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never stand in a log."""
        redis = [
            url
            for one in (self.quota_redis_url, self.cluster_redis_url)
            if (url := one.get_secret_value())
        ]
        ops = self.ops_password.get_secret_value()
        return (
            *([ops] if ops else []),
            self.livekit_api_secret.get_secret_value(),
            *(key.get_secret_value() for keys in self.sign_in_keys.values() for key in keys),
            *redis,
            *self.otlp_headers.values(),
            *(password for url in redis if (password := urlsplit(url).password)),
        )


def process_environment() -> dict[str, str]:
    """Return the environment of a session process.

    It gets its settings from the door and signs no tokens, so the secrets stay here. A session's
    matrices are small: more threads than one would only wait for each other.
    """
    passed_on = dict(os.environ)  # noqa: TID251 - this is the settings module
    for name in (
        "LIVEKIT_API_SECRET",
        "SIGN_IN_KEYS",
        "QUOTA_REDIS_URL",
        "CLUSTER_REDIS_URL",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OPS_PASSWORD",
    ):
        passed_on.pop(name, None)
    return {
        **passed_on,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Each thread would keep a heap of its own: memory that no session uses.
        "MALLOC_ARENA_MAX": "2",
        "ORT_DISABLE_TELEMETRY": "1",
    }
