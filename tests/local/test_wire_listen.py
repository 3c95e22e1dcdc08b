"""`/v1/listen` as Deepgram's own client and a raw socket see it."""

import asyncio
import time

import aiohttp
import httpx
import pytest
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.listen.v1.types import ListenV1Metadata, ListenV1Results

from local.wire.audio import wav
from tests.local.wire_server import (
    LISTEN_QUERY,
    WireServer,
    elapsed_ms,
    open_socket,
    run,
    silence,
    tone,
)

# Deepgram's client opens sockets through the older websockets API, which warns when it is imported.
HEARD_1, HEARD_2 = "this is utterance 1 i say", "this is utterance 2 i say"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def transcript(result: dict) -> str:
    return result["channel"]["alternatives"][0]["transcript"]


def test_sdk_receives_interim_and_final_results(server: WireServer) -> None:
    """Deepgram's unmodified client gets typed interim and final Results, then Metadata."""

    async def story() -> list:
        messages: list = []
        options = {
            "model": "nova-3-general",
            "encoding": "linear16",
            "sample_rate": "16000",
            "interim_results": "true",
        }
        async with server.deepgram().listen.v1.connect(**options) as connection:
            connection.on(EventType.MESSAGE, messages.append)
            listening = asyncio.create_task(connection.start_listening())
            for _ in range(35):
                await connection.send_media(tone(0.02))
                await asyncio.sleep(0.02)
            await connection.send_media(silence(0.2))
            await connection.send_keep_alive()
            await asyncio.sleep(0.15)
            await connection.send_close_stream()
            await listening
        return messages

    messages = run(story())
    results = [message for message in messages if isinstance(message, ListenV1Results)]
    finals = [result for result in results if result.is_final]
    assert [final.channel.alternatives[0].transcript for final in finals] == [HEARD_1]
    assert any(not result.is_final for result in results)
    words = finals[0].channel.alternatives[0].words
    assert [word.word for word in words] == HEARD_1.split()
    assert 0 <= words[0].start < words[0].end <= words[1].end
    assert finals[0].speech_final
    assert finals[0].metadata.request_id
    assert isinstance(messages[-1], ListenV1Metadata)


def test_final_arrives_the_fixed_delay_after_the_last_speech(server: WireServer) -> None:
    """With fixed delays the final comes 100 ms after the last speech arrived, to a few ms."""

    async def once() -> float:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.raw.send_bytes(tone(0.3))
            began = time.monotonic()
            await socket.raw.send_bytes(silence(0.3))
            await socket.until("Results", is_final=True)
            return elapsed_ms(began)

    delays = sorted(run(once()) for _ in range(5))
    assert delays[0] >= 95
    assert delays[2] <= 120


def test_finalize_is_answered_with_the_text_when_endpointing_is_off(server: WireServer) -> None:
    """With endpointing=false only Finalize ends an utterance, and its reply carries the text."""

    async def story() -> dict:
        query = LISTEN_QUERY + "&endpointing=false"
        async with open_socket(server, "/v1/listen", query) as socket:
            await socket.raw.send_bytes(tone(0.3) + silence(0.5))
            await asyncio.sleep(0.2)
            await socket.say("Finalize")
            return await socket.until("Results", is_final=True)

    result = run(story())
    assert transcript(result) == HEARD_1
    assert result["from_finalize"]


def test_finalize_in_silence_is_answered_with_an_empty_final(server: WireServer) -> None:
    """Finalize with nothing to finalise is answered with an empty, final, from_finalize result."""

    async def story() -> dict:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.raw.send_bytes(silence(0.2))
            await socket.say("Finalize")
            return await socket.until("Results")

    result = run(story())
    assert (transcript(result), result["is_final"], result["from_finalize"]) == ("", True, True)


def test_results_cover_the_stream_without_gaps(server: WireServer) -> None:
    """Each final starts where the one before it ended, in seconds of received audio."""

    async def story() -> list[dict]:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            finals = []
            for _ in range(2):
                await socket.raw.send_bytes(tone(0.3) + silence(0.3))
                finals.append(await socket.until("Results", is_final=True))
            return finals

    first, second = run(story())
    assert first["start"] == 0
    assert second["start"] == pytest.approx(first["start"] + first["duration"], abs=0.001)
    assert [transcript(first), transcript(second)] == [
        HEARD_1,
        HEARD_2,
    ]


def test_vad_events_and_utterance_end_are_sent_when_asked_for(server: WireServer) -> None:
    """vad_events gives SpeechStarted, utterance_end_ms gives UtteranceEnd after that much gap."""

    async def story() -> tuple[dict, dict]:
        query = LISTEN_QUERY + "&vad_events=true&utterance_end_ms=1000"
        async with open_socket(server, "/v1/listen", query) as socket:
            await socket.raw.send_bytes(silence(0.5) + tone(0.3) + silence(1.2))
            started = await socket.until("SpeechStarted")
            return started, await socket.until("UtteranceEnd")

    started, ended = run(story())
    assert started["timestamp"] == pytest.approx(0.5, abs=0.05)
    assert ended["last_word_end"] == pytest.approx(0.8, abs=0.05)


