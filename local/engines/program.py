"""The engine program's side: load, say ready, then answer one request at a time.

Requests carry an `id`; each reply repeats it, and a frame of type `end` or `error` closes the
request. A frame `{"cancel": id}` may arrive at any time. The program ends when its standard input
ends, which is how it dies with its server, however that one died.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.engines.frames import Frame, encode, read_blocking
from local.models import ModelFileError

Cancelled = Callable[[], bool]
Handler = Callable[[Frame, Cancelled], Iterator[Frame]]


def _nothing_to_do() -> bool:
    return False


@dataclass(frozen=True)
class Engine:
    """What a program runs.

    Attributes:
        handle: Answers one request.
        idle: Does a short piece of work while no request waits; False when there is none.
    """

    handle: Handler
    idle: Callable[[], bool] = _nothing_to_do


def run(load: Callable[[], Engine]) -> None:
    """Serve requests with the engine that `load` returns, until standard input ends."""
    # Libraries that print must not corrupt the frames: hand them stderr instead.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    cancelled: set[int] = set()
    threading.Thread(target=_listen, args=(requests, cancelled), daemon=True).start()
    try:
        engine = load()
    except ModelFileError as error:
        out.write(encode(Frame({"type": "failed", "message": str(error)})))
        sys.exit(1)
    out.write(encode(Frame({"type": "ready"})))
    while True:
        while requests.empty() and engine.idle():
            pass
        _answer(requests.get(), engine.handle, cancelled, out.write)


def _answer(
    request: Frame, handler: Handler, cancelled: set[int], write: Callable[[bytes], Any]
) -> None:
    number: int = request.header["id"]
    try:
        for reply in handler(request, lambda: number in cancelled):
            if number in cancelled:
                break
            write(encode(Frame({"id": number, **reply.header}, reply.body)))
    except Exception as error:  # noqa: BLE001 - one bad request must not end the engine
        write(encode(Frame({"id": number, "type": "error", "message": type(error).__name__})))
    else:
        write(encode(Frame({"id": number, "type": "end"})))
    cancelled.discard(number)


def _listen(requests: "queue.SimpleQueue[Frame]", cancelled: set[int]) -> None:
    while frame := read_blocking(sys.stdin.buffer.read):
        if "cancel" in frame.header:
            cancelled.add(frame.header["cancel"])
        else:
            requests.put(frame)
    os._exit(0)
