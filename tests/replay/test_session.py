"""How a conversation ends: the caller leaves, says nothing for long, or never comes."""

from tests.network import Network
from tests.replay.conversations import LONG_ANSWER, Expect, asked
from tests.replay.deepgram_peer import DeepgramScript
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay


def test_leaving_in_the_middle_of_an_answer(expect: Expect) -> None:
    """Who leaves is waited for, silently; then the session ends."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(1)
        await caller.leave()
        await caller.wait(4)

    timeline = replay(conversation, [Answer(LONG_ANSWER)], reconnect_grace_secs=3)
    assert timeline.texts("bot", "has left:") == ["user_left"]
    expect(timeline)


def test_ready_before_the_ear_is(expect: Expect) -> None:
    """A client that is ready while Deepgram is still being reached is greeted all the same."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.accept_delay_secs = 1.0

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(4)

    timeline = replay(conversation, prepare=prepare)
    expect(timeline)


def test_never_joined(expect: Expect) -> None:
    """A session nobody joins ends after its timeout."""

    async def conversation(caller: Caller) -> None:
        await caller.wait(4)

    timeline = replay(conversation, join_timeout_secs=3)
    assert timeline.texts("bot", "has left:") == ["never_joined"]
    expect(timeline)


def test_idle(expect: Expect) -> None:
    """A caller who says nothing for the idle time is told so and let go."""

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(7)

    timeline = replay(conversation, session_idle_secs=5)
    assert timeline.texts("bot", "has left:") == ["idle"]
    expect(timeline)
