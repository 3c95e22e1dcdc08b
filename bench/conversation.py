"""One caller's conversation with a bot: greeting, questions, interruptions; and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bench.deployments import Deployment
from bench.measure import is_loud, response_ms, stop_ms
from bench.speech import Utterance
from local.caller import Invitation
from local.heard import Span

# No answer within this time counts as none: a person has hung up, or asked again.
ANSWER_TIMEOUT_SECS = 10.0
_GREETING_TIMEOUT_SECS = 15.0
# The bot's sentences follow each other without a gap; this much silence is the end of its turn.
_QUIET_SECS = 0.7
# A person takes a breath, and never the same one: keeps callers out of step with any clock.
_BREATH_SECS = (0.1, 0.4)
# How far into an answer the caller interrupts.
_INTERRUPT_AFTER_SECS = 1.0
_SESSION_TIMEOUT_SECS = 90.0
_TURN_TIMEOUT_SECS = 45.0
# A process that was not warm is waited for, but not measured.
_PATIENT_SECS = 60.0


class Heard(Protocol):
    """What a caller has heard."""

    loud: list[Span]

    def first_speech_after(self, since_secs: float) -> float | None:
        """Return when the bot was first loud at or after a moment, or None."""
        ...


class Talker(Protocol):
    """A caller in a room: `local.caller.Caller` or `bench.fleet.LeanCaller`."""

    spoken: list[Span]
    lag_secs: float

    @property
    def heard(self) -> Heard:
        """What the bot said so far."""
        ...

    async def ready(self, timeout_secs: float = ...) -> None:
        """Tell a bot that speaks RTVI to begin."""

    async def present(self, timeout_secs: float = ...) -> None:
        """Wait until the bot is in the room."""

    async def send(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Send one RTVI message."""

    async def say(self, pcm: bytes) -> float:
        """Speak; returns the moment the last sample was sent."""
        ...

    async def until(self, condition: Callable[[], bool], timeout_secs: float) -> None:
        """Wait until a condition holds."""

    async def quiet(self, for_secs: float, timeout_secs: float = ...) -> None:
        """Wait until the bot has not been heard for a while."""


Join = Callable[[Invitation], AbstractAsyncContextManager[Talker]]
# Returns the moment from which the session is charged.
Gate = Callable[[], Awaitable[float]]


