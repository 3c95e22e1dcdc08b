"""What can go wrong before or during a session, each with a machine-readable code."""

from __future__ import annotations


class BotError(Exception):
    """Base of the bot's errors; `code` is what clients and metrics see."""

    code = "bot_error"


class SettingError(BotError):
    """A setting is missing or unusable; the message names the variable."""

    code = "setting_invalid"


class KnowledgeError(SettingError):
    """The knowledge directory cannot be read or does not fit in a prompt."""

    code = "knowledge_invalid"
