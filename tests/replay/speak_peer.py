"""The scripted Deepgram's `/v1/speak`."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from tests.replay.speech import spoken_pcm
from tests.replay.websocket_peer import WebSocketPeer

FIRST_VOICE = "aura-2-thalia-en"


class SpeakScript(Protocol):
    """What of `DeepgramScript` concerns speaking; see there."""

    note: Callable[[str, str], None]
    speak_delay_secs: float
    speak_pace: float
    close_speak_after_bytes: int | None
    closes_speak_always: bool
    mute_speak_times: int


class Speak:
    """`/v1/speak`: text is collected until Flush, then spoken; Clear drops what is left."""

    CHUNK_SECS = 0.2

    def __init__(self, peer: WebSocketPeer, script: SpeakScript, query: dict[str, str]) -> None:
        if query.get("encoding") != "linear16":
            message = f"speak: expected linear16, got {query}"
            raise ValueError(message)
        self._peer = peer
        self._script = script
        self._rate_hz = int(query["sample_rate"])
        if query["model"] != FIRST_VOICE:
            script.note("tts", f"speaks with the voice {query['model']}")
        self._text = ""
        self._waiting: deque[bytes] = deque()
        self._is_speaking = False
        self._is_mid_sentence = False
        self._flushes = 0
        self._epoch = 0
        self._sent_bytes = 0

    def control(self, message: dict[str, Any]) -> None:
        """Speak, Flush, Clear, Close."""
        kind = message["type"]
        if kind == "Speak":
            self._script.note("tts", f'is given "{message["text"].strip()}"')
            self._text += message["text"]
        elif kind == "Flush":
            text, self._text = self._text.strip(), ""
            if self._script.mute_speak_times:
                self._script.mute_speak_times -= 1
                self._script.note("tts", "stays silent")
                return
            self._peer.later(self._script.speak_delay_secs, self._add, self._epoch, text)
        elif kind == "Clear":
            self._script.note("tts", "is cleared")
            self._epoch += 1
            self._text = ""
            self._waiting.clear()
            self._is_speaking = self._is_mid_sentence = False
            self._peer.send_json({"type": "Cleared", "sequence_id": self._flushes})
        elif kind == "Close":
            self._peer.end(1000, "")

    def _add(self, epoch: int, text: str) -> None:
        if epoch == self._epoch:
            goes_on = self._is_speaking or self._is_mid_sentence
            self._is_mid_sentence = text.endswith((",", ";", ":"))
            gap = " " if text and goes_on else ""
            self._waiting.append(spoken_pcm(gap + text, self._rate_hz))
            self._speak_next()

    def _speak_next(self) -> None:
        if self._waiting and not self._is_speaking:
            self._is_speaking = True
            self._send_chunk(self._epoch, self._waiting.popleft())

    def _send_chunk(self, epoch: int, pcm: bytes) -> None:
        if epoch != self._epoch:
            return
        size = int(self.CHUNK_SECS * self._rate_hz) * 2
        chunk, rest = pcm[:size], pcm[size:]
        if chunk:
            limit = self._script.close_speak_after_bytes
            if limit is not None and self._sent_bytes >= limit:
                if not self._script.closes_speak_always:
                    self._script.close_speak_after_bytes = None
                self._script.note("tts", "cuts the connection")
                self._peer.drop()
                return
            self._peer.send_bytes(chunk)
            self._sent_bytes += len(chunk)
        if rest:
            self._peer.later(
                self.CHUNK_SECS / self._script.speak_pace, self._send_chunk, epoch, rest
            )
        else:
            self._flushes += 1
            self._peer.send_json({"type": "Flushed", "sequence_id": self._flushes})
            self._is_speaking = False
            self._speak_next()
