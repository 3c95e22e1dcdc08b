"""Turns that go well: a question, a second one, a pause, a short word, a long speech."""

import pytest

from tests.replay.conversations import CONTRACTS, Expect, asked_and_answered, joined
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay


def test_greeting(expect: Expect) -> None:
    """The bot greets once the client is ready, without asking the model."""
    timeline = replay(joined)
    assert timeline.texts("ear", "has heard") == ['"Hello."']
    assert not timeline.at("llm", "is asked")
    expect(timeline)


def test_no_greeting_before_the_client_is_ready(expect: Expect) -> None:
    """Who joins without saying client-ready hears nothing."""

    async def conversation(caller: Caller) -> None:
        await caller.join(ready=False)
        await caller.wait(3)

    timeline = replay(conversation)
    assert not timeline.at("ear", "hears")
    expect(timeline)


def test_question(expect: Expect) -> None:
    """A spoken question is answered aloud, and the answer is heard to its end."""
    timeline = replay(asked_and_answered, [Answer(CONTRACTS)])
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    assert timeline.conversation[-2:] == [
        "user: Which folder should I save the message to?",
        f"assistant: {CONTRACTS}",
    ]
    expect(timeline)


def test_where_a_turns_time_goes() -> None:
    """The steps of the answered question add up to what the caller waits, network aside."""
    timeline = replay(asked_and_answered, [Answer(CONTRACTS, first_token_secs=0.25)])
    (turn,) = timeline.turns
    assert turn.answers_begun == 1
    assert turn.segments_secs["llm"] == pytest.approx(0.25, abs=0.02)
    (silent,) = timeline.at("user", "is silent")
    heard = timeline.at("ear", "hears the bot begin")[-1]
    assert sum(turn.segments_secs.values()) == pytest.approx(heard - silent, abs=0.15)


def test_two_turns(expect: Expect) -> None:
    """The second question reaches the model with the first question and its answer."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        await caller.wait(1)
        await caller.say("change-to-which-folder")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS), Answer("To the folder Contracts too.")])
    assert len(timeline.conversation) == 5
    expect(timeline)


@pytest.mark.parametrize(
    "recording",
    [
        "password-incorrect",
        "the-passwords-did-not-match",
        "that-password-does-not-meet-the-minimum-requirements",
        "eight-of-spades-four-of-clubs",
    ],
)
def test_pause(recording: str, expect: Expect) -> None:
    """A pause inside an utterance: what the turn decision makes of it."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(recording)
        await caller.hears("bot-stopped-speaking")

    expect(replay(conversation))


@pytest.mark.parametrize(
    "recording",
    [
        "no",
        "activated",
        "goodbye",
        "please-try-again",
        "waiting-to-speak-with-a-representative",
        "your-telephone-number",
        "you-are-currently-the-only-person",
        "i-do-not-know-who-sent-this-message",
        "go-forward-ten-meters",
        "he-was-not-an-ill-disposed-young-man",
        "he-might-even-have-been-made-amiable",
        "unless-to-be-rather-cold-hearted",
        "an-echo-test",
    ],
)
def test_utterance(recording: str, expect: Expect) -> None:
    """One utterance, from a word of half a second to a speech of 22 s, by several speakers."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(recording)
        await caller.hears("bot-stopped-speaking")

    expect(replay(conversation))


def test_typed_question(expect: Expect) -> None:
    """A question typed instead of spoken (RTVI send-text) is answered aloud."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.send("send-text", {"content": "Which folder?"})
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    assert "user: Which folder?" in timeline.conversation
    expect(timeline)
