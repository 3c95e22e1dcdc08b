"""Speech-to-text that breaks, freezes or hears nothing: what was said is not said in vain."""

from tests.network import Network
from tests.replay.conversations import (
    CONTRACTS,
    WHICH_FOLDER,
    Expect,
    asked_and_answered,
    joined,
)
from tests.replay.deepgram_peer import DeepgramScript, Hearing
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay
from tests.replay.timeline import Timeline

QUESTION = '"Which folder should I save the message to?"'
# The question is said from 1.14 to 3.74 s.
IN_THE_QUESTION_SECS = 2.5


def incidents(timeline: Timeline) -> list[str]:
    return timeline.texts("rtvi", "server-message incident")


def test_a_connection_that_breaks_in_a_question(expect: Expect) -> None:
    """What was said before the break and during it is told again: the question is whole."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.close_listen_at_secs = IN_THE_QUESTION_SECS

    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], prepare=prepare)
    assert timeline.texts("stt", "finalized") == [QUESTION]
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    assert incidents(timeline) == ["stt_lost", "stt_reconnected"]
    assert not timeline.at("rtvi", "error")
    expect(timeline)


def test_a_provider_that_is_away_for_a_second(expect: Expect) -> None:
    """The third try succeeds within two seconds, and the question is answered."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.close_listen_at_secs = IN_THE_QUESTION_SECS

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        caller.ear.refuse_listen = (503, "away")
        caller.ear.refuse_listen_times = 3
        await caller.say(WHICH_FOLDER)
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)], prepare=prepare)
    assert timeline.texts("stt", "finalized") == [QUESTION]
    broke, again = timeline.at("stt", "cuts")[0], timeline.at("stt", "finalized")[0]
    assert again - broke <= 2.0
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    expect(timeline)


def test_a_connection_that_is_open_at_one_end_only(expect: Expect) -> None:
    """Nothing comes back after a voice: within 3 s the question is heard over another one."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.freeze_listen_at_secs = IN_THE_QUESTION_SECS

    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], prepare=prepare)
    assert timeline.texts("stt", "finalized") == [QUESTION]
    silent, heard = timeline.at("vad", "silence")[0], timeline.at("stt", "finalized")[0]
    assert heard - silent <= 3.0
    assert incidents(timeline) == ["stt_unresponsive", "stt_reconnected"]
    expect(timeline)


def test_a_provider_that_stays_away(expect: Expect) -> None:
    """The visitor is told within 3 s, and what is said after its return is answered."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.close_listen_at_secs = IN_THE_QUESTION_SECS

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        caller.ear.refuse_listen = (503, "away")
        await caller.say(WHICH_FOLDER)
        await caller.wait(8)
        caller.ear.refuse_listen = None
        await caller.hears("bot-stopped-speaking")
        await caller.wait(1)
        await caller.say("change-to-which-folder")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)], prepare=prepare)
    assert timeline.at("rtvi", "error stt_failed")[0] - timeline.at("stt", "cuts")[0] <= 3.0
    assert len(timeline.at("rtvi", "error")) == 1
    assert timeline.texts("stt", "finalized")[-1] == '"Change to which folder?"'
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    expect(timeline)


def test_a_voice_without_words_is_listened_to_twice(expect: Expect) -> None:
    """The second time over another connection; after a second such utterance the visitor knows."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        for _ in range(2):
            await caller.say(WHICH_FOLDER, Hearing(deaf=True))
            await caller.wait(3)

    timeline = replay(conversation)
    told = incidents(timeline)
    assert told.count("stt_silent") == 2
    assert timeline.at("rtvi", "error stt_failed")[0] > timeline.at("user", "is silent")[1]
    assert len(timeline.at("rtvi", "error")) == 1
    expect(timeline)


def test_a_session_begins_without_ears(expect: Expect) -> None:
    """A provider that is away at first holds nobody up, and hears what was said meanwhile."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.refuse_listen = (503, "away")
        deepgram.refuse_listen_times = 3

    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], prepare=prepare)
    assert timeline.at("rtvi", "bot-started-speaking")[0] < 1.0
    assert timeline.texts("stt", "finalized") == [QUESTION]
    expect(timeline)
