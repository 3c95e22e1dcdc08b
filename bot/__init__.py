"""One conversation: the pipeline, its session and everything a turn needs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["bot"]  # pyright: ignore[reportUnsupportedDunderAll] - given by __getattr__


def __getattr__(name: str) -> Any:
    """Import `bot.bot`, Pipecat's entry, when it is asked for.

    The door imports settings and messages from this package, and needs none of the 100 MB that
    the pipeline brings along.
    """
    if name == "bot":
        return import_module("bot.entry").bot
    raise AttributeError(name)
