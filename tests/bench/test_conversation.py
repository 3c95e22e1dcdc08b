"""Whole conversations on virtual time, with a bot whose times are known."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Self

import pytest

from bench.conversation import Conversation, Outcome, Script, converse
from bench.deployments import Deployment
from bench.fleet import HeardPackets
from bench.run import STAGGER_SECS, block_of
from bench.speech import Utterance
from local.caller import Invitation
from local.heard import Span
from tests import clock

PIECE_SECS = 0.02
ANSWER_SECS = 4.0
GREETING_AFTER_SECS = 0.4
SENTENCE = Utterance("sentence", bytes(2 * 16_000 * 2))


class Bot:
    """A caller in a room with a bot that answers, and stops, after a fixed time."""

    def __init__(self, response_secs: float | None, stop_secs: float | None) -> None:
        self.response_secs, self.stop_secs = response_secs, stop_secs
        self.heard = HeardPackets()
        self.spoken: list[Span] = []
        self.lag_secs = 0.0
        self.sent: list[str] = []
        self._talking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Join."""
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Leave."""
        if self._talking:
            self._talking.cancel()

    async def ready(self, timeout_secs: float = 10) -> None:
        """The bot begins to talk."""
        self._talking = asyncio.create_task(self._talk(GREETING_AFTER_SECS))

    async def present(self, timeout_secs: float = 10) -> None:
        """The bot is here, and begins to talk as well."""
        await self.ready()

    async def send(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Keep what was sent."""
        self.sent.append(kind)

    async def say(self, pcm: bytes) -> float:
        """Take as long as the utterance; the bot stops in it and answers after it."""
        start_secs, secs = time.monotonic(), len(pcm) / 2 / 16_000
        if self.stop_secs is not None and self._talking and not self._talking.done():
            await asyncio.sleep(self.stop_secs)
            self._talking.cancel()
        await asyncio.sleep(start_secs + secs - time.monotonic())
        self.spoken.append(Span(start_secs, time.monotonic()))
        if self.response_secs is not None:
            if self._talking:
                self._talking.cancel()
            self._talking = asyncio.create_task(self._talk(self.response_secs))
        return time.monotonic()

    async def until(self, condition: Callable[[], bool], timeout_secs: float) -> None:
        """Look at the condition whenever something is heard."""
        async with asyncio.timeout(timeout_secs):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def quiet(self, for_secs: float, timeout_secs: float = 30) -> None:
        """Wait for the end of the bot's sentence."""
        if self._talking:
            await asyncio.wait([self._talking])
        await asyncio.sleep(for_secs)

    async def _talk(self, after_secs: float) -> None:
        await asyncio.sleep(after_secs)
        end_secs = time.monotonic() + ANSWER_SECS
        while time.monotonic() < end_secs:
            self.heard.loud.append(Span(time.monotonic(), time.monotonic() + PIECE_SECS))
            self._news.set()
            await asyncio.sleep(PIECE_SECS)


async def _invite() -> Invitation:
    return Invitation("ws://127.0.0.1:1", "token", "room", "session")


def _deployment(*, speaks_rtvi: bool = True) -> Deployment:
    return Deployment("bot", _invite, os.getpid(), speaks_rtvi)


def _conversation(bot: Bot, script: Script, deployment: Deployment) -> Conversation:
    return clock.run(lambda: converse(deployment, lambda _: bot, script, seed=1))


def test_a_conversation_is_measured_to_the_millisecond() -> None:
    """Greeting, answers and stops are those of the bot, and every interruption of a row counts."""
    bot = Bot(response_secs=0.5, stop_secs=0.3)
    script = Script([SENTENCE], [[SENTENCE, SENTENCE, SENTENCE]])
    found = _conversation(bot, script, _deployment())
    assert found.failure == ""
    assert found.greeting_ms == pytest.approx(400, abs=1)
    assert [turn.outcome for turn in found.turns] == [Outcome.ANSWERED] * 2
    assert [turn.response_ms for turn in found.turns] == [pytest.approx(500, abs=1)] * 2
    # The last piece that was heard may have been whole when the bot stopped.
    assert found.stops_ms == [pytest.approx(300, abs=PIECE_SECS * 1000 + 1)] * 2
    assert bot.sent == ["disconnect-bot"]


def test_a_bot_that_talks_on_ends_the_row_of_interruptions() -> None:
    """What does not stop is counted once, as no stop, and not interrupted again."""
    found = _conversation(
        Bot(0.5, None), Script((), [[SENTENCE, SENTENCE, SENTENCE]]), _deployment()
    )
    assert found.stops_ms == [None]


def test_a_silent_bot_leaves_questions_unanswered() -> None:
    """No answer within ten seconds is none, and the conversation goes on."""
    found = _conversation(Bot(None, None), Script([SENTENCE, SENTENCE]), _deployment())
    assert [turn.outcome for turn in found.turns] == [Outcome.UNANSWERED] * 2
    assert [turn.response_ms for turn in found.turns] == [None, None]


def test_a_bot_without_rtvi_is_not_sent_any() -> None:
    """A bot that does not know the protocol is met in the room and left without a word."""
    bot = Bot(0.5, 0.3)
    found = _conversation(bot, Script([SENTENCE]), _deployment(speaks_rtvi=False))
    assert found.turns[0].outcome is Outcome.ANSWERED
    assert bot.sent == []


def test_many_talk_only_when_all_have_been_greeted() -> None:
    """A session that cannot be had holds nobody back, and its questions count as unanswered."""
    bots = iter([Bot(0.5, 0.3), Bot(0.7, 0.3)])
    asked = 0

    async def invite() -> Invitation:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise ConnectionError("503 server_full")
        return await _invite()

    deployment = Deployment("bot", invite, os.getpid())
    said = [Script([SENTENCE])] * 3
    block = clock.run(
        lambda: block_of(deployment, lambda _: next(bots), said, seed=1, together=True)
    )
    failures = [one.failure for one in block.conversations]
    assert failures == ["", "ConnectionError: 503 server_full", ""]
    assert block.responses() == [pytest.approx(500, abs=1), pytest.approx(700, abs=1)]
    assert (block.planned, block.unanswered) == (3, 1)
    first, _, third = block.conversations
    # Both are charged from the gate's opening; the third then waits for its turn to begin.
    stagger_secs, slower_secs = 2 * STAGGER_SECS, 0.2
    assert third.secs - first.secs == pytest.approx(stagger_secs + slower_secs, abs=0.5)
    assert block.cpu_secs is not None
