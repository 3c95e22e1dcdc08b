"""The clips, the measures and the bounds of `python -m bench.turns`."""

import numpy as np
import pytest

from bench.turns import clips as c
from bench.turns.bounds import upper_bound
from bench.turns.measure import overlap_of, turn_of
from bench.turns.report import Results, markdown
from bench.turns.stage import LONG, SHORT, Case, Played
from bench.turns.texts import heard_by, word_ends_secs, words_of
from tests.replay.timeline import Timeline

TEXT = "Hello there. Which folder?"


def clip(kind: str = "speech", text: str = TEXT) -> c.Clip:
    return c.Clip("a.flac", kind, text, "en", "somebody", "asterisk", "held-out")


def tones(*secs: tuple[bool, float]) -> c.Samples:
    """A tone where True, its room tone elsewhere."""
    noise = np.random.default_rng(1)
    parts = [
        8000 * np.sin(np.arange(int(length * c.RATE_HZ)) / 8)
        if voiced
        else noise.normal(0, 20, int(length * c.RATE_HZ))
        for voiced, length in secs
    ]
    return np.concatenate(parts).astype(np.int16)


TWO_WORDS = tones((False, 0.2), (True, 0.6), (False, 0.2), (True, 0.8), (False, 0.1))


def test_no_speaker_is_in_both_splits() -> None:
    """What constants are fitted on shares no speaker with what they are judged on."""
    tune, held_out = ({x.speaker for x in c.clips(split=s)} for s in ("tune", "held-out"))
    assert tune
    assert held_out
    assert not tune & held_out


def test_every_recording_is_listed_and_its_source_named() -> None:
    """The folder, its index and the table of licences name the same files and sources."""
    files = {path.name for path in c.RECORDINGS.glob("*.flac")}
    assert files == {x.file for x in c.all_clips()}
    readme = (c.RECORDINGS / "README.md").read_text(encoding="utf-8")
    prefixes = {
        "-".join(x.file.split("-")[: 2 if x.source == "asterisk" else 1]) for x in c.all_clips()
    }
    assert all(f"`{prefix}-*`" in readme for prefix in prefixes)


def test_a_gap_is_lengthened_by_room_tone_and_nothing_else_changes() -> None:
    """A built pause has the length asked for; what is said keeps its samples; it is never zero."""
    (gap,) = c.gaps_of(TWO_WORDS)
    assert (gap.start_secs, gap.end_secs) == pytest.approx((0.8, 1.0), abs=0.011)
    longer = c.with_pause(TWO_WORDS, gap, 0.7)
    (pause,) = c.gaps_of(longer)
    assert pause.secs == pytest.approx(0.7, abs=0.021)
    said = int(gap.start_secs * c.RATE_HZ)
    assert np.array_equal(longer[:said], TWO_WORDS[:said])
    rest = len(TWO_WORDS) - int(gap.end_secs * c.RATE_HZ)
    assert np.array_equal(longer[-rest:], TWO_WORDS[-rest:])
    middle = longer[said + 320 : said + int(0.6 * c.RATE_HZ)]
    assert np.count_nonzero(middle) > 0.9 * len(middle)


def test_an_end_is_followed_by_three_seconds_of_room_tone() -> None:
    """The last sound stays where it was, and silence of the room follows it."""
    played = c.with_tail(TWO_WORDS, c.speech_of(TWO_WORDS)[1])
    assert c.speech_of(played)[1] == pytest.approx(c.speech_of(TWO_WORDS)[1], abs=0.011)
    assert len(played) / c.RATE_HZ - c.speech_of(played)[1] == pytest.approx(3.0, abs=0.05)


def test_a_sentence_ends_where_the_silence_is() -> None:
    """The words before a full stop have been said when the pause after it begins."""
    assert heard_by(word_ends_secs(TEXT, TWO_WORDS), 0.9) == "Hello there."
    assert word_ends_secs(TEXT, TWO_WORDS)[-1] == (pytest.approx(1.8, abs=0.011), "folder?")


def test_published_word_times_are_kept() -> None:
    """Where somebody published when words are spoken, pauses and texts follow them."""
    with_words = [clip for clip in c.all_clips() if c.published_words(clip)]
    for clip in with_words:
        samples = c.samples_of(clip)
        assert all(0.3 <= pause.secs <= 0.9 for pause in c.pauses_of(clip, samples))
        assert " ".join(word for _, word in words_of(clip, samples)) == clip.text
    pause = c.pauses_of(clip, samples)[0]
    assert heard_by(words_of(clip, samples), pause.start_secs).endswith("levels are okay.")


def spoken(*events: tuple[float, str, str]) -> Timeline:
    timeline = Timeline()
    for event in events:
        timeline.add(*event)
    return timeline


