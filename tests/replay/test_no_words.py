"""Sound without words, words that are not recognised, and results that come late or early."""

from bot.phrases import SAY_AGAIN
from tests.replay.conversations import (
    CONTRACTS,
    LONG_ANSWER,
    WHICH_FOLDER,
    Expect,
    asked,
    heard_in_pieces,
    joined,
)
from tests.replay.deepgram_peer import Hearing
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay


def test_silence(expect: Expect) -> None:
    """Silence starts no turn and costs no request."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.wait(5)

    timeline = replay(conversation)
    assert not timeline.at("turn", "")
    assert not timeline.at("llm", "")
    expect(timeline)


def test_noise(expect: Expect) -> None:
    """Screaming monkeys ask nothing of the model."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say("monkeys")
        await caller.wait(1)

    timeline = replay(conversation)
    assert not timeline.at("llm", "is asked")
    expect(timeline)


def test_unrecognised_speech(expect: Expect) -> None:
    """Who spoke and was not recognised is asked to say it again, once, and no model is asked."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(deaf=True))
        await caller.wait(6)

    timeline = replay(conversation)
    assert timeline.texts("ear", "has heard")[-1] == f'"{SAY_AGAIN}"'
    assert not timeline.at("llm", "is asked")
    expect(timeline)


def test_unrecognised_sound(expect: Expect) -> None:
    """A sound without words pauses the bot, which then goes on where it stopped."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(0.5)
        await caller.say("hello", Hearing(deaf=True))
        await caller.wait(7)

    timeline = replay(conversation, [Answer(LONG_ANSWER)])
    assert len(timeline.texts("ear", "has heard")) == 3
    assert heard_in_pieces(timeline) == LONG_ANSWER
    assert len(timeline.at("llm", "is asked")) == 1
    expect(timeline)


def test_unrecognised_interruption(expect: Expect) -> None:
    """A voice that goes on takes the floor, also where nothing of it is recognised."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(0.5)
        await caller.say("one-moment-please", Hearing(deaf=True))
        await caller.wait(5)

    timeline = replay(conversation, [Answer(LONG_ANSWER)])
    assert timeline.texts("ear", "has heard")[-1] == f'"{SAY_AGAIN}"'
    assert len(timeline.at("llm", "is asked")) == 1
    expect(timeline)


def test_final_after_finalize(expect: Expect) -> None:
    """A recogniser that finalizes only when it is asked to: the answer begins after its reply."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(endpoint_secs=None))
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert len(timeline.at("llm", "is asked")) == 1
    expect(timeline)


def test_late_final(expect: Expect) -> None:
    """Only interim results until long after Finalize: the words still reach the model."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(endpoint_secs=None, final_delay_secs=1.8))
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert "user: Which folder should I save the message to?" in timeline.conversation
    expect(timeline)


def test_slow_final(expect: Expect) -> None:
    """A final 0.6 s after Finalize is waited for and asked once."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(endpoint_secs=None, final_delay_secs=0.6))
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert len(timeline.at("llm", "is asked")) == 1
    expect(timeline)
