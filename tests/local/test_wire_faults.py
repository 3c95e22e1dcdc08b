"""Fault switches of the speech services, and the switchboard itself."""

import asyncio
import time

import aiohttp
import numpy as np
import pytest

from local.wire.faults import BadFaultError, FaultBoard
from tests.local.wire_server import (
    LISTEN_QUERY,
    WireServer,
    elapsed_ms,
    open_socket,
    run,
    silence,
    tone,
)

SPEAK_QUERY = "model=aura-2-helena-en&encoding=linear16&sample_rate=16000"


@pytest.mark.parametrize(("service", "path"), [("stt", "/v1/listen"), ("tts", "/v1/speak")])
def test_refuse_fails_the_handshake_as_often_as_asked(
    server: WireServer, service: str, path: str
) -> None:
    """Refuse answers the handshake with its status, `times` times."""
    server.faults({service: {"fault": "refuse", "status": 429, "times": 1}})
    query = LISTEN_QUERY if service == "stt" else SPEAK_QUERY

    async def story() -> None:
        async with open_socket(server, path, query):
            pass

    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        run(story())
    assert error.value.status == 429
    run(story())


@pytest.mark.parametrize(
    ("service", "path", "code"), [("stt", "/v1/listen", 1011), ("tts", "/v1/speak", 1008)]
)
def test_close_reaches_a_socket_that_is_already_open(
    server: WireServer, service: str, path: str, code: int
) -> None:
    """Close ends an open socket with its code after its milliseconds."""
    query = LISTEN_QUERY if service == "stt" else SPEAK_QUERY

    async def story() -> tuple[float, int | None]:
        async with open_socket(server, path, query) as socket:
            fault = {service: {"fault": "close", "code": code, "after_ms": 200, "times": 1}}
            await asyncio.to_thread(server.faults, fault)
            began = time.monotonic()
            _, got = await socket.rest()
            return elapsed_ms(began), got

    waited_ms, got = run(story())
    assert got == code
    assert waited_ms >= 150


def test_silent_swallows_one_final(server: WireServer) -> None:
    """Silent with times=1 loses one utterance and gives the next."""
    server.faults({"stt": {"fault": "silent", "times": 1}})

    async def story() -> str:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.raw.send_bytes(tone(0.3) + silence(0.3))
            await asyncio.sleep(0.3)
            await socket.raw.send_bytes(tone(0.3) + silence(0.3))
            result = await socket.until("Results", is_final=True)
            return result["channel"]["alternatives"][0]["transcript"]

    assert run(story()) == "this is utterance 2 i say"


def test_slow_delays_finals(server: WireServer) -> None:
    """Slow adds its milliseconds to a final."""
    server.faults({"stt": {"fault": "slow", "ms": 400}})

    async def story() -> float:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            began = time.monotonic()
            await socket.raw.send_bytes(tone(0.3) + silence(0.3))
            await socket.until("Results", is_final=True)
            return elapsed_ms(began)

    assert run(story()) >= 490


def test_half_open_neither_reads_nor_answers(server: WireServer) -> None:
    """half_open leaves the socket open, silent, and deaf to pings."""
    server.faults({"stt": {"fault": "half_open"}})

    async def story() -> None:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.raw.send_bytes(tone(0.3) + silence(0.3))
            await socket.say("Finalize")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.raw.receive(), 0.5)
            assert not socket.raw.closed
            # The client's own close would wait for an answer that never comes.
            socket.raw._response.close()

    run(story())


def test_silent_voice_is_flushed_without_audio(server: WireServer) -> None:
    """Silent gives Flushed and no audio."""
    server.faults({"tts": {"fault": "silent"}})

    async def story() -> list:
        async with open_socket(server, "/v1/speak", SPEAK_QUERY) as socket:
            await socket.say("Speak", text="Hello there.")
            await socket.say("Flush")
            await socket.until("Metadata")
            return [(await socket.raw.receive()).type]

    assert run(story()) == [aiohttp.WSMsgType.TEXT]


def test_cut_breaks_the_connection_in_the_middle_of_the_audio(server: WireServer) -> None:
    """Cut gives its milliseconds of audio and then drops the connection without a close."""
    server.faults({"tts": {"fault": "cut", "after_ms": 150}})

    async def story() -> tuple[int, int | None]:
        async with open_socket(server, "/v1/speak", SPEAK_QUERY) as socket:
            await socket.say("Speak", text="Hello there.")
            await socket.say("Flush")
            messages, code = await socket.rest()
            return sum(len(m) for m in messages if isinstance(m, bytes)), code

    audio_bytes, code = run(story())
    assert audio_bytes == 2 * 16 * 150
    assert code == 1006


def test_wrong_rate_gives_audio_of_another_rate(server: WireServer) -> None:
    """wrong_rate gives as much audio as its own rate needs, so the tone plays too high."""
    server.faults({"tts": {"fault": "wrong_rate", "hz": 8000}})

    async def story() -> bytes:
        async with open_socket(server, "/v1/speak", SPEAK_QUERY) as socket:
            await socket.until("Metadata")
            await socket.say("Speak", text="Hello there.")
            await socket.say("Flush")
            audio = b""
            while (message := await socket.raw.receive()).type is aiohttp.WSMsgType.BINARY:
                audio += message.data
            return audio

    samples = np.frombuffer(run(story()), dtype="<i2")
    assert len(samples) == 12 / 15 * 8000


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"web": {"fault": "refuse"}},
        {"stt": {"fault": "explode"}},
        {"stt": {"fault": "refuse", "times": 0}},
        {"stt": {"fault": "slow", "ms": "long"}},
        {"llm": {"fault": "status", "colour": 1}},
    ],
)
def test_bad_switches_are_refused_and_change_nothing(body: object) -> None:
    """A body that is not understood raises and leaves the board as it was."""

    async def story() -> None:
        board = FaultBoard()
        board.put({"tts": {"fault": "silent"}})
        before = board.view()
        with pytest.raises(BadFaultError):
            board.put(body)
        assert board.view() == before

    run(story())


def test_faults_in_a_list_are_worked_off_in_order() -> None:
    """A list applies its first fault until its times are used up, then the next."""

    async def story() -> None:
        board = FaultBoard()
        faults = [{"fault": "silent", "times": 1}, {"fault": "slow", "ms": 5}]
        board.put({"stt": faults})
        assert board.take("stt", "slow") is None
        assert board.take("stt", "silent")
        fault = board.take("stt", "slow", "silent")
        assert fault
        assert fault.secs("ms") == 0.005

    run(story())
