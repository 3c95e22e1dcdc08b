"""Models that fail early, stall, or call functions wrongly."""

from typing import Any

from bot.breaker import Breakers
from bot.phrases import BROKEN_ANSWER, NO_ANSWER
from bot.prepared import Prepared
from tests.replay.conversations import (
    CONTRACTS,
    LONG_ANSWER,
    WHICH_FOLDER,
    Expect,
    asked_and_answered,
    joined,
)
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay
from tests.replay.timeline import Timeline

REFUSAL = Answer(status=503)
STALL = Answer(stalls=True)
SHOW: dict[str, Any] = {
    "t": "client-actions",
    "d": [{"name": "show", "description": "Show a page.", "parameters": {"type": "object"}}],
}


def heard(timeline: Timeline) -> list[str]:
    return [text.strip('"') for text in timeline.texts("ear", "has heard")[1:]]


def incidents(timeline: Timeline) -> list[str]:
    return timeline.texts("rtvi", "server-message incident")


def secs_to_speech(timeline: Timeline) -> float:
    return timeline.at("ear", "hears the bot begin")[1] - timeline.at("turn", "ends")[0]


def test_an_early_answer_that_fails(expect: Expect) -> None:
    """Both models refuse before the turn has ended: they are asked again then, nothing is told."""
    timeline = replay(asked_and_answered, [REFUSAL, REFUSAL, Answer(CONTRACTS)])
    assert heard(timeline) == [CONTRACTS]
    assert not timeline.at("rtvi", "error")
    expect(timeline)


def test_an_early_answer_that_fails_in_a_turn_that_goes_on(expect: Expect) -> None:
    """Nobody apologises for an answer to half a question."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        await caller.say("he-was-not-an-ill-disposed-young-man")
        await caller.wait(0.3)
        await caller.say("unless-to-be-rather-cold-hearted")
        await caller.hears("bot-stopped-speaking")

    quick = Answer(status=503, first_token_secs=0.02)
    timeline = replay(conversation, [quick, quick, Answer(CONTRACTS)])
    refused = timeline.at("llm", "answers with status")
    assert len(refused) == 2
    assert refused[-1] < timeline.at("vad", "voice")[-1] < timeline.at("turn", "ends")[0]
    assert heard(timeline) == [CONTRACTS]
    assert not timeline.at("rtvi", "error")
    expect(timeline)


def test_two_models_that_stall() -> None:
    """The apology is heard within 3 s of the turn's end."""
    timeline = replay(asked_and_answered, [STALL])
    assert heard(timeline) == [NO_ANSWER]
    assert secs_to_speech(timeline) <= 3.0


def test_an_answer_that_stalls(expect: Expect) -> None:
    """What came is said, and the bot says within 3 s that the rest will not come."""

    async def conversation(caller: Caller) -> None:
        await asked_and_answered(caller)
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(LONG_ANSWER, stalls_after_words=4)])
    assert heard(timeline)[-1].endswith(BROKEN_ANSWER)
    assert timeline.at("rtvi", "error llm_failed")[0] - timeline.at("llm", "stalls")[0] <= 3.0
    expect(timeline)


def test_an_answer_that_stalls_before_its_first_word() -> None:
    """The second model is asked: nothing was said yet."""
    timeline = replay(
        asked_and_answered, [Answer(LONG_ANSWER, stalls_after_words=0), Answer(CONTRACTS)]
    )
    assert heard(timeline) == [CONTRACTS]
    assert secs_to_speech(timeline) <= 3.0


def test_an_empty_answer_is_none() -> None:
    """A model that ends before it begins leaves the turn to the second one."""
    timeline = replay(asked_and_answered, [Answer(""), Answer(CONTRACTS)])
    assert heard(timeline) == [CONTRACTS]
    assert incidents(timeline) == ["llm_fallback"]


async def _asked_with_actions(caller: Caller) -> None:
    await joined(caller)
    await caller.send("client-message", SHOW)
    await caller.say(WHICH_FOLDER)
    await caller.hears("bot-stopped-speaking")
    await caller.wait(1)
    await caller.say("change-to-which-folder")
    await caller.hears("bot-stopped-speaking")


def _bad_call_is_mended(bad: Answer) -> None:
    timeline = replay(_asked_with_actions, [bad, Answer(CONTRACTS)])
    assert heard(timeline) == [CONTRACTS, CONTRACTS]
    assert incidents(timeline) == ["llm_bad_call"]
    assert not timeline.at("rtvi", "error")
    # Without functions for the one answer only.
    assert [len(timeline.at("llm", "is asked [")), len(timeline.at("llm", "is asked with"))] == [
        1,
        2,
    ]


def test_a_call_that_the_provider_refuses() -> None:
    """`tool_use_failed` is asked once more without functions; the next turn has them again."""
    _bad_call_is_mended(Answer(status=400, code="tool_use_failed"))


def test_a_call_of_nothing() -> None:
    """A function that was never offered is asked once more without functions."""
    _bad_call_is_mended(Answer(call="launch"))


def test_a_call_with_garbage() -> None:
    """Arguments that are no JSON object are asked once more without functions."""
    _bad_call_is_mended(Answer(call="show", arguments='{"page":'))
    _bad_call_is_mended(Answer(call="show", arguments="[]"))


def test_a_model_that_is_down_is_left_alone() -> None:
    """After three failures running the second model is asked at once, in every session."""
    prepared = Prepared(breakers=Breakers())

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        for _ in range(4):
            await caller.send("send-text", {"content": "Which folder?"})
            await caller.hears("bot-stopped-speaking")

    answers = [REFUSAL, Answer("One."), REFUSAL, Answer("Two."), REFUSAL, Answer("Three.")]
    timeline = replay(conversation, [*answers, Answer("Four.")], prepared=prepared)
    assert heard(timeline) == ["One.", "Two.", "Three.", "Four."]
    assert len(timeline.at("llm", "is asked")) == 7
    assert incidents(timeline).count("llm_fallback") == 4


def test_a_model_that_is_healthy_again_is_asked_first() -> None:
    """After its rest one turn tries it, and all others follow."""
    prepared = Prepared(breakers=Breakers())

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        for wait_secs in (0, 11, 0):
            await caller.wait(wait_secs)
            await caller.send("send-text", {"content": "Which folder?"})
            await caller.hears("bot-stopped-speaking")

    answers = [Answer(status=429, retry_after="10"), Answer("One."), Answer("Two.")]
    timeline = replay(conversation, answers, prepared=prepared)
    assert heard(timeline) == ["One.", "Two.", "Two."]
    assert incidents(timeline) == ["llm_fallback"]
