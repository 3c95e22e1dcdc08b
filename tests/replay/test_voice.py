"""Text-to-speech that refuses or falls silent: the second voice, or captions and an apology."""

from bot.phrases import NO_VOICE, RATE_HZ, Phrase, Phrases
from bot.prepared import Prepared
from tests.network import Network
from tests.replay.conversations import CONTRACTS, Expect, asked, asked_and_answered, joined
from tests.replay.deepgram_peer import DeepgramScript
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay
from tests.replay.speech import spoken_pcm

SECOND_VOICE = "aura-2-helena-en"


def with_apology() -> Prepared:
    return Prepared(Phrases(Phrase(NO_VOICE, spoken_pcm(NO_VOICE, RATE_HZ))))


def test_an_answer_that_is_not_spoken(expect: Expect) -> None:
    """Nothing comes of it for two seconds: the second voice says it, and the visitor could read."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        caller.ear.mute_speak_times = 1
        await caller.say("which-folder-should-i-save-the-message-to")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)])
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    assert timeline.texts("tts", "speaks with the voice") == [SECOND_VOICE]
    silent, told = timeline.at("tts", "stays silent")[0], timeline.at("rtvi", "error tts_failed")[0]
    assert told - silent <= 3.0
    expect(timeline)


def test_a_voice_that_is_away(expect: Expect) -> None:
    """The answer is shown, the apology comes from memory, and a later answer is spoken again."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.close_speak_after_bytes = 17_280 + 28_800

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        caller.ear.refuse_speak_times = 5
        await caller.say("which-folder-should-i-save-the-message-to")
        await caller.wait(12)
        await caller.say("change-to-which-folder")
        await caller.hears("bot-stopped-speaking")

    timeline = replay(conversation, [Answer(CONTRACTS)], prepare=prepare, prepared=with_apology())
    heard = timeline.texts("ear", "has heard")
    assert heard[-2:] == [f'"{NO_VOICE}"', f'"{CONTRACTS}"']
    assert timeline.conversation[-3:] == [
        f"assistant: {CONTRACTS}",
        "user: Change to which folder?",
        f"assistant: {CONTRACTS}",
    ]
    broke = timeline.at("tts", "cuts the connection")[0]
    assert timeline.at("rtvi", "error tts_failed")[0] - broke <= 3.0
    expect(timeline)


def test_a_voice_that_never_speaks(expect: Expect) -> None:
    """Each answer is shown after two tries, once with an apology; nothing waits for audio."""

    async def conversation(caller: Caller) -> None:
        await asked(caller)
        await caller.wait(12)
        await caller.say("change-to-which-folder")
        await caller.wait(12)

    timeline = replay(
        conversation,
        [Answer(CONTRACTS)],
        prepare=lambda deepgram, _: setattr(deepgram, "mute_speak_times", 100),
        prepared=with_apology(),
    )
    heard = timeline.texts("ear", "has heard")
    assert heard.count(f'"{NO_VOICE}"') == 1
    assert timeline.conversation[-1] == f"assistant: {CONTRACTS}"
    silent, told = timeline.at("tts", "stays silent"), timeline.at("rtvi", "error tts_failed")
    assert told[0] - silent[0] <= 3.0
    expect(timeline)


def test_a_session_begins_without_a_voice(expect: Expect) -> None:
    """The greeting is said as soon as there is a connection."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.refuse_speak_times = 3

    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], prepare=prepare)
    assert timeline.texts("ear", "has heard")[-1] == f'"{CONTRACTS}"'
    assert not timeline.at("rtvi", "error")
    expect(timeline)


def test_a_visitor_who_never_had_a_voice_to_listen_to_is_told() -> None:
    """A voice that was away before the first question: it is said, and the answer is shown."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.refuse_speak_times = 100

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.wait(6)
        await caller.say("which-folder-should-i-save-the-message-to")
        await caller.wait(6)

    timeline = replay(conversation, [Answer(CONTRACTS)], prepare=prepare, prepared=with_apology())
    assert timeline.texts("ear", "has heard")[-1] == f'"{NO_VOICE}"'
    assert timeline.conversation[-1] == f"assistant: {CONTRACTS}"
    asked_secs = timeline.at("user", "is silent")[-1]
    assert any(0 <= at - asked_secs <= 3 for at in timeline.at("rtvi", "error tts_failed"))


def test_a_voice_that_breaks_off_again_and_again() -> None:
    """An answer is begun three times at most; then it is shown."""

    async def conversation(caller: Caller) -> None:
        await joined(caller)
        caller.ear.closes_speak_always = True
        caller.ear.close_speak_after_bytes = 28_800
        await caller.say("which-folder-should-i-save-the-message-to")
        await caller.wait(6)

    timeline = replay(conversation, [Answer(CONTRACTS)], prepared=with_apology())
    assert len(timeline.at("tts", "cuts the connection")) == 3
    assert timeline.texts("ear", "has heard")[-1].endswith(f'{NO_VOICE}"')
    assert timeline.conversation[-1] == f"assistant: {CONTRACTS}"
    assert len(timeline.at("rtvi", "error tts_failed")) == 1
