"""The sessions of one process, started and ended at the door's word."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Sequence

from livekit import rtc
from loguru import logger

from bot.breaker import Breakers
from bot.channel import (
    MAX_LINE_BYTES,
    Adrift,
    ChannelError,
    Configure,
    End,
    Ended,
    Load,
    Memory,
    Ready,
    Report,
    Start,
    Turn,
    Used,
    Warm,
    read_order,
)
from bot.joining import livekit_session
from bot.lines import Line
from bot.load import LoadMeter
from bot.logs import configure_logging
from bot.models import load_models, warm_models
from bot.phrases import APOLOGIES, RATE_HZ, Phrase, Phrases
from bot.prepared import Prepared
from bot.reasons import EndReason
from bot.services import llm_http, synthesise
from bot.session import Session, SessionInfo
from bot.settings import BotSettings
from bot.waterfall import TurnTimes

Tell = Callable[[Report], None]

# Also how long a process may be silent while nothing is wrong.
LOAD_EVERY_SECS = 0.5
# A provider that does not speak in time speaks when somebody is there.
PHRASE_TIMEOUT_SECS = 5.0
# One that does not speak at all is asked again.
PHRASE_AGAIN_SECS = 30.0
# Each session has its own, shorter deadline; after the last one the process exits.
LEAVE_TIMEOUT_SECS = 8.0

EXIT_OK = 0
EXIT_BAD_ORDER = 3


async def serve(connection: socket.socket) -> int:
    """Do what the lines of a socket say until it closes; return the exit status."""
    reader, writer = await asyncio.open_connection(sock=connection, limit=MAX_LINE_BYTES)

    def tell(report: Report) -> None:
        if not writer.is_closing():
            writer.write(report.line())

    reporting: list[asyncio.Task[None]] = []
    try:
        first = _configuration(await reader.readline())
        settings = first.bot_settings()
        configure_logging(first.log_level, settings.secrets, as_json=first.log_as_json)
        phrases = Phrases()
        prepared = await _prepare(settings, phrases)
        meter = LoadMeter()
        host = _Host(settings, first.instruction, prepared, tell)
        reporting = [
            asyncio.create_task(meter.run()),
            asyncio.create_task(_report(meter, tell)),
            asyncio.create_task(_prepare_apologies(settings, phrases)),
        ]
        tell(Warm(greeting_prepared=phrases.audio_of(settings.assistant_greeting) is not None))
        while line := await reader.readline():
            host.obey(line)
        await host.leave()
    except (ChannelError, ValueError) as error:
        # A line beyond the limit is a ValueError of the reader's.
        logger.error("the door said something that is no order: {}", type(error).__name__)
        return EXIT_BAD_ORDER
    finally:
        for task in reporting:
            task.cancel()
        writer.close()
    return EXIT_OK


def _configuration(line: bytes) -> Configure:
    order = read_order(line)
    if not isinstance(order, Configure):
        raise ChannelError("configure comes first")
    return order


async def _report(meter: LoadMeter, tell: Tell) -> None:
    while True:
        tasks = len(asyncio.all_tasks())
        tell(Load(lag_p95_ms=meter.lag_p95_ms, cpu_cores=meter.cpu_cores, tasks=tasks))
        await asyncio.sleep(LOAD_EVERY_SECS)


async def _prepare(settings: BotSettings, phrases: Phrases) -> Prepared:
    """Load and run everything that a first session would otherwise wait for."""
    speaking = asyncio.create_task(_prepare_phrase(settings, settings.assistant_greeting))
    load_models()
    warm_models()
    # Starts LiveKit's native runtime.
    await rtc.AudioSource(RATE_HZ, 1).aclose()
    if greeting := await speaking:
        phrases.add(greeting)
    prepared = Prepared(phrases, llm_http(), Breakers())
    gc.collect()
    # Nothing of the start-up is ever garbage: the collections between sessions pass it by.
    gc.freeze()
    return prepared


async def _prepare_phrase(settings: BotSettings, text: str) -> Phrase | None:
    text = text.strip()
    try:
        async with asyncio.timeout(PHRASE_TIMEOUT_SECS):
            pcm = await synthesise(settings, text, RATE_HZ)
    except (OSError, TimeoutError, ValueError) as error:
        logger.warning("phrase not prepared: {}", type(error).__name__)
        return None
    return Phrase(text, pcm) if pcm else None


async def _prepare_apologies(settings: BotSettings, phrases: Phrases) -> None:
    """Have the apologies spoken while there is somebody to speak them; nobody waits for them."""
    for text in APOLOGIES:
        while (phrase := await _prepare_phrase(settings, text)) is None:  # noqa: ASYNC110
            await asyncio.sleep(PHRASE_AGAIN_SECS)
        phrases.add(phrase)


class _Host:
    """The sessions of this process."""

    def __init__(
        self, settings: BotSettings, instruction: str, prepared: Prepared, tell: Tell
    ) -> None:
        self._settings = settings
        self._instruction = instruction
        self._prepared = prepared
        self._tell = tell
        self._sessions: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def obey(self, line: bytes) -> None:
        """Carry out one order.

        Raises:
            ChannelError: it is none, or makes no sense here.
        """
        match read_order(line):
            case Start() as order if order.session_id not in self._sessions:
                task = asyncio.create_task(self._run(order), name=f"session {order.session_id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case End(session_id=session_id, reason=reason):
                # One that has just ended by itself is no longer known.
                if session := self._sessions.get(session_id):
                    session.end(reason)
            case _:
                raise ChannelError("not now")

    async def leave(self) -> None:
        """End every session: the door is gone."""
        for session in self._sessions.values():
            session.end(EndReason.SHUTDOWN)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVE_TIMEOUT_SECS)

    async def _run(self, order: Start) -> None:
        session_id, reason, errors = order.session_id, EndReason.FAILED, dict[str, int]()
        try:
            session = livekit_session(
                SessionInfo(session_id, order.user_identity, order.record_to, order.remembered),
                url=order.url,
                token=order.token,
                room=order.room,
                settings=self._settings,
                instruction=self._instruction,
                prepared=self._prepared,
            )
            self._report_on(session)
            self._sessions[session_id] = session
            announcing = asyncio.create_task(self._announce(session))
            try:
                reason = await session.run()
            finally:
                announcing.cancel()
                self._tell_used(session)
                errors = dict(session.failures.counts)
        except Exception:  # noqa: BLE001 - one session's failure must not reach the others
            logger.exception("session failed")
        finally:
            self._sessions.pop(session_id, None)
            self._tell(Ended(session_id=session_id, reason=reason, errors=errors))
            # A pipeline is one large reference cycle, and Python looks for those by count, not
            # by size: 25 ended sessions held 550 MB until it happened to.
            session = None
            gc.collect()

    def _report_on(self, session: Session) -> None:
        """Have the door told what happens in a session."""
        session_id = session.info.session_id
        session.graph.waterfall.on_turn = lambda turn: self._tell_turn(session_id, turn)
        session.on_adrift = lambda: self._tell(Adrift(session_id=session_id))
        session.on_growth = lambda lines: self._tell_growth(session, lines)

    def _tell_turn(self, session_id: str, turn: TurnTimes) -> None:
        segments, begun = turn.segments_secs, turn.answers_begun
        self._tell(Turn(session_id=session_id, segments_secs=segments, answers_begun=begun))

    def _tell_growth(self, session: Session, lines: Sequence[Line]) -> None:
        self._tell(Memory(session_id=session.info.session_id, lines=list(lines)))
        self._tell_used(session)

    def _tell_used(self, session: Session) -> None:
        if amounts := session.usage.take():
            self._tell(Used(session_id=session.info.session_id, amounts=amounts))

    async def _announce(self, session: Session) -> None:
        await session.ready.wait()
        if session.reason is None:
            self._tell(Ready(session_id=session.info.session_id))
