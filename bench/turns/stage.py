"""Play one case through a session on virtual time, and keep what was heard.

The room, the clock and the scripted providers are those of `tests/replay`; the session is the
production session or stock Pipecat.
"""

import asyncio
import importlib
import ssl
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from unittest import mock

from loguru import logger

from bench.turns import clips as c
from bench.turns.stock import StockSession
from bench.turns.texts import words_of
from tests.replay import replay as stage
from tests.replay.conversations import LONG_ANSWER, asked, joined
from tests.replay.deepgram_peer import Hearing
from tests.replay.groq_peer import Answer
from tests.replay.recording import Recording
from tests.replay.replay import Caller
from tests.replay.speech import CHARACTER_SECS
from tests.replay.timeline import Timeline

SYSTEMS = ("production", "stock")
# Three sentences, 11 s: even an answer to 3 s of coughing is not over before the cough is.
LONG = f"{LONG_ANSWER} Everybody in your team can read it there, and nobody else will."
SHORT = "All right."
FLOOR_SECS = 0.28
# After the last sound: longer than stock's 3 s and the providers' delays.
WAIT_SECS = 4.5
INTERRUPT_AFTER_SECS = 1.0


@dataclass(frozen=True)
class Spoken(Recording):
    """Audio with word times of its own."""

    words: tuple[tuple[float, str], ...] = ()

    def word_ends_secs(self) -> list[tuple[float, str]]:
        """When each word has been said."""
        return list(self.words)


