from collections.abc import Iterator

import pytest

from tests.local.wire_server import DELAYS, WireServer, running_server


@pytest.fixture(scope="session")
def delay_server() -> Iterator[WireServer]:
    """One delay server for all tests of the wire."""
    with running_server("--delays", DELAYS) as server:
        yield server


@pytest.fixture
def server(delay_server: WireServer) -> Iterator[WireServer]:
    """The delay server; faults that a test leaves on are cleared behind it."""
    yield delay_server
    delay_server.clear_faults()