def turn_case() -> Case:
    return Case(
        name="a.flac",
        kind="turn",
        clip=clip(),
        samples=TWO_WORDS,
        words=(),
        speech=(0.0, 3.0),
        pauses=((1.0, 1.6),),
        kinds=("built",),
    )


def asked(text: str) -> str:
    return f"is asked [assistant: Hello. | user: {text}]"


def test_sound_in_a_pause_is_a_cut_off() -> None:
    """The bot heard before the person goes on cuts them off; the next answer is the end's."""
    timeline = spoken(
        (11.2, "llm", asked("Hello there.")),
        (11.5, "ear", "hears the bot begin"),
        (11.8, "ear", 'has heard "All"'),
        (13.2, "llm", asked(TEXT)),
        (13.5, "ear", "hears the bot begin"),
        (14.0, "ear", f'has heard "{SHORT}"'),
    )
    turn = turn_of(Played("production", turn_case(), timeline, 10.0))
    (pause,) = turn.pauses
    assert (pause.cut_off, pause.asked_early, pause.talked_over) == (True, True, False)
    assert (turn.latency_secs, turn.merged, turn.heard_between) == (0.5, True, True)
    assert turn.llm_calls == 2


def test_halves_in_two_messages_are_not_merged() -> None:
    """After a false end nobody heard, both halves must stand in one user message."""
    timeline = spoken(
        (11.3, "llm", asked("Hello there.")),
        (13.2, "llm", asked("Hello there. | user: Which folder?")),
        (13.5, "ear", "hears the bot begin"),
        (14.0, "ear", f'has heard "{SHORT}"'),
    )
    turn = turn_of(Played("production", turn_case(), timeline, 10.0))
    assert (turn.pauses[0].cut_off, turn.pauses[0].asked_early) == (False, True)
    assert (turn.merged, turn.heard_between) == (False, False)


def test_an_answer_to_half_the_words_is_no_answer() -> None:
    """Sound after the end counts as late when the model was never asked with all the words."""
    timeline = spoken(
        (12.9, "llm", asked("Hello there.")),
        (13.1, "ear", "hears the bot begin"),
        (13.6, "ear", f'has heard "{SHORT}"'),
    )
    assert turn_of(Played("stock", turn_case(), timeline, 10.0)).latency_secs is None


def overlap_case(kind: str) -> Case:
    return Case("b.flac", "overlap", clip(kind, "Hmm."), TWO_WORDS, (), (0.0, 0.5))


def test_a_sentence_that_goes_on_was_not_ended() -> None:
    """A pause in the bot's voice is measured; the sentence counts as spoken to its end."""
    timeline = spoken(
        (9.0, "ear", "hears the bot begin"),
        (10.15, "ear", f'has heard "{LONG[:30]}"'),
        (10.9, "ear", "hears the bot begin"),
        (20.0, "ear", f'has heard "{LONG[31:]}"'),
    )
    overlap = overlap_of(Played("production", overlap_case("backchannel"), timeline, 10.0))
    assert (overlap.ended, overlap.silent_after_secs, overlap.gap_secs) == (False, 0.15, 0.75)


def test_the_context_is_held_against_what_was_heard() -> None:
    """After an interruption, words in the context that nobody heard are counted."""
    timeline = spoken(
        (9.0, "ear", "hears the bot begin"),
        (10.2, "ear", 'has heard "Save the message to th"'),
        (12.0, "ear", "hears the bot begin"),
        (12.5, "ear", f'has heard "{SHORT}"'),
    )
    timeline.conversation = [
        "assistant: Hello.",
        "user: Which folder?",
        "assistant: Save the message to the folder Contracts.",
        "user: Hmm.",
        f"assistant: {SHORT}",
    ]
    overlap = overlap_of(Played("production", overlap_case("interruption"), timeline, 10.0))
    assert (overlap.ended, overlap.silent_after_secs, overlap.words_off) == (True, 0.2, 2)


@pytest.mark.parametrize(
    ("events", "n", "bound"), [(0, 149, 0.02), (3, 386, 0.02), (0, 0, 1.0), (5, 5, 1.0)]
)
def test_bound(events: int, n: int, bound: float) -> None:
    """0 of 149 and 3 of 386 are what a share of 2 % still allows in one of twenty."""
    assert upper_bound(events, n) == pytest.approx(bound, abs=2e-4)


def test_the_table_has_a_column_for_each_system() -> None:
    """Every row states count and bound for both systems."""
    timeline = spoken((13.2, "llm", asked(TEXT)), (13.5, "ear", "hears the bot begin"))
    timeline.add(14.0, "ear", f'has heard "{SHORT}"')
    turns = [turn_of(Played(who, turn_case(), timeline, 10.0)) for who in ("production", "stock")]
    table = markdown(Results(turns, []))
    assert (
        "| cut-offs, built 500-700 ms | 0.0 % (0/1, <= 95.0 %) | 0.0 % (0/1, <= 95.0 %) |" in table
    )
