"""When an answer may become audible."""

import pytest

from bot.turn_policy import CommitPolicy, Words, commit_silence_secs, read_words


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("Which folder should I save the message to?", Words.COMPLETE),
        ("Waiting to speak with a representative.", Words.COMPLETE),
        ("Yes.", Words.COMPLETE),
        ("Seven.", Words.COMPLETE),
        ("Please enter your", Words.OPEN),
        ("Please enter your.", Words.OPEN),
        ("I would like to, um", Words.OPEN),
        ("If this is correct,", Words.OPEN),
        ("To mute or unmute yourself...", Words.OPEN),
        ("My number is 555.", Words.OPEN),
        ("My number is five five.", Words.OPEN),
        ("I\N{RIGHT SINGLE QUOTATION MARK}m.", Words.OPEN),
        ("", Words.UNKNOWN),
        (" ... ", Words.UNKNOWN),
    ],
)
def test_words(transcript: str, expected: Words) -> None:
    """A sentence is over at its mark, unless its last word or a number lets more be expected."""
    assert read_words(transcript) is expected


def test_clear_ends_are_answered_first() -> None:
    """The times rise from a clear end through an unclear one to words that go on."""
    clear = commit_silence_secs(0.95, "Which folder?")
    unclear = commit_silence_secs(0.4, "Which folder?")
    open_clear = commit_silence_secs(0.95, "Please enter your")
    open_unclear = commit_silence_secs(0.4, "Please enter your")
    assert clear < unclear < open_clear < open_unclear


def test_a_missing_score_is_not_clear() -> None:
    """Before the first score a sentence is not clear."""
    assert commit_silence_secs(None, "Which folder?") == commit_silence_secs(0.5, "Which folder?")


def test_open_words_outlast_pauses() -> None:
    """With open words no pause of up to 0.9 s is answered, whatever the score."""
    assert min(commit_silence_secs(score, "and then the") for score in (0.0, 0.5, 1.0)) > 0.9


def test_times_are_the_policys() -> None:
    """Every time comes from the policy given."""
    policy = CommitPolicy(
        clear_score=0.5,
        complete_clear_secs=1,
        complete_secs=2,
        open_clear_secs=4,
        open_secs=5,
        unknown_secs=6,
    )
    asked = [(0.5, "Yes."), (0.4, "Yes."), (0.5, "the"), (0.4, "the"), (1.0, "")]
    assert [commit_silence_secs(*one, policy) for one in asked] == [1, 2, 4, 5, 6]
