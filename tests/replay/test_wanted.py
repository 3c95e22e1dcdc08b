"""What the design asks for and the bot does not do yet: each fails today and says why.

The failure is strict: whoever makes one of these true turns it into an ordinary test.
"""

import pytest

from tests.network import Network
from tests.replay.conversations import CONTRACTS, LONG_ANSWER, asked, joined
from tests.replay.deepgram_peer import DeepgramScript, Hearing
from tests.replay.groq_peer import Answer
from tests.replay.replay import DEEPGRAM, Caller, Conversation, replay


def _interrupted_at(after_secs: float, hearing: Hearing | None = None) -> Conversation:
    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.hears("bot-started-speaking")
        await caller.wait(after_secs)
        await caller.say("one-moment-please", hearing)
        await caller.hears("bot-stopped-speaking")

    return conversation


@pytest.mark.xfail(strict=True, reason="Pipecat queues a sentence's text ahead of its audio")
def test_the_model_is_told_what_was_heard() -> None:
    """After an interruption the context ends where the caller stopped hearing, to a word."""
    timeline = replay(_interrupted_at(0.4), [Answer(LONG_ANSWER), Answer("Take your time.")])
    heard = timeline.texts("ear", "has heard")[1].strip('"')
    told = next(line for line in timeline.conversation if line.startswith("assistant: Save"))
    assert len(told.removeprefix("assistant: ")) <= len(heard) + len("message ")


@pytest.mark.xfail(strict=True, reason="both halves are committed as turns of their own")
@pytest.mark.parametrize(
    "recording",
    ["the-passwords-did-not-match", "that-password-does-not-meet-the-minimum-requirements"],
)
def test_both_halves_of_a_cut_utterance_are_one_message(recording: str) -> None:
    """An utterance cut at a pause reaches the model as one user message, before any answer."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say(recording)
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation)
    assert len([line for line in timeline.conversation if line.startswith("user:")]) == 1


@pytest.mark.xfail(strict=True, reason="the turn's own timeout of 5 s ends the silence")
def test_a_wordless_interruption_costs_little() -> None:
    """After a sound without words has stopped the bot, it goes on within 3 s."""
    timeline = replay(
        _interrupted_at(0.5, Hearing(deaf=True)), [Answer(LONG_ANSWER), Answer(CONTRACTS)]
    )
    stopped = timeline.at("user", "is silent")[-1]
    assert any(stopped < at <= stopped + 3 for at in timeline.at("ear", "hears the bot begin"))


@pytest.mark.xfail(strict=True, reason="a broken voice only sends an RTVI error")
def test_a_voice_that_breaks_off_is_heard_again() -> None:
    """When text-to-speech hangs up in a sentence, the bot speaks again within 3 s."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.close_speak_after_bytes = 17_280 + 28_800

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.wait(5)

    timeline = replay(conversation, [Answer(LONG_ANSWER)], prepare=prepare)
    broke = timeline.at("tts", "cuts the connection")[0]
    assert any(broke < at <= broke + 3 for at in timeline.at("ear", "hears the bot begin"))


@pytest.mark.xfail(strict=True, reason="Pipecat tries three times, 4 s apart, before it gives up")
def test_an_unreachable_provider_is_told_soon() -> None:
    """When Deepgram refuses every connection, the client knows within 3 s of joining."""

    def prepare(_: DeepgramScript, network: Network) -> None:
        network.refuse(*DEEPGRAM)

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(3)

    assert replay(conversation, prepare=prepare).at("rtvi", "error")
