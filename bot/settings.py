"""The bot's settings: the one place in this package that reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.voices import deepgram_voice

DEEPGRAM_CLOUD = "https://api.deepgram.com"
GROQ_CLOUD = "https://api.groq.com/openai/v1"
GROQ_PATH = "/openai/v1"

# The most that SESSION_MAX_SECS may say; what is kept for a session is kept for as long.
LONGEST_SESSION_SECS = 4 * 3600

# A provider at a custom address may need no key, but both SDKs refuse an empty one.
NO_KEY = "no-key"


def _groq_base_url(value: str) -> str:
    """Accept Groq's own form of the setting (an origin) as well as a full base URL."""
    return value.rstrip("/") + GROQ_PATH if urlsplit(value).path in ("", "/") else value


def _blank_is_unset(value: object) -> object:
    """Treat `NAME=` in an env file as not given."""
    return None if value == "" else value


class BotSettings(BaseSettings):
    """Everything a conversation needs to know, read once at start.

    Raises:
        pydantic.ValidationError: naming the variable that is missing or malformed.
    """

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    deepgram_api_key: SecretStr = SecretStr("")
    deepgram_base_url: str = DEEPGRAM_CLOUD
    deepgram_stt_model: str = "nova-3-general"

    groq_api_key: SecretStr = SecretStr("")
    groq_base_url: Annotated[str, BeforeValidator(_groq_base_url)] = GROQ_CLOUD
    llm_base_url: Annotated[str | None, BeforeValidator(_blank_is_unset)] = None
    llm_api_key: SecretStr = SecretStr("")
    # Groq's production models of November 2026; the plan's mixtral and llama ones are shut down.
    llm_model: str = "openai/gpt-oss-120b"
    llm_fallback_model: str = "openai/gpt-oss-20b"

    assistant_voice: Annotated[str, BeforeValidator(deepgram_voice)] = "aura-2-thalia-en"
    # Spoken with where the first voice fails; the same name means that there is none.
    assistant_fallback_voice: Annotated[str, BeforeValidator(deepgram_voice)] = "aura-2-helena-en"
    assistant_greeting: str = "Hello! I am the voice assistant of this site. How can I help you?"
    knowledge_dir: Path = Path("knowledge")

    # A page that was left comes back within 20 s (the widget's own limit) and needs up to 5 s to
    # load and join; a full reconnect takes less. It is also what a closed tab costs: whoever ends
    # the call by its button ends the session at once.
    reconnect_grace_secs: float = Field(default=25, gt=0, le=120)
    # A user token lives 60 s; nobody joins after it, so a room without a user ends earlier.
    join_timeout_secs: float = Field(default=30, gt=0, le=600)
    # A microphone is published within a second of joining; who has none reads and types.
    silent_secs: float = Field(default=15, gt=0, le=600)
    silent_text_secs: float = Field(default=60, gt=0, le=600)
    session_idle_secs: float = Field(default=180, gt=0, le=3600)
    session_max_secs: float = Field(default=1800, gt=0, le=LONGEST_SESSION_SECS)

    @model_validator(mode="after")
    def _cloud_needs_keys(self) -> Self:
        if self.deepgram_base_url == DEEPGRAM_CLOUD and self.deepgram_key == NO_KEY:
            raise ValueError("DEEPGRAM_API_KEY is required (or DEEPGRAM_BASE_URL)")
        if self.llm_url == GROQ_CLOUD and self.llm_key == NO_KEY:
            raise ValueError("GROQ_API_KEY is required (or GROQ_BASE_URL, or LLM_BASE_URL)")
        return self

    @property
    def deepgram_key(self) -> str:
        """The key sent to Deepgram or to the server at DEEPGRAM_BASE_URL."""
        return self.deepgram_api_key.get_secret_value() or NO_KEY

    @property
    def llm_url(self) -> str:
        """Base URL of the chat-completions API: LLM_BASE_URL, or Groq's."""
        return self.llm_base_url or self.groq_base_url

    @property
    def llm_key(self) -> str:
        """The key that belongs to `llm_url`; Groq's key never goes to another server."""
        key = self.llm_api_key if self.llm_base_url else self.groq_api_key
        return key.get_secret_value() or NO_KEY

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never stand in a log."""
        keys = (self.deepgram_api_key, self.groq_api_key, self.llm_api_key)
        return tuple(key.get_secret_value() for key in keys if key.get_secret_value())
