"""The caller speaks while the bot does."""

import pytest

from tests.replay.conversations import (
    CONTRACTS,
    LONG_ANSWER,
    Expect,
    asked,
    heard_in_pieces,
    joined,
)
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay
from tests.replay.timeline import Timeline


def _interrupted(after_secs: float) -> Timeline:
    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(after_secs)
        await caller.say("one-moment-please")
        await caller.wait(3)

    return replay(conversation, [Answer(LONG_ANSWER), Answer("Take your time.")])


def test_interruption(expect: Expect) -> None:
    """The bot falls silent within 0.1 s of detected voice; the model is told what was heard."""
    timeline = _interrupted(3.2)
    voice = timeline.at("vad", "voice")[-1]
    silence = timeline.at("ear", "has heard")[1]
    assert silence - voice <= 0.1
    heard = timeline.texts("ear", "has heard")[1].strip('"')
    told = next(line for line in timeline.conversation if line.startswith("assistant: Save"))
    words_told, words_heard = len(told.split()) - 1, len(heard.split())
    assert abs(words_told - words_heard) <= 1
    expect(timeline)


def test_speaking_on_within_a_second(expect: Expect) -> None:
    """Who goes on within a second of the answer's beginning had not finished: one message."""
    timeline = _interrupted(0.4)
    assert timeline.conversation[-2:] == [
        "user: Which folder should I save the message to? One moment, please.",
        "assistant: Take your time.",
    ]
    expect(timeline)


def test_interruption_while_the_model_thinks(expect: Expect) -> None:
    """Speaking again before the answer begins withdraws the first request."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.wait(0.2)
        await caller.say("change-to-which-folder")
        await caller.hears("bot-stopped-speaking")

    slow = Answer(CONTRACTS, first_token_secs=1.5)
    timeline = replay(conversation, [slow, Answer(CONTRACTS)])
    assert timeline.at("llm", "is hung up on")
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    expect(timeline)


def test_interruption_of_the_greeting(expect: Expect) -> None:
    """The greeting can be interrupted like any other sentence."""

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.hears("bot-started-speaking")
        await caller.wait(0.3)
        await caller.say("your-telephone-number")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(
        conversation,
        [Answer("It stands below.")],
        assistant_greeting="Hello! I am the voice assistant of this site. How can I help you?",
    )
    assert timeline.texts("ear", "has heard")[0] == '"Hello! "'
    expect(timeline)


def test_backchannel(expect: Expect) -> None:
    """Assent while the bot speaks pauses it; its sentence goes on, and the model is not asked."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(1)
        await caller.say("thank-you")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(LONG_ANSWER)])
    assert heard_in_pieces(timeline) == LONG_ANSWER
    assert len(timeline.at("llm", "is asked")) == 1
    assert not any("Thank you" in line for line in timeline.conversation)
    expect(timeline)


def test_short_interruption(expect: Expect) -> None:
    """One word that is no assent takes the floor."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(1)
        await caller.say("hello")
        await caller.wait(3)

    timeline = replay(conversation, [Answer(LONG_ANSWER), Answer("Yes, I am here.")])
    assert timeline.texts("ear", "has heard")[-1] == '"Yes, I am here."'
    expect(timeline)


def test_assent_over_the_last_words_is_an_answer(expect: Expect) -> None:
    """Who says "thank you" over the end of a sentence is answered."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(1.2)
        await caller.say("thank-you")
        await caller.hears("bot-started-speaking")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS), Answer("You are welcome.")])
    assert timeline.texts("ear", "has heard")[-1] == '"You are welcome."'
    expect(timeline)


@pytest.mark.parametrize(
    "recording",
    ["the-passwords-did-not-match", "that-password-does-not-meet-the-minimum-requirements"],
)
def test_both_halves_of_a_cut_utterance_are_one_message(recording: str) -> None:
    """An utterance that is answered in a pause reaches the model as one user message."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(recording)
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation)
    assert len([line for line in timeline.conversation if line.startswith("user:")]) == 1
