import pytest

from bot.voices import FOREIGN_VOICES, deepgram_voice


@pytest.mark.parametrize("name", ["aura-2-thalia-en", "aura-asteria-en", "aura-2-celeste-es"])
def test_deepgrams_own_names_are_kept(name: str) -> None:
    """A name in Deepgram's form is passed on, known to us or not."""
    assert deepgram_voice(name) == name


@pytest.mark.parametrize("name", ["en-US-Ava", "en-US-AvaNeural"])
def test_the_plans_voice_works(name: str) -> None:
    """The voice of the original plan, which Deepgram does not have, maps to one that it has."""
    assert deepgram_voice(name) == "aura-2-thalia-en"


def test_every_entry_of_the_table_is_a_deepgram_voice() -> None:
    """No foreign name maps to something that is itself refused."""
    assert [deepgram_voice(voice) for voice in FOREIGN_VOICES.values()] == list(
        FOREIGN_VOICES.values()
    )


@pytest.mark.parametrize(
    ("name", "hint"), [("en-US-Avva", "en-US-Ava"), ("robot", "aura-2-thalia-en")]
)
def test_an_unknown_voice_is_refused_with_a_hint(name: str, hint: str) -> None:
    """A misspelt voice is refused at start, and the message says what would work."""
    with pytest.raises(ValueError, match=f"no voice.*{hint}"):
        deepgram_voice(name)
