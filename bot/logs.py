"""One log sink for the process: session id on each line, secrets on none."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

# Any JSON Web Token: Pipecat and LiveKit's Rust layer print whole ones on connect errors.
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_REDACTED = "[redacted]"

_LINE = "{time:YYYY-MM-DDTHH:mm:ss.SSSZ} {level} {extra[session]} {name}: {extra[said]}\n"

# Below WARNING Pipecat writes prompts, transcripts and answers.
_LIBRARY_LEVEL = "WARNING"
_LIBRARIES = ("pipecat", "livekit", "openai", "httpx", "websockets", "deepgram", "aiohttp")
# These repeat what a provider answered, and providers repeat prompts and keys. Where in the library
# it was said is kept; our own lines say under which code it is known.
_QUOTING = frozenset(_LIBRARIES) - {"livekit"}


class _ToLoguru(logging.Handler):
    """Sends the standard library's log records through the same sink."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.opt(depth=6, exception=record.exc_info).log(record.levelname, record.getMessage())


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Return the text with every token and every given secret replaced."""
    text = _JWT.sub(_REDACTED, text)
    for secret in secrets:
        text = text.replace(secret, _REDACTED)
    return text


def _package(record: Record) -> str:
    return (record["name"] or "").split(".")[0]


def _said(record: Record) -> str:
    """Return a record's message and traceback, without what others may have put into them."""
    said = record["message"]
    if _package(record) in _QUOTING:
        said = f"[withheld: line {record['line']}]"
    exception = record["exception"]
    if exception is None or exception.type is None:
        return said
    # An exception's text is left out, and so are those of its causes: they may quote.
    trace = "".join(traceback.format_tb(exception.traceback))
    return f"{said}\n{trace}{exception.type.__name__}"


def _template(line: str) -> Callable[[Record], str]:
    """Return a format that adds no traceback of its own."""

    def template(record: Record) -> str:
        record["extra"]["said"] = _said(record)
        return line

    return template


def _as_json(message: Message) -> str:
    """Return one JSON object for a line; a traceback is part of its message."""
    record = message.record
    fields = {
        "time": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "session": record["extra"]["session"],
        "logger": record["name"],
        "message": str(message),
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def configure_logging(level: str, secrets: Sequence[str], *, as_json: bool = False) -> None:
    """Make standard error the only sink.

    Args:
        level: Least level of this project's own lines; libraries write from WARNING on, or from
            this one where it is higher.
        secrets: Values that must never be written (keys).
        as_json: One JSON object a line instead of text.
    """
    own_level = logger.level(level).no
    library_level = max(own_level, logger.level(_LIBRARY_LEVEL).no)

    def wanted(record: Record) -> bool:
        is_library = _package(record) in _LIBRARIES
        return record["level"].no >= (library_level if is_library else own_level)

    def write(message: Message) -> None:
        line = _as_json(message) if as_json else str(message)
        sys.stderr.write(redact(line, secrets))

    logger.remove()
    logger.configure(extra={"session": "-"})
    logger.add(
        write,
        format=_template("{extra[said]}" if as_json else _LINE),
        filter=wanted,
        # A line below this costs nothing; Pipecat writes a hundred a second that nobody wants.
        level=min(own_level, library_level),
        backtrace=False,
        diagnose=False,
    )
    logging.basicConfig(handlers=[_ToLoguru()], level=_LIBRARY_LEVEL, force=True)
