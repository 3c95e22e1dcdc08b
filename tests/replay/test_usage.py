"""What a conversation takes from its providers, in the units that they bill."""

from bot.phrases import Phrase, Phrases
from bot.prepared import Prepared
from tests.network import Network
from tests.replay.conversations import CONTRACTS, LONG_ANSWER, asked_and_answered
from tests.replay.deepgram_peer import DeepgramScript
from tests.replay.groq_peer import Answer
from tests.replay.replay import GREETING, replay


def test_a_conversation_is_counted() -> None:
    """All audio that was sent, every answer that was asked for, every letter that was spoken."""
    timeline = replay(asked_and_answered, [Answer(CONTRACTS)])
    used = timeline.used
    assert used["stt_calls"] == 1
    assert timeline.streamed_secs - 1 < used["stt_secs"] <= timeline.streamed_secs
    asked = len(timeline.at("llm", "is asked"))
    assert used["llm_calls"] == asked > 0
    # The peer says one token for the question and one for each word; answers that were thrown
    # away before their end tell nothing.
    assert 1 <= used["llm_input_tokens"] <= asked
    assert used["llm_output_tokens"] == used["llm_input_tokens"] * len(CONTRACTS.split())
    # Each sentence is given with a space behind it.
    assert used["tts_characters"] == len(GREETING) + 1 + len(CONTRACTS) + 1
    assert used["tts_calls"] == 2


def test_what_is_spoken_from_memory_costs_nothing() -> None:
    """A prepared greeting is not given to text-to-speech."""
    phrases = Phrases(Phrase(GREETING, bytes(24_000)))
    timeline = replay(asked_and_answered, [Answer(CONTRACTS)], prepared=Prepared(phrases))
    assert timeline.used["tts_characters"] == len(CONTRACTS) + 1


def test_what_is_said_over_again_is_billed_again() -> None:
    """After a break the rest of an answer, and the audio of the gap, are sent once more."""

    def prepare(deepgram: DeepgramScript, _: Network) -> None:
        deepgram.close_speak_after_bytes = 60_000

    timeline = replay(asked_and_answered, [Answer(LONG_ANSWER)], prepare=prepare)
    assert timeline.used["tts_characters"] > len(GREETING) + len(LONG_ANSWER) + 3
