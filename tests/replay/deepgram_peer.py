"""A scripted Deepgram: `/v1/listen` and `/v1/speak` on a WebSocket each.

It hears what the caller says word by word, at the pace of the audio it has received, and speaks
each character as 60 ms of a level that tells the character (see `speech.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request

from tests.replay.recording import BYTES_PER_SEC, Recording
from tests.replay.speak_peer import Speak
from tests.replay.websocket_peer import WebSocketPeer

Note = Callable[[str, str], None]

# A word takes at most so long; whoever hears less of it does not recognise it.
WORD_SECS = 0.3


@dataclass(frozen=True)
class Hearing:
    """How one utterance is heard.

    Parameters:
        interim_every_secs: Interim results come this often, in seconds of audio received.
        interim_delay_secs: A word stands in an interim result this long after it was said.
        final_delay_secs: From Finalize to its result.
        endpoint_secs: A final comes by itself this long after the last word, as `endpointing`
            asks, so that the reply to a later Finalize is empty. None: only on Finalize.
        deaf: Nothing is recognised: results are empty.
    """

    interim_every_secs: float = 0.5
    interim_delay_secs: float = 0.3
    final_delay_secs: float = 0.1
    endpoint_secs: float | None = 0.15
    deaf: bool = False


@dataclass(frozen=True)
class _Utterance:
    """What is said when, on the caller's clock: the start and end of each word."""

    words: list[tuple[float, float, str]]
    hearing: Hearing


@dataclass
class _Heard:
    """What one connection has told of one utterance."""

    finalized: int = 0
    interim_words: int = 0


@dataclass
class DeepgramScript:
    """What both Deepgram sockets do, shared by their connections.

    Parameters:
        note: Writes an event to the timeline.
        stream_secs: How much audio the caller has sent, in seconds; what a connection is sent at
            first ends there.
        speak_delay_secs: From Flush to the first audio byte.
        speak_pace: Audio is sent this many times faster than it plays.
        close_speak_after_bytes: Cut `/v1/speak` once, after so many bytes of audio.
        closes_speak_always: Cut each connection there, not only one.
        refuse_speak_times: How many handshakes of `/v1/speak` are refused.
        mute_speak_times: How many answers are taken and never spoken.
        accept_delay_secs: From a connection's request to its opening.
        refuse_listen: Status and text to refuse `/v1/listen` with.
        refuse_listen_times: How many handshakes are refused; None for all.
        close_listen_at_secs: Break `/v1/listen` once, at this place of the caller's audio.
        freeze_listen_at_secs: From this place of the caller's audio on, the connection that is
            open is neither read nor written; once.
    """

    note: Note
    stream_secs: Callable[[], float]
    speak_delay_secs: float = 0.08
    speak_pace: float = 10.0
    close_speak_after_bytes: int | None = None
    closes_speak_always: bool = False
    refuse_speak_times: int = 0
    mute_speak_times: int = 0
    accept_delay_secs: float = 0.0
    refuse_listen: tuple[int, str] | None = None
    refuse_listen_times: int | None = None
    close_listen_at_secs: float | None = None
    freeze_listen_at_secs: float | None = None
    utterances: list[_Utterance] = field(default_factory=list)

    def hear(self, start_secs: float, recording: Recording, hearing: Hearing) -> None:
        """Say that the caller begins a recording at a position of the audio stream."""
        words: list[tuple[float, float, str]] = []
        before = start_secs
        for end, word in [] if hearing.deaf else recording.word_ends_secs():
            words.append((max(before, start_secs + end - WORD_SECS), start_secs + end, word))
            before = start_secs + end
        self.utterances.append(_Utterance(words, hearing))


