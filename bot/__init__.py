"""One conversation: the pipeline, its session and everything a turn needs."""

from bot.entry import bot

__all__ = ["bot"]
