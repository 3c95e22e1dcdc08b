"""What tells a caller that all is not well: the bot's messages, and the room's own events."""

from __future__ import annotations

import time
from typing import Any

from local.caller import Caller

# The room's events, kept among the bot's messages by `note`.
_EVENTS = ("reconnecting", "disconnected", "bot-left")


def note(caller: Caller, event: str) -> None:
    """Keep one of the room's events among the messages, as something that has arrived now."""
    caller.messages.append({"type": event, "_at_secs": time.monotonic()})
    caller._news.set()


def end_reason(message: dict[str, Any]) -> str:
    """Return why the bot says that it leaves; empty for every other message."""
    data = message.get("data")
    if not isinstance(data, dict) or data.get("type") != "session-ended":
        return ""
    return str(data.get("reason"))


def is_notice(message: dict[str, Any]) -> bool:
    """Whether a page would show that something is wrong, or over."""
    return message["type"] in ("error", *_EVENTS) or bool(end_reason(message))


def codes_of(caller: Caller) -> list[str]:
    """Return errors, incidents and ends so far, each once; the room's own events in brackets."""
    codes: dict[str, None] = {}
    for message in caller.messages:
        data = message.get("data") or {}
        if message["type"] == "error":
            codes[data["error"]] = None
        elif message["type"] == "server-message":
            codes[data.get("code") or data.get("reason") or ""] = None
        elif message["type"] in _EVENTS:
            codes[f"({message['type']})"] = None
    return [code for code in codes if code]
