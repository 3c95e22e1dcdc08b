"""When a recogniser counts as deaf, on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.failures import Incident
from bot.hearing import ANSWER_SECS, SPEAKING_SECS, UNHEARD_SECS, Hearing
from tests import clock


def after(story: Callable[[Hearing], Awaitable[None]]) -> tuple[Incident | None, float]:
    """What is found within a minute after a story, and how long after it."""

    async def main() -> tuple[Incident | None, float]:
        hearing = Hearing()
        await story(hearing)
        began = asyncio.get_running_loop().time()
        try:
            found = await asyncio.wait_for(hearing.trouble(), 60)
        except TimeoutError:
            return None, 60
        return found, asyncio.get_running_loop().time() - began

    return clock.run(main)


async def spoke(hearing: Hearing, secs: float = 2.0) -> None:
    hearing.voice_started()
    await asyncio.sleep(secs)
    hearing.voice_stopped()
    hearing.asked()


def test_silence_is_no_trouble() -> None:
    """Who is not spoken to need not answer."""

    async def story(hearing: Hearing) -> None:
        await spoke(hearing)
        hearing.heard(has_words=True, is_final=True, is_answer=True)
        assert hearing.is_settled

    assert after(story) == (None, 60)


def test_a_question_for_the_words_must_be_answered() -> None:
    """Nothing after Finalize: unresponsive."""
    assert after(spoke) == (Incident.STT_UNRESPONSIVE, ANSWER_SECS)


def test_a_voice_that_goes_on_must_be_answered() -> None:
    """Nothing while somebody speaks for long: unresponsive, counted from the last word on."""

    async def story(hearing: Hearing) -> None:
        hearing.voice_started()
        await asyncio.sleep(3)
        hearing.heard(has_words=True, is_final=False, is_answer=False)

    assert after(story) == (Incident.STT_UNRESPONSIVE, SPEAKING_SECS)


def test_patience_grows() -> None:
    """A recogniser that is only slow is given twice the time after each time it was too slow."""

    async def story(hearing: Hearing) -> None:
        await spoke(hearing, 0.5)
        await hearing.trouble()
        hearing.asked()

    assert after(story) == (Incident.STT_UNRESPONSIVE, 2 * ANSWER_SECS)


def test_a_short_noise_needs_no_words() -> None:
    """An empty answer about a cough settles it."""

    async def story(hearing: Hearing) -> None:
        await spoke(hearing, 0.5)
        hearing.heard(has_words=False, is_final=True, is_answer=True)
        assert hearing.is_settled

    assert after(story) == (None, 60)


def test_a_voice_without_words_is_doubted_once() -> None:
    """Two seconds of voice and no word: the recogniser is asked again, then the visitor."""

    async def story(hearing: Hearing) -> None:
        await spoke(hearing)
        hearing.heard(has_words=False, is_final=True, is_answer=True)
        assert hearing.is_waiting
        assert await hearing.trouble() is Incident.STT_SILENT
        hearing.asked()
        hearing.heard(has_words=False, is_final=True, is_answer=True)
        assert hearing.is_settled
        assert await hearing.trouble() is Incident.STT_UNHEARD

    assert after(story) == (None, 60)


def test_who_is_not_understood_in_time_is_asked_once() -> None:
    """Words that do not come for 2.6 s after the voice: asked again, and not a second time."""

    async def story(hearing: Hearing) -> None:
        await spoke(hearing)
        assert await hearing.trouble() is Incident.STT_UNRESPONSIVE
        hearing.asked()

    found, secs = after(story)
    assert (found, round(secs, 3)) == (Incident.STT_UNHEARD, round(UNHEARD_SECS - ANSWER_SECS, 3))

    async def told(hearing: Hearing) -> None:
        await story(hearing)
        await hearing.trouble()

    assert after(told)[0] is Incident.STT_UNRESPONSIVE


def test_who_is_understood_late_may_be_asked_again() -> None:
    """Words that came in the end make the next utterance count anew."""

    async def story(hearing: Hearing) -> None:
        for _ in range(2):
            hearing.voice_started()
            await asyncio.sleep(2)
            hearing.voice_stopped()
            assert await hearing.trouble() is Incident.STT_UNHEARD
            hearing.heard(has_words=True, is_final=True, is_answer=False)

    assert after(story) == (None, 60)


def test_words_that_came_before_the_silence_leave_nothing_to_ask_for() -> None:
    """The next utterance's first guess comes before its voice, and is not taken for a late word."""

    async def story(hearing: Hearing) -> None:
        hearing.voice_started()
        await asyncio.sleep(2)
        hearing.heard(has_words=True, is_final=True, is_answer=False)
        hearing.voice_stopped()
        await asyncio.sleep(5)
        hearing.heard(has_words=True, is_final=False, is_answer=False)
        await asyncio.sleep(1)
        hearing.heard(has_words=True, is_final=True, is_answer=False)

    assert after(story) == (None, 60)