@dataclass(frozen=True)
class Case:
    """What a caller does.

    Attributes:
        name: The clip, and the stratum of built pauses.
        kind: `turn` (speak and wait for the answer) or `overlap` (speak while the bot does).
        clip: The recording.
        pauses: Of a turn, start and end of each pause, natural or built, in seconds from its start.
        kinds: Of each pause, `natural` or `built`.
        samples: What is played.
        words: When each word has been said.
        speech: First and last sound, in seconds.
    """

    name: str
    kind: str
    clip: c.Clip
    samples: c.Samples
    words: tuple[tuple[float, str], ...]
    speech: tuple[float, float]
    pauses: tuple[tuple[float, float], ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass
class Played:
    """A case that was played.

    Attributes:
        system: Who answered.
        case: What was played.
        timeline: What happened.
        origin_secs: When the clip's first sample was recorded, on the timeline.
    """

    system: str
    case: Case
    timeline: Timeline
    origin_secs: float


def natural_case(clip: c.Clip) -> Case:
    """A clip as it is, with 3 s of its room tone after it."""
    samples = c.samples_of(clip)
    gaps = c.pauses_of(clip, samples)
    extent = c.extent_of(clip, samples)
    return Case(
        name=clip.file,
        kind="turn",
        clip=clip,
        samples=c.with_tail(samples, extent[1]),
        words=tuple(words_of(clip, samples)),
        speech=extent,
        pauses=tuple((g.start_secs, g.end_secs) for g in gaps),
        kinds=("natural",) * len(gaps),
    )


def built_case(clip: c.Clip, stratum: tuple[float, float]) -> Case | None:
    """A clip with every shorter gap lengthened, or None when it has none.

    Lengths are spread evenly over the stratum, in the order of the gaps.
    """
    samples = c.samples_of(clip)
    gaps = c.gaps_to_build(clip, samples)
    if not gaps:
        return None
    words = words_of(clip, samples)
    start, end = c.extent_of(clip, samples)
    pauses: list[tuple[float, float]] = []
    added = 0.0
    audio = samples
    low, high = stratum
    for index, gap in enumerate(gaps):
        length = low + (high - low) * ((index + 0.5) / len(gaps))
        shifted = c.Gap(gap.start_secs + added, gap.end_secs + added)
        longer = c.with_pause(audio, shifted, length)
        more = (len(longer) - len(audio)) / c.RATE_HZ
        middle = (shifted.start_secs + shifted.end_secs) / 2
        words = [(at + more if at > middle else at, word) for at, word in words]
        audio, added, end = longer, added + more, end + more
        pauses.append((shifted.start_secs, shifted.end_secs + more))
    tail = audio[: min(len(audio), int((end + 2 * c.CROSS_FADE_SECS) * c.RATE_HZ))]
    return Case(
        name=f"{clip.file} {low * 1000:.0f}-{high * 1000:.0f}",
        kind="turn",
        clip=clip,
        samples=c.cross_fade(tail, c.room_tone(samples, c.TAIL_SECS)),
        words=tuple(words),
        speech=(start, end),
        pauses=tuple(pauses),
        kinds=("built",) * len(pauses),
    )


def overlap_case(clip: c.Clip) -> Case:
    """A short recording over the bot's speech."""
    samples = c.samples_of(clip)
    end_secs = c.speech_of(samples)[1]
    return Case(
        name=clip.file,
        kind="overlap",
        clip=clip,
        samples=c.with_tail(samples, end_secs),
        words=tuple(words_of(clip, samples)),
        speech=(c.onset_secs(samples), end_secs),
    )


class Person(Caller):
    """A caller who plays cases rather than recordings of the tests."""

    origin_secs = 0.0

    async def play(self, case: Case) -> None:
        """Play a case, and return when its last sound has been sent."""
        transport = self._transport
        # From the start of a frame on: it is sent when the microphone has recorded all of it.
        before = transport.stream_secs
        while transport.stream_secs == before:  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(0.001)
        start_secs = transport.stream_secs + transport.queued_secs
        self.origin_secs = self.now_secs + transport.queued_secs
        self.note(f"plays {case.name}")
        for words in _phrases(case):
            self.ear.hear(start_secs, Spoken(case.name, (), b"", words), Hearing())
        transport.speak(case.samples.tobytes())
        await asyncio.sleep(self.origin_secs + case.speech[1] - self.now_secs)
        self.note("has said it")


def _phrases(case: Case) -> list[tuple[tuple[float, str], ...]]:
    """The words, parted at the pauses: at each, a recogniser's endpointing gives a final."""
    edges = [-1.0, *(start + 0.02 for start, _ in case.pauses), float("inf")]
    parts = [
        tuple(word for word in case.words if low < word[0] <= high) for low, high in pairwise(edges)
    ]
    return [words for words in parts if words] or [()]


def play(system: str, case: Case) -> Played:
    """Play a case to a system."""
    people: list[Person] = []

    async def conversation(caller: Caller) -> None:
        if not isinstance(caller, Person):
            raise TypeError(caller)
        people.append(caller)
        if case.kind == "turn":
            await joined(caller)
            await caller.play(case)
            await caller.wait(WAIT_SECS)
        else:
            await asked(caller)
            await caller.hears("bot-started-speaking")
            await caller.wait(INTERRUPT_AFTER_SECS)
            await caller.play(case)
            await caller.wait(len(LONG) * CHARACTER_SECS + WAIT_SECS)

    answers = [Answer(SHORT)] if case.kind == "turn" else [Answer(LONG), Answer(SHORT)]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(stage, "Caller", Person))
        if system == "stock":
            stack.enter_context(mock.patch.object(stage, "Session", StockSession))
        timeline = stage.replay(conversation, answers)
    return Played(system, case, timeline, people[0].origin_secs)


def prepare(set_attribute: Callable[[object, str, Any], None] = setattr) -> None:
    """Quiet, and with the modules loaded that libraries import only when they connect.

    Args:
        set_attribute: Replaces a function; a test gives one that takes it back.
    """
    logger.remove()
    # No scripted provider speaks TLS; loading certificates costs a third of a case.
    set_attribute(ssl.SSLContext, "load_verify_locations", _load_nothing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for module in (
            "deepgram.core.websocket_compat",
            "deepgram.listen.v1.client",
            "pipecat.services.deepgram.stt",
            "pipecat.services.deepgram.tts",
        ):
            importlib.import_module(module)


def _load_nothing(*_: object, **__: object) -> None:
    """Stands for `SSLContext.load_verify_locations`."""
