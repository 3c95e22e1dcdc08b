"""What is left of an answer when the voice breaks off."""

from bot.unspoken import Unspoken
from tests.replay.speech import spoken_pcm

RATE_HZ = 24_000
FIRST, SECOND, THIRD = "One two three four five. ", "Six seven eight nine. ", "Ten. "


def answer(*texts: str) -> Unspoken:
    unspoken = Unspoken()
    for text in texts:
        unspoken.add(text)
    return unspoken


def hear(unspoken: Unspoken, text: str) -> None:
    unspoken.hear(spoken_pcm(text, RATE_HZ), RATE_HZ)


def test_without_audio_all_of_it_is_left() -> None:
    """Nothing came back: the whole answer is told again."""
    assert answer(FIRST, SECOND).rest() == FIRST + SECOND


def test_a_sentence_that_broke_off_is_told_whole() -> None:
    """From the sentence on in which the audio broke off, at the pace of the answer before."""
    unspoken = answer(FIRST, SECOND, THIRD)
    hear(unspoken, FIRST + SECOND + THIRD)
    unspoken.complete()
    unspoken.begin()
    for text in (FIRST, SECOND, THIRD):
        unspoken.add(text)
    hear(unspoken, FIRST + SECOND[:8])
    assert unspoken.rest() == SECOND + THIRD


def test_what_was_told_again_can_break_off_again() -> None:
    """Audio counts from the new connection on; what is added meanwhile is left, too."""
    unspoken = answer(FIRST, SECOND)
    hear(unspoken, FIRST[:4])
    assert unspoken.rest() == FIRST + SECOND
    unspoken.add(THIRD)
    assert unspoken.rest() == FIRST + SECOND + THIRD


def test_more_audio_than_words_leaves_the_last_sentence() -> None:
    """A voice slower than expected: something is said twice rather than nothing at all."""
    unspoken = answer(FIRST, SECOND)
    hear(unspoken, 3 * (FIRST + SECOND))
    assert unspoken.rest() == SECOND
