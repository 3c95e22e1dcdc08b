"""A greeting whose audio is there before the person: at once, and like any sentence otherwise."""

from bot.phrases import RATE_HZ, Phrase, Phrases
from bot.prepared import Prepared
from tests.replay.conversations import CONTRACTS, Expect, asked_and_answered, joined
from tests.replay.groq_peer import Answer
from tests.replay.replay import GREETING, Caller, replay
from tests.replay.speech import spoken_pcm
from tests.replay.timeline import Timeline


def prepared(text: str = GREETING) -> Prepared:
    return Prepared(Phrases(Phrase(text, spoken_pcm(text, RATE_HZ))))


def without_moments(timeline: Timeline, who: str) -> list[str]:
    """What one party does, in order, without when."""
    lines = (line.split(maxsplit=2) for line in str(timeline).splitlines())
    return [what for _, party, what in lines if party == who]


def test_prepared_greeting(expect: Expect) -> None:
    """It is heard at once, and the provider is not asked to speak."""
    timeline = replay(joined, prepared=prepared())
    assert timeline.texts("ear", "has heard") == [f'"{GREETING}"']
    assert not timeline.at("tts", "is given")
    assert timeline.conversation[-1] == f"assistant: {GREETING}"
    expect(timeline)


def test_a_prepared_greeting_is_captioned_like_any_other() -> None:
    """Messages and context are those of a greeting that the provider speaks."""
    ours, usual = replay(joined, prepared=prepared()), replay(joined)
    assert without_moments(ours, "rtvi") == without_moments(usual, "rtvi")
    assert ours.conversation == usual.conversation


def test_what_follows_a_prepared_greeting_is_spoken_by_the_provider() -> None:
    """Greeting from memory, question, answer: the answer is asked of the provider."""
    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], prepared=prepared())
    assert timeline.texts("ear", "has heard") == [f'"{GREETING}"', f'"{CONTRACTS}"']
    assert timeline.texts("tts", "is given")


def test_another_text_than_the_prepared_one_is_spoken_by_the_provider() -> None:
    """Audio of an older greeting is not played for the configured one."""
    timeline = replay(joined, prepared=prepared("Good evening."))
    assert timeline.texts("ear", "has heard") == [f'"{GREETING}"']
    assert timeline.texts("tts", "is given") == [f'"{GREETING}"']


def test_a_prepared_greeting_can_be_interrupted() -> None:
    """Speech stops it like any other sentence, and the question is answered."""
    greeting = "Hello! I am the voice assistant of this site. How can I help you?"

    async def conversation(caller: Caller) -> None:
        await caller.join()
        await caller.hears("bot-started-speaking")
        await caller.wait(0.3)
        await caller.say("your-telephone-number")
        await caller.hears("bot-stopped-speaking")
        await caller.wait(2)

    timeline = replay(
        conversation,
        [Answer("It stands below.")],
        prepared=prepared(greeting),
        assistant_greeting=greeting,
    )
    heard = timeline.texts("ear", "has heard")
    assert greeting.startswith(heard[0].strip('"'))
    assert len(heard[0]) < len(greeting) / 2
    assert heard[-1] == '"It stands below."'
