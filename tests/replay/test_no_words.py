"""Sound without words, words that are not recognised, and results that come late or early."""

from tests.replay.conversations import CONTRACTS, WHICH_FOLDER, Expect, asked, joined
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
    """Speech of which nothing is recognised ends its turn without an answer."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(deaf=True))
        await caller.wait(6)

    timeline = replay(conversation)
    expect(timeline)


def test_unrecognised_interruption(expect: Expect) -> None:
    """Speech of which nothing is recognised, while the bot speaks."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(0.5)
        await caller.say("one-moment-please", Hearing(deaf=True))
        await caller.wait(6)

    expect(replay(conversation, [Answer(CONTRACTS)]))


def test_final_before_finalize(expect: Expect) -> None:
    """A final that comes by itself, then an empty one at Finalize: the turn waits for its timer."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(early_final_secs=0.1))
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert timeline.at("stt", "answers with an empty final")
    expect(timeline)


def test_late_final(expect: Expect) -> None:
    """Only interim results until long after Finalize: the words still reach the model."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(final_delay_secs=1.8))
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert "user: Which folder should I save the message to?" in timeline.conversation
    expect(timeline)


def test_slow_final(expect: Expect) -> None:
    """A final 0.6 s after Finalize is waited for and asked once."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(WHICH_FOLDER, Hearing(final_delay_secs=0.6))
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert len(timeline.at("llm", "is asked")) == 1
    expect(timeline)
