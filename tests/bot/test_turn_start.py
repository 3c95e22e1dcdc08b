import pytest

from bot.turn_start import is_backchannel


@pytest.mark.parametrize("text", ["Uh-huh.", "Mm-hmm", "Yeah, okay.", "Right", "OK", "Thank you."])
def test_assent_leaves_the_bot_its_floor(text: str) -> None:
    """Up to three words of assent are no interruption."""
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text", ["Wait", "No.", "Stop", "Okay, but why?", "Yeah yeah yeah yeah", "And tomorrow?"]
)
def test_anything_else_takes_the_floor(text: str) -> None:
    """A question, a refusal, or assent that goes on and on is an interruption."""
    assert not is_backchannel(text)
