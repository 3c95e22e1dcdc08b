"""One conversation, from joining the room to leaving it.

Pipecat's pipeline ends on none of: user left, room deleted, disconnected, connect refused. A
session therefore ends itself, for exactly one reason, and always within `STOP_TIMEOUT_SECS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from loguru import logger
from pipecat.frames.frames import ErrorFrame, StartFrame, TTSSpeakFrame
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frameworks.rtvi import RTVIProcessor
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

from bot.failures import Failures, Incident, apology_for, said_about
from bot.kept import RecordTo
from bot.lines import Line
from bot.page import Page
from bot.phrases import LOST_YOU
from bot.pipeline import build_pipeline
from bot.prepared import NOTHING, Prepared
from bot.reasons import EndReason
from bot.record import Record
from bot.remembered import remembered
from bot.rtvi import SessionRTVIProcessor, error_code, incident_told, observer_params, session_ended
from bot.services import build_services
from bot.settings import BotSettings
from bot.silence import Silence
from bot.sparing import SparingWorker
from bot.transport import SessionTransport, is_join_failure
from bot.usage import Usage

# Cancelling reaches every processor in milliseconds; a processor that hangs is abandoned.
STOP_TIMEOUT_SECS = 5.0
# How long a client that is ready may take to receive the bot's audio track before it is greeted
# all the same (a text-only client never subscribes).
AUDIBLE_TIMEOUT_SECS = 2.0


@dataclass(frozen=True)
class SessionInfo:
    """Who is talking where.

    Attributes:
        session_id: Opaque id, bound to every log line of the session.
        user_identity: The user's LiveKit identity; None accepts the first participant.
        record_to: Where the conversation is kept; None: nowhere.
        remembered: What was said before, to a bot that was lost; None: this one is the first.
    """

    session_id: str
    user_identity: str | None = None
    record_to: RecordTo | None = None
    remembered: Sequence[Line] | None = None


class Session:
    """One bot in one room: a pipeline worker, its timers and its ending.

    Attributes:
        ready: Set when the bot is in the room and every provider has accepted it.
        ended: Set when nothing of the session is left running.
        failures: What went wrong, and how often.
        usage: What was taken from the providers since somebody last asked.
        on_adrift: Called when the room is lost and the bot tries to come back.
        on_growth: Given the conversation when somebody has said something.
    """

    def __init__(
        self,
        info: SessionInfo,
        transport: BaseTransport,
        settings: BotSettings,
        instruction: str,
        prepared: Prepared = NOTHING,
    ) -> None:
        """Build the session's graph; nothing connects before `run`.

        Args:
            info: Session id and user.
            transport: A transport that has not joined yet.
            settings: Providers, voice, limits.
            instruction: The system instruction (`bot.instruction.build_instruction`).
            prepared: What this process's sessions share.
        """
        self.info = info
        self._settings = settings
        self._transport = transport
        self._reason: EndReason | None = None
        self._greeted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._absence: asyncio.TimerHandle | None = None
        self._silence = Silence(
            settings.silent_secs, settings.silent_text_secs, lambda: self.end(EndReason.SILENT)
        )
        if any(line.role == "user" for line in info.remembered or ()):
            # Somebody talked to the bot that was lost.
            self._silence.stop()
        self._overdue = asyncio.Event()
        self._in_room = False
        self._started = False
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self.failures = Failures(self._tell_incident)
        self.on_adrift: Callable[[], None] | None = None
        self.on_growth: Callable[[Sequence[Line]], None] | None = None

        self.usage = Usage()
        services = build_services(settings, instruction, prepared, self.failures.report, self.usage)
        to = info.record_to
        self._record = None if to is None else Record(to, self.failures.error)
        tap = self._record.tap if self._record else None
        self.graph = build_pipeline(
            transport, services, _take_back(transport), tap, info.remembered or ()
        )
        self.graph.context.on_growth = self._grown
        page = Page(services.llm, self.graph.context)
        self._rtvi = SessionRTVIProcessor(page)
        self._worker = SparingWorker(
            self.graph.pipeline,
            params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000),
            rtvi_processor=self._rtvi,
            rtvi_observer_params=observer_params(page),
            enable_turn_tracking=False,
            idle_timeout_secs=settings.session_idle_secs,
            cancel_on_idle_timeout=False,
        )
        self._subscribe()

    @property
    def reason(self) -> EndReason | None:
        """Why the session ended or is ending; None while it goes on."""
        return self._reason

    async def run(self) -> EndReason:
        """Join, talk, leave. Returns when nothing of the session is left running."""
        info = self.info
        with logger.contextualize(session=info.session_id):
            loop = asyncio.get_running_loop()
            limit = loop.call_later(self._settings.session_max_secs, self.end, EndReason.MAX_LENGTH)
            self._wait_for_user(self._settings.join_timeout_secs, EndReason.NEVER_JOINED)
            logger.info("session started")
            try:
                await self._run_worker()
            except asyncio.CancelledError:
                self._reason = self._reason or EndReason.SHUTDOWN
                raise
            except Exception:  # noqa: BLE001 - one session's failure must not reach the others
                logger.exception("session failed")
                self._reason = self._reason or EndReason.FAILED
            finally:
                limit.cancel()
                self._user_is_here()
                self._silence.stop()
                await self._cancel_tasks()
                self._reason = self._reason or EndReason.CLIENT_REQUEST
                if self._record is not None:
                    said = self.graph.context.messages
                    await self._record.close(info.session_id, self._reason, said)
                self.ended.set()
                logger.info("session ended: {}", self._reason.value)
            return self._reason

    async def _run_worker(self) -> None:
        """Run the pipeline to its end, or abandon one that does not stop when told."""
        # One runner a session: a shared one ends every session when one goes idle. Signals
        # belong to the server.
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        running = asyncio.create_task(runner.run())
        overdue = asyncio.create_task(self._overdue.wait())
        try:
            await asyncio.wait({running, overdue}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            overdue.cancel()
            if not running.done():
                running.cancel()
                await asyncio.wait({running}, timeout=STOP_TIMEOUT_SECS)
        if running.done():
            running.result()
        else:
            logger.error("session abandoned: its pipeline does not stop")

    def end(self, reason: EndReason) -> None:
        """Start ending the session; the first reason stands, later calls do nothing.

        Args:
            reason: What the client is told and the log says.
        """
        if self._reason is not None:
            return
        self._reason = reason
        self._spawn(self._leave())

    async def _leave(self) -> None:
        logger.info("session ending: {}", self._reason)
        # The next one tells nobody: another bot takes this one's place.
        is_over = self._reason not in (EndReason.ROOM_CLOSED, EndReason.ROOM_LOST)
        if self.ready.is_set() and is_over:
            await self._rtvi.send_server_message(session_ended(str(self._reason)))
        await self._worker.cancel(reason=str(self._reason))
        await asyncio.sleep(STOP_TIMEOUT_SECS)
        self._overdue.set()

    def _subscribe(self) -> None:
        """Connect the transport's and the worker's events to this session's handlers."""
        transport = self._transport
        if isinstance(transport, SessionTransport):
            transport.add_event_handler("on_connected", self._on_joined)
            transport.when_adrift(self._adrift)
            transport.add_event_handler("on_disconnected", self._on_disconnected)
            transport.add_event_handler("on_data_refused", self._on_data_refused)
            transport.add_event_handler("on_audio_track_subscribed", self._on_sign_of_life)
        else:
            self._in_room = True
        self._worker.add_event_handler("on_pipeline_started", self._on_started)
        transport.add_event_handler("on_client_connected", self._on_client_connected)
        transport.add_event_handler("on_client_disconnected", self._on_client_disconnected)
        self._rtvi.add_event_handler("on_client_ready", self._on_client_ready)
        self._rtvi.add_event_handler("on_disconnect_requested", self._on_disconnect_requested)
        self._rtvi.add_event_handler("on_text", self._on_sign_of_life)
        self._rtvi.add_event_handler("on_no_microphone", self._on_no_microphone)
        self._worker.add_event_handler("on_idle_timeout", self._on_idle)
        self._worker.add_event_handler("on_pipeline_error", self._on_error)

    async def _on_joined(self, _transport: BaseTransport) -> None:
        self._in_room = True
        self._check_ready()

    async def _on_started(self, _worker: PipelineWorker, _frame: StartFrame) -> None:
        self._started = True
        self._check_ready()

    def _check_ready(self) -> None:
        # A pipeline starts also when its transport could not connect.
        if self._in_room and self._started and self._reason is None:
            self.ready.set()

    def _grown(self) -> None:
        if self.on_growth is not None:
            self.on_growth(remembered(self.graph.context.messages))

    def _adrift(self) -> None:
        logger.warning("the room is lost; reconnecting")
        if self.on_adrift is not None and self._reason is None:
            self.on_adrift()

    async def _on_disconnected(self, _transport: BaseTransport) -> None:
        is_lost = isinstance(self._transport, SessionTransport) and self._transport.is_room_lost
        self.end(EndReason.ROOM_LOST if is_lost else EndReason.ROOM_CLOSED)

    async def _on_client_connected(self, _transport: BaseTransport, client: Any) -> None:
        if self._is_user(client):
            self._user_is_here()
            # Other transports do not tell when a microphone comes.
            if isinstance(self._transport, SessionTransport):
                self._silence.begin()

    async def _on_sign_of_life(self, *_args: object) -> None:
        self._silence.stop()

    async def _on_no_microphone(self, _rtvi: RTVIProcessor) -> None:
        self._silence.expect_text()

    async def _on_data_refused(self, _transport: BaseTransport, code: str) -> None:
        self.failures.counts[code] += 1
        logger.warning("refused a data packet: {}", code)
        await self._rtvi.refuse(code)

    async def _on_client_disconnected(self, _transport: BaseTransport, client: Any) -> None:
        if self._is_user(client):
            self._wait_for_user(self._settings.reconnect_grace_secs, EndReason.USER_LEFT)

    def _is_user(self, client: Any) -> bool:
        wanted = self.info.user_identity
        return wanted is None or self._transport.get_client_id(client) == wanted

    def _wait_for_user(self, timeout_secs: float, reason: EndReason) -> None:
        self._user_is_here()
        self._absence = asyncio.get_running_loop().call_later(timeout_secs, self.end, reason)

    def _user_is_here(self) -> None:
        if self._absence is not None:
            self._absence.cancel()
            self._absence = None

    async def _on_client_ready(self, _rtvi: RTVIProcessor) -> None:
        """Greet, once: a reconnecting client says that it is ready again."""
        if self._greeted:
            return
        self._greeted = True
        self._spawn(self._greet())

    async def _greet(self) -> None:
        if isinstance(self._transport, SessionTransport):
            try:
                await asyncio.wait_for(self._transport.wait_audible(), AUDIBLE_TIMEOUT_SECS)
            except TimeoutError:
                logger.debug("nobody receives the bot's audio; greeting in text")
        is_first = self.info.remembered is None
        words = self._settings.assistant_greeting if is_first else LOST_YOU
        await self._worker.queue_frame(TTSSpeakFrame(words))

    async def _on_disconnect_requested(self, _rtvi: RTVIProcessor) -> None:
        self.end(EndReason.CLIENT_REQUEST)

    async def _on_idle(self, _worker: PipelineWorker) -> None:
        self.end(EndReason.IDLE)

    async def _on_error(self, _worker: PipelineWorker, frame: ErrorFrame) -> None:
        """Answer a failed turn aloud; end when a provider cannot be used any more."""
        code = error_code(frame.processor)
        self.failures.error(code, type(frame.exception).__name__)
        if frame.processor is not None and not frame.processor.is_usable:
            is_outside = is_join_failure(frame.exception)
            self.end(EndReason.CONNECT_FAILED if is_outside else EndReason.PROVIDER_UNUSABLE)
        elif apology := apology_for(code, frame.exception):
            await self._worker.queue_frame(TTSSpeakFrame(apology))

    def _tell_incident(self, incident: Incident) -> None:
        if not self.ready.is_set() or self._reason is not None:
            return
        self._spawn(self._rtvi.send_server_message(incident_told(incident.value)))
        phrase = said_about(incident)
        if phrase is not None and not self.graph.playout.is_answering:
            self._spawn(self._worker.queue_frame(TTSSpeakFrame(phrase)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cancel_tasks(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _take_back(transport: BaseTransport) -> Callable[[], None]:
    """Return how unplayed audio is taken back; other transports play what they were given."""
    return getattr(transport, "take_back", lambda: None)
