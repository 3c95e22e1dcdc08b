"""RTVI as this bot speaks it: what a client may send, and what an error tells a client."""

from __future__ import annotations

from typing import Any

from pipecat.frames.frames import AggregatedTextFrame, ErrorFrame, LLMTextFrame, TTSTextFrame
from pipecat.processors.frameworks.rtvi import RTVIObserver, RTVIObserverParams, RTVIProcessor
from pipecat.processors.frameworks.rtvi import models as RTVI  # noqa: N812 (RTVI is the protocol's name)
from pipecat.services.ai_service import AIService
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService

from bot.page import Page, PageError

# The rest of the protocol (raw audio, files, keypad) has no use here and would be another way in
# for whoever holds a token.
CLIENT_MESSAGES = frozenset(
    {
        "client-ready",
        "send-text",
        "disconnect-bot",
        "client-message",
        "llm-function-call-result",
    }
)

# A typed question; longer than anybody speaks in one breath, short enough for the prompt.
MAX_TEXT_CHARS = 2000


def error_code(processor: object) -> str:
    """Return the code of a failure by where it arose: which provider, or the bot itself."""
    match processor:
        case STTService():
            return "stt_failed"
        case LLMService():
            return "llm_failed"
        case TTSService():
            return "tts_failed"
        case AIService():
            return "provider_failed"
        case _:
            return "bot_failed"


class SessionRTVIObserver(RTVIObserver):
    """Pipecat's observer, silent about an answer until it is spoken.

    The model writes while the turn is still being decided; a text that is told then may belong to
    an answer that nobody will hear. `bot-transcription` goes out with the sentence's first sound.
    """

    async def _handle_llm_text_frame(self, frame: LLMTextFrame) -> None:
        """Tell nothing of what is being written."""

    async def _send_aggregated_llm_text(self, frame: AggregatedTextFrame) -> None:
        await super()._send_aggregated_llm_text(frame)
        if frame.will_be_spoken and not isinstance(frame, TTSTextFrame):
            data = RTVI.TextMessageData(text=frame.text)
            await self.send_rtvi_message(RTVI.BotTranscriptionMessage(data=data))


class SessionRTVIProcessor(RTVIProcessor):
    """Pipecat's processor with an allow-list in and codes out.

    Event `on_disconnect_requested`: the client said `disconnect-bot`. (Pipecat's own answer drains
    the pipeline first, and the room is often closed before the bot has left.)

    Events `on_text` and `on_no_microphone`: the client has typed, or has no microphone to bring.
    """

    def __init__(self, page: Page) -> None:
        """Create the processor; `page` gets what the client's page says of itself."""
        super().__init__()
        self._page = page
        for event in ("on_disconnect_requested", "on_text", "on_no_microphone"):
            self._register_event_handler(event)

    def create_rtvi_observer(
        self, *, params: RTVIObserverParams | None = None, **kwargs: Any
    ) -> RTVIObserver:
        """Return the observer that goes with this processor."""
        return SessionRTVIObserver(self, params=params, **kwargs)

    async def _handle_message(self, message: RTVI.Message, user_id: str | None = None) -> None:
        if message.type not in CLIENT_MESSAGES:
            await self._send_error_response(message.id, "unsupported_message")
            return
        if message.type == "send-text":
            content = (message.data or {}).get("content")
            if not isinstance(content, str) or not 0 < len(content.strip()) <= MAX_TEXT_CHARS:
                await self._send_error_response(message.id, "invalid_text")
                return
            await self._call_event_handler("on_text")
        if message.type == "client-ready" and (message.data or {}).get("microphone") is False:
            await self._call_event_handler("on_no_microphone")
        if message.type == "disconnect-bot":
            await self._call_event_handler("on_disconnect_requested")
            return
        if message.type in ("client-message", "llm-function-call-result"):
            await self._hear_page(message)
            return
        await super()._handle_message(message, user_id)

    async def _hear_page(self, message: RTVI.Message) -> None:
        """Pass on what the page shows, offers and answers; nothing of it becomes a frame."""
        data: dict[str, Any] = message.data or {}
        try:
            match (message.type, data.get("t")):
                case ("llm-function-call-result", _):
                    self._page.answer(data)
                case (_, "page-context"):
                    self._page.show(data.get("d"))
                case (_, "client-actions"):
                    self._page.offer(data.get("d"))
                case _:
                    await self._send_error_response(message.id, "unsupported_message")
        except PageError as error:
            await self._send_error_response(message.id, str(error))

    async def refuse(self, code: str) -> None:
        """Tell the client that a packet of its was not taken."""
        await self.push_transport_message(RTVI.Error(data=RTVI.ErrorData(error=code, fatal=False)))

    async def _send_error_frame(self, frame: ErrorFrame) -> None:
        """Send the code only: a provider's own words may hold addresses and account names."""
        data = RTVI.ErrorData(error=error_code(frame.processor), fatal=frame.fatal)
        await self.push_transport_message(RTVI.Error(data=data))


def observer_params(page: Page) -> RTVIObserverParams:
    """Return which events a client gets: speech, transcripts and the spoken text; no internals."""
    return RTVIObserverParams(
        function_call_report_level=page.report_levels,
        bot_llm_enabled=True,
        bot_audio_level_enabled=False,
        user_audio_level_enabled=False,
        user_llm_enabled=False,
        metrics_enabled=False,
        system_logs_enabled=False,
    )


def session_ended(reason: str) -> dict[str, Any]:
    """Return the data of the `server-message` that tells a client why the bot leaves."""
    return {"type": "session-ended", "reason": reason}


def incident_told(code: str) -> dict[str, Any]:
    """Return the data of the `server-message` that tells a client what the bot deals with."""
    return {"type": "incident", "code": code}
