"""The commands' settings: the one place in this package that reads the environment."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class CallSettings(BaseSettings):
    """What `call` must not be given on a command line, which others on the machine can read."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    # A site's word for its user, good for one call (docs/security.md).
    voice_credential: SecretStr = SecretStr("")