class Outcome(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    CUT_IN = "cut in"
    """The bot spoke before the question was over."""


@dataclass(frozen=True)
class Turn:
    """A question, and its answer.

    Attributes:
        utterance: Name of what was asked.
        outcome: How it ended.
        response_ms: From the last voiced sample sent to the first sound heard, if answered.
        ended_secs: When the last voiced sample was sent, on the machine's monotonic clock.
    """

    utterance: str
    outcome: Outcome
    response_ms: float | None
    ended_secs: float = 0.0


@dataclass
class Conversation:
    """What was measured in one session.

    Attributes:
        greeting_ms: From asking for the session to the first sound heard; None if there was none.
        turns: The questions.
        stops_ms: One for each interruption: first voiced sample sent to the last sound heard, None
            when the bot did not stop.
        secs: From the greeting, or from the gate's opening, to leaving.
        lag_ms: The latest that a piece of microphone audio was sent.
        failure: Why it ended early, or "".
    """

    greeting_ms: float | None = None
    turns: list[Turn] = field(default_factory=list[Turn])
    stops_ms: list[float | None] = field(default_factory=list["float | None"])
    secs: float = 0.0
    lag_ms: float = 0.0
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Script:
    """What a caller does after being greeted.

    Attributes:
        questions: Asked one after the other, each answer heard to its end.
        interruptions: In each a question, and what interrupts its answer, and that answer, ...
    """

    questions: Sequence[Utterance] = ()
    interruptions: Sequence[Sequence[Utterance]] = ()

    @property
    def timeout_secs(self) -> float:
        """A bound on how long it takes."""
        turns = len(self.questions) + sum(map(len, self.interruptions))
        return _SESSION_TIMEOUT_SECS + turns * _TURN_TIMEOUT_SECS


def scripts(
    utterances: Sequence[Utterance], questions: int, interruptions: int, length: int = 1
) -> Iterator[Script]:
    """Yield scripts of one size for ever; they go through the utterances in turn.

    Args:
        utterances: What can be said.
        questions: Plain questions in each.
        interruptions: Interrupted answers in each.
        length: Interruptions that follow each other in each of those.
    """
    supply = itertools.cycle(utterances)
    while True:
        asked = [next(supply) for _ in range(questions)]
        chains = [[next(supply) for _ in range(1 + length)] for _ in range(interruptions)]
        yield Script(asked, chains)


async def converse(
    deployment: Deployment, join: Join, script: Script, seed: int, gate: Gate | None = None
) -> Conversation:
    """Hold one conversation; a failure ends it early and is told in the result.

    Args:
        deployment: Who is called.
        join: Makes a caller of an invitation.
        script: What to say.
        seed: Of the caller's breaths.
        gate: Waited for after the greeting, so that many start to talk together.
    """
    result = Conversation()
    asked = began = time.monotonic()
    breaths = random.Random(seed)  # noqa: S311 - not a secret
    try:
        async with (
            asyncio.timeout(script.timeout_secs),
            join(await deployment.invite()) as caller,
        ):
            await _be_greeted(caller, deployment, result, asked, patient=gate is not None)
            began = time.monotonic() if gate is None else await gate()
            await _follow(caller, script, result, breaths)
            result.lag_ms = caller.lag_secs * 1000
            if deployment.speaks_rtvi:
                await caller.send("disconnect-bot")
    except Exception as error:  # noqa: BLE001 - a failed session is a result, not the end of the run
        result.failure = f"{type(error).__name__}: {error}"
    result.secs = time.monotonic() - began
    return result


async def _be_greeted(
    caller: Talker, deployment: Deployment, result: Conversation, asked: float, *, patient: bool
) -> None:
    wait_secs = _PATIENT_SECS if patient else _GREETING_TIMEOUT_SECS
    if deployment.speaks_rtvi:
        await caller.ready(wait_secs)
    else:
        await caller.present(wait_secs)
    with contextlib.suppress(TimeoutError):
        await caller.until(lambda: bool(caller.heard.loud), wait_secs)
    result.greeting_ms = response_ms(caller.heard.loud, asked)


async def _follow(
    caller: Talker, script: Script, result: Conversation, breaths: random.Random
) -> None:
    async def breathe() -> None:
        await caller.quiet(_QUIET_SECS)
        await asyncio.sleep(breaths.uniform(*_BREATH_SECS))

    if script.questions or script.interruptions:
        await breathe()
    for question in script.questions:
        result.turns.append(await _ask(caller, question))
        await breathe()
    for question, *interruptions in script.interruptions:
        result.turns.append(await _ask(caller, question))
        if result.turns[-1].outcome is Outcome.ANSWERED:
            await _interrupt(caller, interruptions, result)
        await breathe()


async def _interrupt(
    caller: Talker, interruptions: Sequence[Utterance], result: Conversation
) -> None:
    """Interrupt the answer that has just begun, then the answer to that, and so on."""
    for interruption in interruptions:
        await asyncio.sleep(_INTERRUPT_AFTER_SECS)
        ended = await caller.say(interruption.pcm)
        try:
            stopped = stop_ms(caller.heard.loud, caller.spoken[-1])
        except ValueError:
            # The bot had fallen silent by itself: there was nothing to interrupt.
            return
        result.stops_ms.append(stopped)
        if stopped is None or not await _is_answered(caller, ended):
            return


async def _ask(caller: Talker, question: Utterance) -> Turn:
    """Say something and wait for the first sound of the answer."""
    ended = await caller.say(question.pcm)
    said = caller.spoken[-1]
    cut_in = is_loud(caller.heard.loud, said.start_secs, said.end_secs)
    await _is_answered(caller, ended)
    answered = response_ms(caller.heard.loud, ended)
    if cut_in:
        outcome, answered = Outcome.CUT_IN, None
    else:
        outcome = Outcome.UNANSWERED if answered is None else Outcome.ANSWERED
    return Turn(question.name, outcome, answered, ended)


async def _is_answered(caller: Talker, ended: float) -> bool:
    """Wait for a sound after a moment."""
    with contextlib.suppress(TimeoutError):
        await caller.until(
            lambda: caller.heard.first_speech_after(ended) is not None, ANSWER_TIMEOUT_SECS
        )
    return caller.heard.first_speech_after(ended) is not None