class DeepgramPeer(WebSocketPeer):
    """One connection; which of the two services it is shows in the path."""

    def __init__(self, script: DeepgramScript) -> None:
        super().__init__()
        self._script = script
        self._service: _Listen | Speak | None = None

    def on_request(self, request: Request) -> tuple[int, str] | None:
        """Choose the service."""
        self.accept_delay_secs = self._script.accept_delay_secs
        url = urlsplit(request.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        if url.path == "/v1/listen":
            if self._script.refuse_listen and self._script.refuse_listen_times != 0:
                if self._script.refuse_listen_times:
                    self._script.refuse_listen_times -= 1
                self._script.note("stt", "refuses a connection")
                return self._script.refuse_listen
            self._service = _Listen(self, self._script, query)
        elif url.path == "/v1/speak":
            if self._script.refuse_speak_times:
                self._script.refuse_speak_times -= 1
                self._script.note("tts", "refuses a connection")
                return 503, "away"
            self._service = Speak(self, self._script, query)
        else:
            return 404, url.path
        if not request.headers.get("Authorization", "").startswith("Token "):
            return 401, "no key"
        return None

    def on_text(self, message: dict[str, Any]) -> None:
        """Give a control message to the service."""
        assert self._service
        self._service.control(message)

    def on_binary(self, data: bytes) -> None:
        """Give audio to the ear."""
        assert isinstance(self._service, _Listen)
        self._service.audio(data)


class _Listen:
    """`/v1/listen`: results as the audio arrives.

    What arrives first, in one instant, ends where the caller is now: so a client that tells again
    what it remembers is heard from there on, and one that does not has lost it.
    """

    def __init__(self, peer: DeepgramPeer, script: DeepgramScript, query: dict[str, str]) -> None:
        rate_hz = int(query.get("sample_rate", "0"))
        if query.get("encoding") != "linear16" or rate_hz * 2 != BYTES_PER_SEC:
            message = f"listen: expected 16 kHz linear16, got {query}"
            raise ValueError(message)
        self._peer = peer
        self._script = script
        self._first_at: float | None = None
        self._start_secs: float | None = None
        self._bytes = 0
        self._next_interim_secs = 0.0
        self._heard: dict[int, _Heard] = {}
        self._is_frozen = False

    @property
    def heard_secs(self) -> float:
        """Position in the caller's audio."""
        if self._start_secs is None:
            return self._script.stream_secs()
        return self._start_secs + self._bytes / BYTES_PER_SEC

    def audio(self, data: bytes) -> None:
        """Take audio; say what it changes."""
        if self._is_frozen:
            return
        if self._first_at is None:
            self._first_at = self._peer.loop.time()
            self._peer.later(0.001, self._look)
        self._bytes += len(data)
        if self._first_at == self._peer.loop.time():
            return
        self._look()

    def _look(self) -> None:
        if self._start_secs is None:
            self._start_secs = self._script.stream_secs() - self._bytes / BYTES_PER_SEC
        script = self._script
        if script.close_listen_at_secs is not None and self.heard_secs >= (
            script.close_listen_at_secs
        ):
            script.close_listen_at_secs = None
            script.note("stt", "cuts the connection")
            self._peer.drop()
            return
        if script.freeze_listen_at_secs is not None and self.heard_secs >= (
            script.freeze_listen_at_secs
        ):
            script.freeze_listen_at_secs = None
            script.note("stt", "reads no more")
            self._is_frozen = True
            return
        for index, utterance in enumerate(script.utterances):
            self._endpoint(index, utterance)
            self._interim(index, utterance)

    def control(self, message: dict[str, Any]) -> None:
        """KeepAlive, Finalize, CloseStream."""
        if self._is_frozen:
            return
        if message["type"] == "Finalize":
            self._script.note("stt", "is asked to finalize")
            delay = (
                self._script.utterances[-1].hearing.final_delay_secs
                if (self._script.utterances)
                else Hearing.final_delay_secs
            )
            text = self._take_final()
            self._peer.later(delay, self._send, text, True, True)
        elif message["type"] == "CloseStream":
            self._peer.end(1000, "")

    def _words(self, utterance: _Utterance, delay_secs: float = 0.0) -> list[str]:
        """The words that lie in what this connection has received."""
        start_secs = self._start_secs or 0.0
        return [
            word
            for began, ended, word in utterance.words
            if began >= start_secs - 0.001 and ended + delay_secs <= self.heard_secs
        ]

    def _told(self, index: int) -> _Heard:
        return self._heard.setdefault(index, _Heard())

    def _take_final(self) -> str:
        """The words heard since the last final."""
        parts: list[str] = []
        for index, utterance in enumerate(self._script.utterances):
            words, told = self._words(utterance), self._told(index)
            parts += words[told.finalized :]
            told.finalized = max(told.finalized, len(words))
        return " ".join(parts)

    def _endpoint(self, index: int, utterance: _Utterance) -> None:
        after = utterance.hearing.endpoint_secs
        words = self._words(utterance)
        if after is None or not utterance.words or self._told(index).finalized == len(words):
            return
        if self.heard_secs >= utterance.words[-1][1] + after:
            self._send(self._take_final(), True, False)

    def _interim(self, index: int, utterance: _Utterance) -> None:
        told = self._told(index)
        words = self._words(utterance, utterance.hearing.interim_delay_secs)
        new = words[told.finalized :]
        if not new or len(words) == told.interim_words:
            return
        if self.heard_secs < self._next_interim_secs:
            return
        self._next_interim_secs = self.heard_secs + utterance.hearing.interim_every_secs
        told.interim_words = len(words)
        self._send(" ".join(new), False, False)

    def _send(self, text: str, final: bool, from_finalize: bool) -> None:
        if final and not text:
            self._script.note("stt", "answers with an empty final")
        self._peer.send_json(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": self._bytes / BYTES_PER_SEC,
                "start": 0.0,
                "is_final": final,
                "speech_final": final,
                "from_finalize": from_finalize,
                "channel": {"alternatives": [{"transcript": text, "confidence": 1.0, "words": []}]},
                "metadata": {
                    "request_id": "replay",
                    "model_info": {"name": "replay", "version": "0", "arch": "replay"},
                    "model_uuid": "replay",
                },
            }
        )
