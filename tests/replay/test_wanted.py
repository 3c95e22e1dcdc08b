"""What the design asks for and the bot does not do yet: each fails today and says why.

The failure is strict: whoever makes one of these true turns it into an ordinary test.
"""

import pytest

from tests.network import Network
from tests.replay.conversations import LONG_ANSWER, asked
from tests.replay.deepgram_peer import DeepgramScript
from tests.replay.groq_peer import Answer
from tests.replay.replay import Caller, replay


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
