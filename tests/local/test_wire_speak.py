"""`/v1/speak` as Deepgram's own client and a raw socket see it."""

import time

import aiohttp
import httpx
import numpy as np
import pytest
from deepgram.speak.v1.types import SpeakV1Flushed, SpeakV1Metadata, SpeakV1Text

from tests.local.wire_server import (
    WireServer,
    elapsed_ms,
    open_socket,
    run,
)

# Deepgram's client opens sockets through the older websockets API, which warns when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

QUERY = "model=aura-2-helena-en&encoding=linear16&sample_rate=16000"


def seconds(audio: bytes, rate_hz: int = 16_000) -> float:
    return len(audio) / 2 / rate_hz


def test_sdk_receives_metadata_audio_and_flushed(server: WireServer) -> None:
    """Deepgram's unmodified client gets Metadata, audio of a realistic length, and Flushed."""

    async def story() -> tuple[list, bytes]:
        texts: list = []
        audio = b""
        options = {"model": "aura-2-helena-en", "encoding": "linear16", "sample_rate": "24000"}
        async with server.deepgram().speak.v1.connect(**options) as connection:
            await connection.send_text(SpeakV1Text(type="Speak", text="Hello there."))
            await connection.send_flush()
            while not texts or not isinstance(texts[-1], SpeakV1Flushed):
                message = await connection.recv()
                if isinstance(message, bytes):
                    audio += message
                else:
                    texts.append(message)
            await connection.send_close()
        return texts, audio

    texts, audio = run(story())
    assert isinstance(texts[0], SpeakV1Metadata)
    assert texts[0].model_name == "aura-2-helena-en"
    assert texts[-1].sequence_id == 0
    assert 0.5 < seconds(audio, 24_000) < 1.5
    assert np.abs(np.frombuffer(audio[:960], dtype="<i2")).max() > 5000


def test_first_audio_arrives_the_fixed_delay_after_a_sentence(server: WireServer) -> None:
    """Synthesis starts at the end of a sentence, without Flush, and takes the fixed 80 ms."""

    async def once() -> float:
        async with open_socket(server, "/v1/speak", QUERY) as socket:
            await socket.until("Metadata")
            for token in ("Sure", ",", " I", " can"):
                await socket.say("Speak", text=token)
            await socket.say("Speak", text=".")
            began = time.monotonic()
            await socket.say("Speak", text=" And")
            message = await socket.raw.receive()
            assert message.type is aiohttp.WSMsgType.BINARY
            return elapsed_ms(began)

    delays = sorted(run(once()) for _ in range(5))
    assert delays[0] >= 78
    assert delays[2] <= 100


def test_sentences_are_spoken_one_after_another(server: WireServer) -> None:
    """Several sentences in one Speak arrive in order, each after its own delay."""

    async def story() -> tuple[float, float]:
        async with open_socket(server, "/v1/speak", QUERY) as socket:
            await socket.until("Metadata")
            began = time.monotonic()
            await socket.say("Speak", text="One is here. Two is here. ")
            await socket.say("Flush")
            await socket.raw.receive_bytes()
            first = elapsed_ms(began)
            await socket.until("Flushed")
            return first, elapsed_ms(began)

    first, flushed = run(story())
    assert first < 130
    assert flushed >= 158


def test_nothing_stale_follows_cleared(server: WireServer) -> None:
    """After Cleared no audio of the text before it arrives, and new text is spoken."""

    async def story() -> tuple[bytes, dict]:
        async with open_socket(server, "/v1/speak", QUERY) as socket:
            await socket.say("Speak", text="A sentence. " * 40)
            await socket.say("Flush")
            await socket.raw.receive()
            await socket.raw.receive_bytes()
            await socket.say("Clear")
            cleared = await socket.until("Cleared")
            await socket.say("Speak", text="New.")
            await socket.say("Flush")
            audio = b""
            while (message := await socket.raw.receive()).type is aiohttp.WSMsgType.BINARY:
                audio += message.data
            return audio, cleared

    audio, cleared = run(story())
    assert cleared["sequence_id"] == 0
    assert seconds(audio) == pytest.approx(len("New.") / 15, abs=0.01)


def test_close_ends_the_connection_at_once(server: WireServer) -> None:
    """Close is answered with a normal close."""

    async def story() -> int | None:
        async with open_socket(server, "/v1/speak", QUERY) as socket:
            await socket.say("Speak", text="A sentence. " * 40)
            await socket.say("Close")
            _, code = await socket.rest()
            return code

    assert run(story()) == 1000


def test_too_many_flushes_are_warned_about(server: WireServer) -> None:
    """The 21st Flush within a minute is answered with a Warning and not obeyed."""

    async def story() -> list[dict]:
        async with open_socket(server, "/v1/speak", QUERY) as socket:
            for _ in range(21):
                await socket.say("Flush")
            await socket.say("Clear")
            messages = [await socket.until("Metadata")]
            while messages[-1]["type"] != "Cleared":
                messages.append((await socket.raw.receive()).json())
            return messages

    kinds = [message["type"] for message in run(story())]
    assert kinds.count("Warning") == 1


@pytest.mark.parametrize(
    "query",
    [
        QUERY.replace("linear16", "opus"),
        QUERY.replace("16000", "11025"),
        QUERY.replace("aura-2-helena-en", "en-US-Ava"),
    ],
)
def test_bad_parameters_are_refused_at_the_handshake(server: WireServer, query: str) -> None:
    """A parameter that cannot be served is refused with 400 and the dg-error header."""

    async def story() -> None:
        async with open_socket(server, "/v1/speak", query):
            pass

    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        run(story())
    assert error.value.status == 400
    assert error.value.headers
    assert error.value.headers["dg-error"].startswith("Bad Request")


def test_sdk_receives_audio_over_http(server: WireServer) -> None:
    """POST /v1/speak streams the audio at the asked rate."""

    async def story() -> bytes:
        async with httpx.AsyncClient() as http:
            speech = server.deepgram(http=http).speak.v1.audio.generate(
                text="Hello there.",
                model="aura-2-helena-en",
                encoding="linear16",
                sample_rate=48_000,
                container="none",
            )
            return b"".join([chunk async for chunk in speech])

    assert seconds(run(story()), 48_000) == pytest.approx(12 / 15, abs=0.01)
