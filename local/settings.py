"""What the launcher reads from the environment and from `.env`, and what follows from it.

Only the standard library: set-up asks the same questions before any package is installed.
"""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

from local.paths import ROOT

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_EXAMPLE: Final = re.compile(r"^#?[ \t]*([A-Z][A-Z0-9_]*)=", re.MULTILINE)
_SIMILAR: Final = 0.8
"""difflib ratio from which a name counts as misspelt: GROQ_KEY is not GROQ_API_KEY by accident."""


class SettingsError(ValueError):
    """A setting is missing, misspelt or no value of its kind; the message names the variable."""


@dataclass(frozen=True)
class LocalSettings:
    """The settings that decide what runs on this machine; field PORT is `port`, and so on.

    Empty means not set. `environment` is everything, for the child processes.
    """

    host: str
    port: int
    livekit_url: str
    livekit_api_key: str = field(repr=False)
    livekit_api_secret: str = field(repr=False)
    deepgram_api_key: str = field(repr=False)
    deepgram_base_url: str
    groq_api_key: str = field(repr=False)
    groq_base_url: str
    llm_base_url: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def needs_livekit(self) -> bool:
        """Whether a LiveKit server has to run here."""
        return not self.livekit_url

    @property
    def needs_speech(self) -> bool:
        """Whether speech-to-text and text-to-speech have to run here."""
        return not (self.deepgram_api_key or self.deepgram_base_url)

    @property
    def needs_model(self) -> bool:
        """Whether answers have to be made here."""
        return not (self.groq_api_key or self.groq_base_url or self.llm_base_url)

    @property
    def needs_engines(self) -> bool:
        """Whether the local engine server has to run at all."""
        return self.needs_speech or self.needs_model


def load(root: Path = ROOT, environ: Mapping[str, str] | None = None) -> LocalSettings:
    """Read the environment and `root/.env` once; the environment wins.

    Args:
        root: the directory of `.env` and `.env.example`.
        environ: the process environment; for tests, else the real one.

    Raises:
        SettingsError: a variable is missing, misspelt or no value of its kind.
    """
    if environ is None:
        environ = os.environ  # noqa: TID251 - the settings module
    from_file = read_env_file(root / ".env")
    reject_misspelt(from_file, known_names(root))
    # As the bot and the server read it: an empty variable does not hide the file's value.
    environment = {**environ, **from_file, **{k: v for k, v in environ.items() if v}}
    own = [spec.name for spec in fields(LocalSettings) if spec.name not in {"port", "environment"}]
    values = {name: environment.get(name.upper(), "").strip() for name in own}
    _check_livekit(values)
    return LocalSettings(
        **{**values, "host": values["host"] or "127.0.0.1"},
        port=_port(environment.get("PORT", "")),
        environment=environment,
    )


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file; none when there is no file.

    Lines are `NAME=value`, `export NAME=value` or comments. Quotes around a value are taken off;
    without quotes a value ends at white space followed by `#`. Nothing is substituted.

    Raises:
        SettingsError: a line is none of these; the message has its number, never its value.
    """
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise SettingsError(f"{path.name} line {number}: expected NAME=value")
        values[match[1]] = _unquote(match[2])
    return values


def known_names(root: Path) -> frozenset[str]:
    """Return the names of all settings: those of `.env.example`, set or commented out."""
    example = root / ".env.example"
    text = example.read_text(encoding="utf-8") if example.is_file() else ""
    return frozenset(_EXAMPLE.findall(text))


def reject_misspelt(given: Mapping[str, str], known: frozenset[str]) -> None:
    """Refuse names that are almost a setting; names of other programs pass.

    Raises:
        SettingsError: with the wrong name and the one that was probably meant.
    """
    for name in sorted(set(given) - known):
        close = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=_SIMILAR)
        if close:
            raise SettingsError(f".env: {name} is not a setting. Did you mean {close[0]}?")


def _unquote(value: str) -> str:
    if value[:1] in {'"', "'"}:
        end = value.find(value[0], 1)
        if end > 0:
            return value[1:end]
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()


def _port(value: str) -> int:
    text = value.strip() or "7860"
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise SettingsError(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def _check_livekit(values: Mapping[str, str]) -> None:
    names = ("livekit_url", "livekit_api_key", "livekit_api_secret")
    given = [name.upper() for name in names if values[name]]
    missing = [name.upper() for name in names if not values[name]]
    if given and missing:
        raise SettingsError(
            f"{' and '.join(missing)} missing: {' and '.join(given)} set. "
            "Set all three, or none to use a LiveKit server on this machine."
        )
