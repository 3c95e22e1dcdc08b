import importlib
import ssl
import warnings
from collections.abc import Callable

import pytest
from loguru import logger

from tests.replay.timeline import TIMELINES, Timeline

# What libraries import of each other is theirs to mend; some do it only when they connect.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for module in (
        "deepgram.core.websocket_compat",
        "deepgram.listen.v1.client",
        "pipecat.processors.aggregators.llm_response_universal",
        "pipecat.services.deepgram.stt",
        "pipecat.services.deepgram.tts",
    ):
        importlib.import_module(module)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-timelines",
        action="store_true",
        help="rewrite the expected timelines from what the replays do (then read the diff)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TIMELINES.parent):
            item.add_marker(pytest.mark.replay)
            # Pipecat finds its models by a function of importlib.resources that is to go.
            item.add_marker(
                pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning:pipecat")
            )


@pytest.fixture(autouse=True)
def _quiet_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep transcripts out of the test log; no peer speaks TLS, so no certificates are loaded."""
    logger.remove()
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)


@pytest.fixture
def expect(request: pytest.FixtureRequest) -> Callable[[Timeline], None]:
    """Compare a timeline with `timelines/<test name>.timeline`, or rewrite that file."""

    def compare(timeline: Timeline) -> None:
        name = request.node.name.removeprefix("test_").replace("[", ".").replace("]", "")
        path = TIMELINES / f"{name}.timeline"
        if request.config.getoption("--update-timelines", default=False):
            TIMELINES.mkdir(exist_ok=True)
            path.write_text(str(timeline), encoding="utf-8")
        assert not timeline.unclosed, f"connections left open: {timeline.unclosed}"
        difference = timeline.difference(path)
        assert not difference, f"\n{difference}"

    return compare
