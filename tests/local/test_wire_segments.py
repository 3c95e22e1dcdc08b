"""Utterances, sentences and options: the wire's pure functions."""

import pytest

from local.engines.delays import BadDelaysError, Delays, parse_delays
from local.wire.segments import Moment, Segmenter
from local.wire.sentences import SentenceBuffer

WINDOW = 512


def moments(pattern: str, **options: int | None) -> list[str]:
    """Feed windows ("x" speech, "." none) and return the names of the moments."""
    settings = {"endpointing_ms": 300, "utterance_end_ms": None, **options}
    segmenter = Segmenter(window_samples=WINDOW, **settings)
    names: list[str] = []
    for letter in pattern:
        for event in segmenter.push(letter == "x"):
            names.append(event.moment.name)
            if event.moment in {Moment.ENDED, Moment.CUT}:
                segmenter.end()
    return names


def test_click_is_no_utterance() -> None:
    """One window of speech does not start an utterance."""
    assert moments("..x....x...") == []


def test_pause_that_is_too_short_does_not_end_the_utterance() -> None:
    """A pause shorter than endpointing is paused and resumed."""
    assert moments("xxxx" + "." * 5 + "xxx") == ["STARTED", "PAUSED", "RESUMED"]


def test_silence_as_long_as_endpointing_ends_the_utterance() -> None:
    """300 ms of silence end it, once."""
    assert moments("xxxx" + "." * 30) == ["STARTED", "PAUSED", "ENDED"]


def test_without_endpointing_an_utterance_stays_open() -> None:
    """endpointing=false leaves the end to Finalize."""
    assert moments("xxxx" + "." * 60, endpointing_ms=None) == ["STARTED", "PAUSED"]


def test_gap_is_reported_once() -> None:
    """The UtteranceEnd gap is reported once per utterance, after the final."""
    got = moments("xxxx" + "." * 80, utterance_end_ms=1000)
    assert got == ["STARTED", "PAUSED", "ENDED", "SILENT"]


def test_endless_speech_is_cut() -> None:
    """Speech without a pause is cut before it is too long for one decode."""
    assert "CUT" in moments("x" * 800)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are", ["Hello there."]),
        ("It costs 3.50 today. Yes", ["It costs 3.50 today."]),
        ("Dr. Smith is in. ", ["Dr. Smith is in."]),
        ('He said "no!" Then', ['He said "no!"']),
        ("One. Two. Three. ", ["One.", "Two.", "Three."]),
        ("... ", []),
    ],
)
def test_sentences_end_where_a_speaker_would_end_them(text: str, sentences: list[str]) -> None:
    """A sentence is complete at an end mark before white space, save after a short form."""
    assert SentenceBuffer().push(text) == sentences


def test_tokens_make_the_same_sentences_as_the_whole_text() -> None:
    """Text that arrives letter by letter is cut the same way."""
    text = "Sure, I can. The price is 2.40 dollars. Anything else?"
    whole, letters = SentenceBuffer(), SentenceBuffer()
    expected = whole.push(text) + whole.flush()
    got = [sentence for letter in text for sentence in letters.push(letter)] + letters.flush()
    assert got == expected


def test_long_opening_sentence_starts_with_its_first_clause() -> None:
    """The first clause of a long opening sentence is spoken while the rest is synthesised."""
    text = "The first thing that you should know about it, " + "and then some more words " * 5
    first, rest = SentenceBuffer().push(text.strip() + ". ")
    assert first.endswith("about it,")
    assert rest.startswith("and then")


def test_delays_are_read_by_name() -> None:
    """--delays takes any of its names; the others keep their defaults."""
    delays = parse_delays("stt_final_ms=50, tts_ttfb_ms=1.5")
    assert delays == Delays(stt_final_ms=50, tts_ttfb_ms=1.5)


@pytest.mark.parametrize("text", ["speed=1", "stt_final_ms=fast", "llm_tokens_per_sec=0"])
def test_bad_delays_are_refused(text: str) -> None:
    """A delay that is not understood is refused."""
    with pytest.raises(BadDelaysError):
        parse_delays(text)