def test_close_stream_flushes_and_closes_normally(server: WireServer) -> None:
    """CloseStream gives the open utterance's final, then Metadata, then a normal close."""

    async def story() -> tuple[list, int | None]:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.raw.send_bytes(tone(0.5))
            await socket.say("CloseStream")
            return await socket.rest()

    messages, code = run(story())
    assert [message["type"] for message in messages] == ["Results", "Metadata"]
    assert messages[1]["duration"] == pytest.approx(0.5, abs=0.02)
    assert code == 1000


def test_audio_at_48_khz_is_resampled(server: WireServer) -> None:
    """Seconds are seconds at any sample rate."""

    async def story() -> dict:
        query = LISTEN_QUERY.replace("16000", "48000")
        async with open_socket(server, "/v1/listen", query) as socket:
            await socket.raw.send_bytes(tone(0.5, 48_000) + silence(0.5, 48_000))
            return await socket.until("Results", is_final=True)

    assert run(story())["duration"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("encoding=mp3&sample_rate=16000", 400),
        ("encoding=linear16&sample_rate=100", 400),
        ("encoding=linear16&sample_rate=16000&model=gpt-4", 400),
        ("encoding=linear16&sample_rate=16000&endpointing=soon", 400),
    ],
)
def test_bad_parameters_are_refused_at_the_handshake(
    server: WireServer, query: str, status: int
) -> None:
    """A parameter that cannot be served is refused with Deepgram's body and dg-error header."""

    async def story() -> None:
        headers = {"Authorization": "Token k"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{server.url}/v1/listen?{query}", headers=headers) as response,
        ):
            body = await response.json()
            assert response.status == status
            assert response.headers["dg-error"] == body["err_msg"]
            assert body["err_code"] == "Bad Request"
            assert body["request_id"]

    run(story())


@pytest.mark.parametrize("key", ["refused", ""])
def test_sdk_sees_401_for_a_wrong_key(server: WireServer, key: str) -> None:
    """A refused or empty key fails the handshake with status 401, as the client reports it."""

    async def story() -> None:
        client = server.deepgram(key or " ")
        async with client.listen.v1.connect(
            model="nova-3", encoding="linear16", sample_rate="16000"
        ):
            pass

    with pytest.raises(ApiError) as error:
        run(story())
    assert error.value.status_code == 401


def test_unknown_text_message_is_a_schema_error(server: WireServer) -> None:
    """A text message that is not understood is answered with Error and a policy close."""

    async def story() -> tuple[list, int | None]:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.raw.send_str("{not json")
            return await socket.rest()

    messages, code = run(story())
    assert messages[0]["variant"] == "SchemaError"
    assert code == 1008


def test_configure_is_declined_and_the_stream_goes_on(server: WireServer) -> None:
    """Configure is answered with ConfigureFailure, and later messages are obeyed."""

    async def story() -> dict:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            await socket.say("Configure", keyterms=["cacao"])
            failure = await socket.until("ConfigureFailure")
            await socket.say("Finalize")
            await socket.until("Results", from_finalize=True)
            return failure

    assert run(story())["code"] == "CONFIGURE_KEYTERMS_NOT_SUPPORTED"


def test_ten_silent_seconds_close_with_1011(server: WireServer) -> None:
    """Without audio or KeepAlive for 10 s the server closes with 1011 and Deepgram's reason."""

    async def story() -> tuple[float, int | None]:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            began = time.monotonic()
            _, code = await socket.rest()
            return elapsed_ms(began), code

    waited_ms, code = run(story())
    assert code == 1011
    assert 9_900 <= waited_ms <= 11_000


def test_recorded_wav_is_transcribed_over_http(server: WireServer) -> None:
    """POST /v1/listen with a WAV body answers with Deepgram's pre-recorded shape."""

    async def story() -> str:
        async with httpx.AsyncClient() as http:
            response = await server.deepgram(http=http).listen.v1.media.transcribe_file(
                request=wav(tone(0.5) + silence(0.6), 16_000), model="nova-3"
            )
        return response.results.channels[0].alternatives[0].transcript

    assert run(story()) == HEARD_1


def test_script_gives_the_transcripts(server: WireServer) -> None:
    """PUT /faults with transcripts scripts what the fixed-delay recogniser hears."""
    server.faults({"transcripts": ["what is the price", "thank you"]})

    async def story() -> list[str]:
        async with open_socket(server, "/v1/listen", LISTEN_QUERY) as socket:
            heard = []
            for _ in range(2):
                await socket.raw.send_bytes(tone(0.3) + silence(0.3))
                heard.append(transcript(await socket.until("Results", is_final=True)))
            return heard

    assert run(story()) == ["what is the price", "thank you"]
