"""Length-prefixed frames between the engine server and an engine program, over stdin and stdout.

A frame is two little-endian u32 lengths (header, body), a JSON object, and raw bytes. The Piper
program keeps its own copy of these few lines: it shares the format, not the code.
"""

import asyncio
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct("<II")

# Larger than any honest frame (a minute of 16 kHz s16le audio is 1.9 MB).
MAX_HEADER_BYTES = 1 << 20
MAX_BODY_BYTES = 1 << 24


class BadFrameError(RuntimeError):
    """The peer sent bytes that are no frame."""


@dataclass(frozen=True)
class Frame:
    """One message: a JSON header and an optional binary body."""

    header: dict[str, Any]
    body: bytes = b""


def encode(frame: Frame) -> bytes:
    """Return the frame's bytes."""
    header = json.dumps(frame.header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(header), len(frame.body)) + header + frame.body


async def read_async(stream: asyncio.StreamReader) -> Frame:
    """Read one frame.

    Raises:
        asyncio.IncompleteReadError: If the stream ended.
        BadFrameError: If the lengths are out of bounds.
    """
    header_bytes, body_bytes = _lengths(await stream.readexactly(_LENGTHS.size))
    header = json.loads(await stream.readexactly(header_bytes))
    return Frame(header, await stream.readexactly(body_bytes))


def read_blocking(read: Callable[[int], bytes]) -> Frame | None:
    """Read one frame from a blocking, buffered `read(n)`; None at the end of the stream.

    Raises:
        BadFrameError: If the lengths are out of bounds.
    """
    prefix = read(_LENGTHS.size)
    if len(prefix) < _LENGTHS.size:
        return None
    header_bytes, body_bytes = _lengths(prefix)
    header = json.loads(read(header_bytes))
    return Frame(header, read(body_bytes))


def _lengths(prefix: bytes) -> tuple[int, int]:
    header_bytes, body_bytes = _LENGTHS.unpack(prefix)
    if header_bytes > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
        raise BadFrameError(f"frame of {header_bytes}+{body_bytes} bytes")
    return header_bytes, body_bytes
