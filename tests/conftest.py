"""What every test stands on: no `.env`, no key of the developer's, quiet libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from loguru import logger

from bot.settings import BotSettings
from server.settings import ServerSettings

REPOSITORY = Path(__file__).parent.parent

# The same examples each time, on a machine of any speed: a failure is found again by running again.
hypothesis_settings.register_profile("here", derandomize=True, deadline=None, database=None)
hypothesis_settings.load_profile("here")
# New examples each time, ten times as many: `--hypothesis-profile=fuzz`.
hypothesis_settings.register_profile("fuzz", max_examples=1000, deadline=None, database=None)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads a developer's `.env` or environment by accident."""
    for settings in (BotSettings, ServerSettings):
        monkeypatch.setitem(settings.model_config, "env_file", None)
        for name in settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Everything logged during a test, at every level, formatted as the product formats it."""
    lines: list[str] = []
    sink = logger.add(lines.append, level=0, format="{level} {name}: {message}")
    yield lines
    logger.remove(sink)


def environment() -> dict[str, str]:
    """The environment for child processes of tests: this one's, with single-threaded maths."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # noqa: TID251
