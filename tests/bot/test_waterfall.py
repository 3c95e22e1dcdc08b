"""The steps of a turn."""

import asyncio

import pytest

from bot.waterfall import SEGMENTS, Step, TurnTimes, Waterfall

Marks = list[tuple[Step, float]]

ANSWER: Marks = [
    (Step.ASKED, 1.2),
    (Step.TOKEN, 1.3),
    (Step.TOKEN, 1.31),
    (Step.TEXT, 1.35),
    (Step.AUDIO, 1.45),
    (Step.HEARD, 1.5),
]
QUESTION: Marks = [(Step.TRANSCRIBED, 1.1)]


def turns_of(marks: Marks, voice_ended_secs: float = 1.0) -> list[TurnTimes]:
    turns: list[TurnTimes] = []

    async def conversation() -> None:
        waterfall = Waterfall()
        waterfall.on_turn = turns.append
        waterfall.voice_ended(voice_ended_secs)
        for step, at_secs in marks:
            waterfall.mark(step, at_secs)

    asyncio.run(conversation())
    return turns


def test_segments_add_up_to_the_wait() -> None:
    """From the last sound to the first of the answer no time is lost and none counted twice."""
    (turn,) = turns_of(QUESTION + ANSWER)
    assert tuple(turn.segments_secs) == SEGMENTS
    assert list(turn.segments_secs.values()) == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.1, 0.05])
    assert turn.answers_begun == 1


def test_an_answer_thrown_away_is_counted_and_not_timed() -> None:
    """The words that follow it begin the steps anew."""
    thrown_away: Marks = [(Step.ASKED, 0.5), (Step.TOKEN, 0.6), (Step.TEXT, 0.7)]
    (turn,) = turns_of([(Step.TRANSCRIBED, 0.4), *thrown_away, *QUESTION, *ANSWER])
    assert list(turn.segments_secs.values()) == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.1, 0.05])
    assert turn.answers_begun == 2


def test_what_follows_from_no_turn_is_not_timed() -> None:
    """A greeting, a typed question and the rest of an answer are no turns."""
    greeting: Marks = [(Step.AUDIO, 0.1), (Step.HEARD, 0.2)]
    assert turns_of(greeting + ANSWER) == []
    assert len(turns_of(QUESTION + ANSWER + greeting + ANSWER)) == 1


def test_sounds_behind_the_words_begin_the_wait() -> None:
    """A turn that a noise kept open is not counted as slow."""
    (turn,) = turns_of(QUESTION + ANSWER, voice_ended_secs=1.32)
    assert list(turn.segments_secs.values()) == pytest.approx([0, 0, 0, 0.03, 0.1, 0.05])
