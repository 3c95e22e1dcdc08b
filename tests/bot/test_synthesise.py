"""The greeting's audio, over the wire protocol of the provider."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from bot.phrases import RATE_HZ
from bot.services import build_services, llm_http, synthesise
from bot.settings import BotSettings
from tests.local.wire_server import DELAYS, WireServer, run, running_server

TEXT = "Hello! How can I help you?"


@pytest.fixture(scope="module")
def wire() -> Iterator[WireServer]:
    with running_server("--delays", DELAYS) as server:
        yield server


def settings(base_url: str) -> BotSettings:
    return BotSettings(deepgram_base_url=base_url, groq_base_url="http://127.0.0.1:9")


def test_a_text_becomes_audio(wire: WireServer) -> None:
    """The whole text is there, as 16-bit samples, whichever form the base URL has."""
    pcm = run(synthesise(settings(wire.url), TEXT, RATE_HZ))
    assert len(pcm) % 2 == 0
    assert len(pcm) / 2 / RATE_HZ > 0.5
    assert any(pcm)
    assert len(run(synthesise(settings(wire.ws_url), TEXT, RATE_HZ))) == len(pcm)


def test_a_refusal_is_an_os_error(wire: WireServer) -> None:
    """A refused key and an address where nobody is are one kind of failure, without any detail."""
    wire.faults({"tts": {"fault": "refuse", "status": 401}})
    try:
        for base_url in (wire.url, "http://127.0.0.1:9"):
            with pytest.raises(OSError, match=r"^[A-Za-z]+$"):
                run(synthesise(settings(base_url), TEXT, RATE_HZ))
    finally:
        wire.clear_faults()


def test_sessions_of_a_process_share_the_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second session reads no certificate: that would hold up every other one for 90 ms."""
    first = settings("http://127.0.0.1:9")
    build_services(first, "Be kind.")

    def read(*_: object, **__: object) -> None:
        pytest.fail("certificates are read again")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read)
    build_services(first, "Be kind.")
    llm_http()
