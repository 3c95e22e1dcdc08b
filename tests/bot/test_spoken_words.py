import numpy as np
import pytest

from bot.spoken_words import Segment, SpokenWords, voiced_ms

SENTENCE = Segment(
    id=1, text="Save it to the folder.", text_type="sentence", append_to_context=True
)


def _words(heard: list[object]) -> list[str]:
    return [getattr(one, "word") for one in heard]  # noqa: B009


def test_words_are_heard_in_proportion_to_the_audio_when_all_of_it_has_come() -> None:
    """Half of a finished sentence's audio is half of its letters."""
    words = SpokenWords()
    words.add_text(SENTENCE)
    words.add_audio(1000)
    words.complete()
    assert _words(words.play(500)) == ["Save", "it", "to"]
    assert _words(words.play(500)) == ["the", "folder."]


def test_words_are_heard_at_an_ordinary_rate_while_audio_is_still_coming() -> None:
    """Before the length is known, 15 letters and gaps count as a second."""
    words = SpokenWords()
    words.add_text(SENTENCE)
    words.add_audio(400)
    assert _words(words.play(400)) == ["Save"]


def test_the_end_of_the_audio_completes_every_word() -> None:
    """What rounding left over is heard when the audio has ended."""
    words = SpokenWords()
    words.add_text(SENTENCE)
    heard = words.rest()
    assert _words(list(heard)) == ["Save", "it", "to", "the", "folder."]
    assert heard[-1].heard == SENTENCE.text
    assert heard[-1].remaining == ""


def test_a_number_takes_longer_than_a_word_of_as_many_letters() -> None:
    """Digits are read as words, so what follows them is heard later."""
    spelled, read = SpokenWords(), SpokenWords()
    for words, text in ((spelled, "Lot abcd is here."), (read, "Lot 2026 is here.")):
        words.add_text(Segment(2, text, "sentence", append_to_context=True))
        words.add_audio(1000)
        words.complete()
    assert len(read.play(500)) < len(spelled.play(500))


def test_a_repeated_word_keeps_its_own_place() -> None:
    """The text heard so far ends behind the word itself, not behind an earlier one like it."""
    words = SpokenWords()
    words.add_text(Segment(3, "No, no no.", "sentence", append_to_context=True))
    assert [one.heard for one in words.rest()] == ["No,", "No, no", "No, no no."]


@pytest.mark.parametrize(("level", "expected"), [(0, 0.0), (3000, 40.0)])
def test_silence_takes_no_words(level: int, expected: float) -> None:
    """A silent piece of audio counts for nothing, a loud one for its length."""
    audio = np.full(960, level, dtype="<i2").tobytes()
    assert voiced_ms(audio, 24_000) == expected
