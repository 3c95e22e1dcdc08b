"""Providers that refuse, stall or break: every failure is heard, and the next turn works."""

from bot.phrases import BROKEN_ANSWER, NO_ANSWER
from tests.network import Network
from tests.replay.conversations import CONTRACTS, LONG_ANSWER, Expect, asked_and_answered
from tests.replay.deepgram_peer import DeepgramScript
from tests.replay.groq_peer import Answer
from tests.replay.replay import DEEPGRAM, Caller, replay


def test_second_model(expect: Expect) -> None:
    """When the first model refuses, the second one answers the same turn."""
    timeline = replay(asked_and_answered, [Answer(status=503), Answer(CONTRACTS)])
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    expect(timeline)


def test_no_model(expect: Expect) -> None:
    """When both models refuse, the bot says so, and answers the next turn."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        await caller.wait(1)
        await caller.say("change-to-which-folder")
        await caller.hears("bot-stopped-speaking")

    refusal = Answer(status=429)
    # Two models, asked early and once more when the turn has ended.
    timeline = replay(conversation, [*[refusal] * 4, Answer(CONTRACTS)])
    assert timeline.texts("ear", "has heard")[-2:] == [f'"{NO_ANSWER}"', f'"{CONTRACTS}"']
    expect(timeline)


def test_stalled_model(expect: Expect) -> None:
    """A first model that never answers costs its deadline; the second one answers."""
    timeline = replay(asked_and_answered, [Answer(stalls=True), Answer(CONTRACTS)])
    silence = timeline.at("ear", "hears the bot begin")[-1] - timeline.at("turn", "ends")[-1]
    assert silence <= 3.0
    expect(timeline)


def test_answer_breaks_off(expect: Expect) -> None:
    """A model's stream that breaks in the middle of an answer."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(LONG_ANSWER, cut_after_words=10)])
    assert timeline.texts("ear", "has heard")[-1] == f'"{BROKEN_ANSWER}"'
    expect(timeline)


def test_voice_breaks_off(expect: Expect) -> None:
    """Text-to-speech that hangs up in a sentence begins it anew without a pause to be heard."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        # At 24 kHz: the greeting's 6 characters of 60 ms, then 0.6 s of the answer.
        deepgram.close_speak_after_bytes = 17_280 + 28_800

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        await caller.wait(2)
        await caller.say("change-to-which-folder")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(LONG_ANSWER), Answer(CONTRACTS)], prepare=prepare)
    _greeting, first, second = timeline.texts("ear", "has heard")
    assert first.strip('"').endswith(LONG_ANSWER)
    assert len(first) > len(LONG_ANSWER) + 2
    assert second == f'"{CONTRACTS}"'
    assert not timeline.at("rtvi", "error")
    expect(timeline)


def test_no_ear(expect: Expect) -> None:
    """Speech-to-text that refuses the key: the caller is told, in whatever way is left."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.refuse_listen = (401, "INVALID_AUTH")

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(8)

    expect(replay(conversation, prepare=prepare))


def test_no_deepgram(expect: Expect) -> None:
    """Deepgram refuses every connection."""

    def prepare(_: DeepgramScript, network: Network) -> None:
        network.refuse(*DEEPGRAM)

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(8)

    expect(replay(conversation, prepare=prepare))


def test_an_unreachable_provider_is_told_soon() -> None:
    """When Deepgram refuses every connection, the client knows within 3 s of joining."""

    def prepare(_: DeepgramScript, network: Network) -> None:
        network.refuse(*DEEPGRAM)

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(3)

    assert replay(conversation, prepare=prepare).at("rtvi", "error")
