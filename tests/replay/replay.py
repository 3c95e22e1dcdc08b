"""`replay(conversation, ...) -> Timeline`: a caller, the real session, and time that jumps.

Everything but the network ends is real: the session with its graph, Silero, smart-turn, the
aggregators, and the Deepgram and Groq service classes, met at their sockets by scripted peers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.kept import RecordTo
from bot.lines import Line
from bot.prepared import NOTHING, Prepared
from bot.session import EndReason, Session, SessionInfo
from bot.settings import BotSettings
from tests import clock
from tests.network import Network
from tests.replay.deepgram_peer import DeepgramPeer, DeepgramScript, Hearing
from tests.replay.events import EventObserver, rtvi_line
from tests.replay.groq_peer import Answer, GroqPeer, GroqScript
from tests.replay.recording import load_recording
from tests.replay.timeline import Timeline
from tests.replay.transport import USER, ReplayTransport

# Addresses from the blocks kept for documentation (RFC 5737): nothing real stands there.
DEEPGRAM = ("192.0.2.1", 8001)
GROQ = ("192.0.2.2", 8002)

GREETING = "Hello."
INSTRUCTION = "Answer in one sentence."
# A browser that has its token needs about this long to be in the room.
JOIN_SECS = 0.2
# After the caller's script: until the last queued audio has been heard.
TAIL_SECS = 0.5


class Caller:
    """The person in the room, as a conversation script drives them.

    Attributes:
        ear: What speech-to-text and text-to-speech do; may be changed on the way.
    """

    def __init__(self, transport: ReplayTransport, timeline: Timeline, ear: DeepgramScript) -> None:
        self._transport = transport
        self._timeline = timeline
        self.ear = ear
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time()
        self._waiting: list[tuple[str, asyncio.Event]] = []

    @property
    def now_secs(self) -> float:
        """Seconds since the replay began."""
        return self._loop.time() - self._zero

    async def join(self, *, ready: bool = True) -> None:
        """Enter the room; with `ready`, also send RTVI's client-ready."""
        await asyncio.sleep(JOIN_SECS)
        self.note("joins")
        await self._transport.join()
        if ready:
            await self.send("client-ready", {"version": "2.2.0", "about": {"library": "replay"}})

    async def leave(self) -> None:
        """Leave the room."""
        self.note("leaves")
        await self._transport.leave()

    async def send(self, kind: str, data: dict[str, Any]) -> None:
        """Send an RTVI message."""
        self.note(f"sends {kind}" + (f' "{data["content"]}"' if "content" in data else ""))
        await self._transport.send({"label": "rtvi-ai", "type": kind, "id": "1", "data": data})

    async def say(self, name: str, hearing: Hearing | None = None) -> None:
        """Speak a recording, and return when its last sound has been sent."""
        recording = load_recording(name)
        self.note(f'says "{recording.text or recording.name}"')
        start_secs = self._transport.stream_secs + self._transport.queued_secs
        self.ear.hear(start_secs, recording, hearing or Hearing())
        self._transport.speak(recording.pcm)
        await asyncio.sleep(start_secs + recording.voice_ends_secs - self._transport.stream_secs)
        self.note("is silent")

    async def wait(self, secs: float) -> None:
        """Stay silent."""
        await asyncio.sleep(secs)

    async def hears(self, message: str, within_secs: float = 10.0) -> None:
        """Wait for the next RTVI message of a type.

        Raises:
            TimeoutError: If it does not come in time; the timeline until then is in the message.
        """
        event = asyncio.Event()
        self._waiting.append((message, event))
        try:
            await asyncio.wait_for(event.wait(), within_secs)
        except TimeoutError as error:
            text = f"no {message} within {within_secs:g} s:\n{self._timeline}"
            raise TimeoutError(text) from error

    def note(self, what: str) -> None:
        """Write what the caller does to the timeline."""
        self._timeline.add(self.now_secs, "user", what)

    def receive(self, message: dict[str, Any]) -> None:
        """An RTVI message arrived."""
        line = rtvi_line(message)
        if line:
            self._timeline.add(self.now_secs, "rtvi", line)
        for waiter in [w for w in self._waiting if w[0] == message["type"]]:
            self._waiting.remove(waiter)
            waiter[1].set()


