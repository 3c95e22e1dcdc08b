"""A conversation whose bot was lost, as the bot that takes its place goes on with it."""

from bot.lines import MAX_CHARS, MAX_LINES, Line
from bot.phrases import LOST_YOU
from bot.remembered import remembered
from tests.replay.conversations import CONTRACTS, asked_and_answered
from tests.replay.groq_peer import Answer
from tests.replay.replay import GREETING, replay

BEFORE = [Line("assistant", GREETING), Line("user", "I sell 42 bags."), Line("assistant", "Good.")]


def test_another_bot_goes_on_where_the_first_one_was() -> None:
    """It greets nobody twice, says that it is back, and the model is told what was said before."""
    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], remembered=BEFORE)
    heard = timeline.texts("ear", "has heard")
    assert heard[0] == f'"{LOST_YOU}"'
    assert not any(GREETING in text for text in heard)
    *before, question, answer = timeline.conversation
    assert before == [*(f"{one.role}: {one.text}" for one in BEFORE), f"assistant: {LOST_YOU}"]
    assert question.startswith("user: ")
    assert answer == f"assistant: {CONTRACTS}"


def test_the_door_is_told_what_is_said() -> None:
    """Greeting, question and answer, each when it has been said: whoever goes on knows them."""
    timeline = replay(asked_and_answered, [Answer(CONTRACTS)])
    assert [len(lines) for lines in timeline.grown] == sorted(map(len, timeline.grown))
    roles = [line.role for line in timeline.grown[-1]]
    assert roles == ["assistant", "user", "assistant"]
    assert timeline.grown[-1][2].text == CONTRACTS


def test_who_talked_for_long_is_remembered_from_the_end() -> None:
    """The last hundred lines and 24,000 characters; the page's own words are nobody's."""
    many = [{"role": "user", "content": str(index)} for index in range(MAX_LINES + 5)]
    assert [line.text for line in remembered(many)] == [str(index) for index in range(5, 105)]
    long = [{"role": "user", "content": "x" * (MAX_CHARS // 2)} for _ in range(3)]
    assert len(remembered(long)) == 2
    page = {"role": "user", "content": "<page>{}</page>"}
    called = {"role": "tool", "content": "42"}
    assert [one.text for one in remembered([page, called, many[0]])] == ["0"]
