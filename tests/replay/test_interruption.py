"""The caller speaks while the bot does."""

import pytest

from tests.replay.conversations import CONTRACTS, LONG_ANSWER, Expect, asked
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay


@pytest.mark.parametrize("after_secs", [0.4, 3.2])
def test_interruption(after_secs: float, expect: Expect) -> None:
    """The bot falls silent within 0.2 s of detected voice; the context keeps what was heard."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(after_secs)
        await caller.say("one-moment-please")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(LONG_ANSWER), Answer("Take your time.")])
    voice = timeline.at("turn", "interrupts")[-1]
    silence = next(at for at in timeline.at("ear", "has heard") if at >= voice)
    assert silence - voice <= 0.2
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
    assert timeline.texts("ear", "has heard")[0] == '"Hello! I am"'
    expect(timeline)


@pytest.mark.parametrize("word", ["thank-you", "hello"])
def test_backchannel(word: str, expect: Expect) -> None:
    """A short word while the bot speaks: today it stops the bot like any interruption."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(1)
        await caller.say(word)
        await caller.wait(4)

    expect(replay(conversation, [Answer(LONG_ANSWER), Answer("You are welcome.")]))