Conversation = Callable[[Caller], Awaitable[None]]


def replay(
    conversation: Conversation,
    answers: list[Answer] | None = None,
    *,
    prepare: Callable[[DeepgramScript, Network], None] | None = None,
    prepared: Prepared = NOTHING,
    record_to: RecordTo | None = None,
    remembered: Sequence[Line] | None = None,
    **settings: Any,
) -> Timeline:
    """Run a conversation through the production session on virtual time.

    Args:
        conversation: What the caller does; the session is ended TAIL_SECS after it returns.
        answers: What the model answers, one per request; the last one repeats.
        prepare: Changes the peers' scripts before the session starts.
        prepared: What the session finds in its process.
        record_to: Where the conversation is kept.
        remembered: What was said to a bot that was lost; None: it is the first one.
        **settings: Settings other than the defaults of a replay.

    Returns:
        The ordered events.

    Raises:
        clock.LeakedTasksError: If the session leaves tasks behind.
    """
    network = Network()

    async def main() -> Timeline:
        spoken = answers or [Answer("Yes.")]
        info = SessionInfo("replay", USER, record_to, remembered)
        return await _run(
            network, conversation, spoken, prepare, settings, info=info, prepared=prepared
        )

    return clock.run(main, network.connect)


async def _run(
    network: Network,
    conversation: Conversation,
    answers: list[Answer],
    prepare: Callable[[DeepgramScript, Network], None] | None,
    settings: dict[str, Any],
    *,
    info: SessionInfo,
    prepared: Prepared,
) -> Timeline:
    loop = asyncio.get_running_loop()
    zero = loop.time()
    timeline = Timeline()

    def note(who: str, what: str) -> None:
        timeline.add(loop.time() - zero, who, what)

    transport = ReplayTransport(timeline)
    ear = DeepgramScript(note=note, stream_secs=lambda: transport.stream_secs)
    brain = GroqScript(note=note, answers=answers)
    caller = Caller(transport, timeline, ear)
    transport.on_message = caller.receive
    network.register(*DEEPGRAM, lambda: DeepgramPeer(ear))
    network.register(*GROQ, lambda: GroqPeer(brain))
    if prepare:
        prepare(ear, network)

    session = Session(info, transport, replay_settings(**settings), INSTRUCTION, prepared)
    session.graph.waterfall.on_turn = timeline.turns.append
    session.on_growth = timeline.grown.append
    session._worker.add_observer(EventObserver(note))
    running = asyncio.create_task(session.run(), name="session")
    running.add_done_callback(lambda _: note("bot", f"has left: {session.reason}"))
    try:
        await conversation(caller)
        await asyncio.wait({running}, timeout=TAIL_SECS)
    finally:
        transport.speaker.note_played()
        if not running.done():
            session.end(EndReason.SHUTDOWN)
        await running
    timeline.conversation = _conversation(session)
    timeline.failures = dict(session.failures.counts)
    timeline.used, timeline.streamed_secs = session.usage.take(), transport.stream_secs
    await asyncio.sleep(clock.GRACE_SECS)
    timeline.unclosed = network.close()
    await asyncio.sleep(clock.GRACE_SECS)
    return timeline


def replay_settings(**changes: Any) -> BotSettings:
    """Settings whose providers are the scripted peers; no .env file is read."""
    values: dict[str, Any] = {
        "deepgram_base_url": f"http://{DEEPGRAM[0]}:{DEEPGRAM[1]}",
        "groq_base_url": f"http://{GROQ[0]}:{GROQ[1]}",
        "deepgram_api_key": SecretStr("replay"),
        "groq_api_key": SecretStr("replay"),
        "assistant_greeting": GREETING,
        "knowledge_dir": Path(),
    }
    return BotSettings(_env_file=None, **(values | changes))  # type: ignore[call-arg]


def _conversation(session: Session) -> list[str]:
    return [
        f"{message['role']}: {message.get('content')}"
        for message in session.graph.context.get_messages()
        if isinstance(message, dict)
    ]
