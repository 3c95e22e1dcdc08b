"""`voice-assistant doctor`: what is wrong with this set-up, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from bot.finding import Finding
from bot.mistakes import mistakes_of
from bot.services.probe import probe_providers
from bot.settings import BotSettings
from cli import machine, media
from server.pages import WIDGET_DIST
from server.settings import ServerSettings

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = Path(".env")

_Settings = TypeVar("_Settings", bound=BaseSettings)


async def examine() -> list[Finding]:
    """Return every finding; what cannot be read is not tried.

    Each class of settings is examined alone, so that one mistake hides no other.
    """
    server, bad_server = _read(ServerSettings)
    bot, bad_bot = _read(BotSettings)
    if server is None and bot is None and not _has_env_file():
        remedy = (
            "No LiveKit server and no keys are named: `make run` starts local ones; to deploy, "
            "copy .env.example to .env and fill it in."
        )
        return [Finding("no_settings", remedy)]
    found = [
        *bad_server,
        *bad_bot,
        *machine.check_python(),
        *machine.check_packages(ROOT / "requirements" / "runtime.lock"),
        *machine.check_names(ENV_FILE, ROOT / ".env.example"),
    ]
    if bot is not None:
        found += machine.check_files(bot, WIDGET_DIST)
        found += await probe_providers(bot)
    if server is not None:
        found += machine.check_port(server.host, server.port)
        found += media.check_addresses(server)
        found += await machine.check_redis(server)
        found += await media.check_livekit(server)
    return found


def _has_env_file() -> bool:
    return ENV_FILE.is_file()


def _read(kind: type[_Settings]) -> tuple[_Settings | None, list[Finding]]:
    try:
        return kind(), []
    except ValidationError as error:
        return None, [Finding("setting_invalid", f"{mistake}.") for mistake in mistakes_of(error)]


def run(*, as_json: bool) -> int:
    """Print what is found; return 1 when conversations would fail, else 0.

    Args:
        as_json: One JSON object a line instead of sentences: `code`, `remedy`, `fatal`.
    """
    found = asyncio.run(examine())
    for finding in found:
        sys.stdout.write(_as_json(finding) if as_json else _as_text(finding))
    failed = sum(finding.is_fatal for finding in found)
    if not found and not as_json:
        sys.stdout.write("All is well: settings, providers, LiveKit and its media.\n")
    return 1 if failed else 0


def _as_text(finding: Finding) -> str:
    kind = "wrong" if finding.is_fatal else "advice"
    return f"{kind:8}{finding.code}\n        {finding.remedy}\n"


def _as_json(finding: Finding) -> str:
    fields = {"code": finding.code, "remedy": finding.remedy, "fatal": finding.is_fatal}
    return json.dumps(fields) + "\n"
