"""What a played case shows: cut-offs, latency, merging, interruptions, what the context keeps.

Only the timeline's events are read: what the ear heard and when, what the model was asked, what the
voice was given, and the context at the end.
"""

import re
from dataclasses import dataclass

from bench.turns.stage import FLOOR_SECS, LONG, SHORT, Played
from bench.turns.texts import is_sentence
from tests.replay.replay import GREETING
from tests.replay.timeline import Timeline

LATE_SECS = 1.5 + FLOOR_SECS
# A paused voice may lose the character it is stopped in, and one when it goes on.
_LOST_CHARACTERS = 4
_MESSAGE = re.compile(r" \| (?=user: |assistant: )")


@dataclass(frozen=True)
class Sound:
    """One stretch of the bot's voice, in seconds of the timeline."""

    start_secs: float
    end_secs: float
    text: str


@dataclass(frozen=True)
class Pause:
    """What happened at one pause."""

    kind: str
    secs: float
    cut_off: bool
    """The bot was heard before the person went on."""
    talked_over: bool
    """It began to be heard within a second after the person had gone on."""
    asked_early: bool
    """The model was asked meanwhile, heard or not."""


@dataclass(frozen=True)
class Turn:
    """An utterance and its answer.

    Attributes:
        latency_secs: From the last sound to the bot's; None when no answer to the whole utterance
            came, or it began before its end.
        merged: After a false end, whether the model's last request holds all the words in one user
            message; None without one.
        heard_between: Whether bot speech was heard between the halves.
        llm_calls: Requests to the model.
        tts_calls: Sentences given to the voice.
        answers: Answers that were heard.
    """

    system: str
    name: str
    speaker: str
    language: str
    is_sentence: bool
    pauses: list[Pause]
    latency_secs: float | None
    merged: bool | None
    heard_between: bool
    llm_calls: int
    tts_calls: int
    answers: int


@dataclass(frozen=True)
class Overlap:
    """Something said or coughed over the bot's speech.

    Attributes:
        kind: As in `Clip.kind`.
        ended: The bot's sentence was not spoken to its end.
        silent_after_secs: From the onset to the bot's first silence of 0.1 s or more; None when it
            was never silent.
        gap_secs: How long that silence was, where the sentence went on.
        words_off: Words in the context that were not heard, or heard and missing; None when the
            answer was spoken to its end.
    """

    system: str
    name: str
    speaker: str
    kind: str
    ended: bool
    silent_after_secs: float | None
    gap_secs: float | None
    words_off: int | None


def sounds(timeline: Timeline) -> list[Sound]:
    """The bot's voice after the greeting."""
    begins = timeline.at("ear", "hears the bot begin")
    ends = timeline.at("ear", "has heard")
    texts = [text.strip('"') for text in timeline.texts("ear", "has heard")]
    heard = [Sound(*one) for one in zip(begins, ends, texts, strict=True)]
    return [sound for sound in heard if sound.text.strip() != GREETING]


def turn_of(played: Played) -> Turn:
    """Measure a spoken turn."""
    case, timeline, origin = played.case, played.timeline, played.origin_secs
    heard = sounds(timeline)
    asked = timeline.at("llm", "is asked")
    end = origin + case.speech[1]
    pauses: list[Pause] = []
    for (start, stop), kind in zip(case.pauses, case.kinds, strict=True):
        begin, resume = origin + start, origin + stop
        pauses.append(
            Pause(
                kind=kind,
                secs=round(stop - start, 3),
                cut_off=any(s.start_secs < resume and s.end_secs > begin for s in heard),
                talked_over=any(resume <= s.start_secs < min(resume + 1.0, end) for s in heard),
                asked_early=any(begin <= at < resume for at in asked),
            )
        )
    requests = timeline.texts("llm", "is asked")
    complete = bool(asked) and (asked[-1] >= end or _is_merged(requests[-1], case.clip.text))
    after = [s.start_secs for s in heard if s.start_secs >= end] if complete else []
    early = [at for at in asked if origin <= at < end]
    between = any(origin <= s.start_secs < end for s in heard)
    return Turn(
        system=played.system,
        name=case.name,
        speaker=case.clip.speaker,
        language=case.clip.language,
        is_sentence=is_sentence(case.clip.text),
        pauses=pauses,
        latency_secs=round(after[0] - end, 3) if after else None,
        merged=_is_merged(requests[-1], case.clip.text) if early and case.clip.text else None,
        heard_between=between,
        llm_calls=len(asked),
        tts_calls=sum(text.strip('"') != GREETING for text in timeline.texts("tts", "is given")),
        answers=len(heard),
    )


def _is_merged(request: str, text: str) -> bool:
    """Whether the last message holds every word and nothing unheard stands before it."""
    messages = _MESSAGE.split(request.removeprefix("[").removesuffix("]"))
    said = messages[-1].removeprefix("user: ").split()
    return messages[-1].startswith("user: ") and said == text.split()


def overlap_of(played: Played) -> Overlap:
    """Measure what speech over the bot's answer did."""
    case, timeline, origin = played.case, played.timeline, played.origin_secs
    heard = [s for s in sounds(timeline) if s.text.strip() != SHORT]
    onset = origin + case.speech[0]
    spoken = "".join(s.text for s in heard)
    ended = len(spoken) < len(LONG) - _LOST_CHARACTERS
    silences = [
        (one.end_secs, other.start_secs if other else None)
        for one, other in zip(heard, [*heard[1:], None], strict=True)
        if one.end_secs > onset and (other is None or other.start_secs - one.end_secs >= 0.1)
    ]
    first = silences[0] if silences and (ended or silences[0][1] is not None) else None
    return Overlap(
        system=played.system,
        name=case.name,
        speaker=case.clip.speaker,
        kind=case.clip.kind,
        ended=ended,
        silent_after_secs=round(first[0] - onset, 3) if first else None,
        gap_secs=round(first[1] - first[0], 3) if first and first[1] is not None else None,
        words_off=_words_off(timeline, spoken) if ended else None,
    )


def _words_off(timeline: Timeline, spoken: str) -> int:
    """How far the context's text of the interrupted answer is from what was heard, in words."""
    heard = len(spoken.split())
    kept = [
        entry.removeprefix("assistant: ")
        for entry in timeline.conversation
        if entry.startswith("assistant: ")
    ]
    answers = [text for text in kept if text.strip() not in (GREETING, SHORT)]
    return abs(sum(len(text.split()) for text in answers) - heard)
