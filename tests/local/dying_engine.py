"""An engine program for tests: echoes its request, and dies when it is told to."""

import os
from collections.abc import Iterator

from local.engines.frames import Frame
from local.engines.program import Cancelled, Engine, run


def load() -> Engine:
    def handle(request: Frame, cancelled: Cancelled) -> Iterator[Frame]:
        if request.header.get("die"):
            os._exit(1)
        if request.header.get("fail"):
            raise ValueError("bad request")
        while request.header.get("loop") and not cancelled():
            yield Frame({"turn": 1})
        yield Frame({"echo": request.header.get("text")}, request.body)

    return Engine(handle)


if __name__ == "__main__":
    run(load)
