"""The brain: answers by retrieval. Request `{"messages": [...]}`; replies `{"token": "..."}`."""

import re
from collections.abc import Iterator

from local.engines.answers import answer
from local.engines.frames import Frame
from local.engines.minilm import Embedder
from local.engines.program import Cancelled, Engine, run
from local.engines.retrieval import Library

_TOKEN = re.compile(r"\s*\S+")


def load() -> Engine:
    """Load the embedder and return the engine."""
    embedder = Embedder()
    embedder.embed("warm up")
    library = Library(embedder.embed)

    def handle(request: Frame, cancelled: Cancelled) -> Iterator[Frame]:
        if cancelled():
            return
        for token in _TOKEN.findall(answer(request.header["messages"], library)):
            yield Frame({"token": token})

    return Engine(handle, library.work)


if __name__ == "__main__":
    run(load)
