import re

import pytest
from pydantic import ValidationError

from bot.settings import GROQ_CLOUD, BotSettings
from tests.conftest import REPOSITORY


def test_cloud_needs_deepgrams_key() -> None:
    """Without another address, Deepgram's key is required, by name."""
    with pytest.raises(ValidationError, match="DEEPGRAM_API_KEY"):
        BotSettings(groq_api_key="g")


def test_cloud_needs_groqs_key() -> None:
    """Without another address, Groq's key is required, by name."""
    with pytest.raises(ValidationError, match="GROQ_API_KEY"):
        BotSettings(deepgram_api_key="d")


def test_other_addresses_need_no_key() -> None:
    """Servers at other addresses may have no keys; the SDKs get a stand-in."""
    settings = BotSettings(
        deepgram_base_url="http://127.0.0.1:1", llm_base_url="http://127.0.0.1:2/v1"
    )
    assert settings.deepgram_key
    assert settings.llm_key
    assert settings.secrets == ()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.groq.com", GROQ_CLOUD),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/openai/v1"),
        ("http://127.0.0.1:9/openai/v1", "http://127.0.0.1:9/openai/v1"),
    ],
)
def test_groq_base_url_takes_an_origin_or_a_full_path(given: str, used: str) -> None:
    """GROQ_BASE_URL works in the form of Groq's own SDK (an origin) and with its path."""
    settings = BotSettings(deepgram_api_key="d", groq_api_key="g", groq_base_url=given)
    assert settings.llm_url == used


def test_groqs_key_never_goes_to_another_llm_server() -> None:
    """LLM_BASE_URL gets LLM_API_KEY, and not the key that belongs to Groq."""
    settings = BotSettings(
        deepgram_api_key="d", groq_api_key="groq-secret", llm_base_url="http://127.0.0.1:2/v1"
    )
    assert settings.llm_url == "http://127.0.0.1:2/v1"
    assert settings.llm_key != "groq-secret"


def test_environment_sets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables carry the names of the plan, and empty ones do not count."""
    monkeypatch.setenv("DEEPGRAM_API_KEY", "d")
    monkeypatch.setenv("GROQ_API_KEY", "g")
    monkeypatch.setenv("LLM_BASE_URL", "")
    monkeypatch.setenv("ASSISTANT_VOICE", "en-US-Ava")
    settings = BotSettings()
    assert settings.assistant_voice == "aura-2-thalia-en"
    assert settings.llm_url == GROQ_CLOUD


def test_settings_do_not_show_keys() -> None:
    """Printing the settings shows no key."""
    settings = BotSettings(deepgram_api_key="dg-secret", groq_api_key="groq-secret")
    assert "secret" not in repr(settings).replace("livekit_api_secret", "")
    assert settings.secrets == ("dg-secret", "groq-secret")


def test_the_grace_outlasts_the_widgets_own_limit() -> None:
    """A page that comes back after 20 s still has 5 s to load and join."""
    widget = (REPOSITORY / "widget" / "src" / "resume.ts").read_text(encoding="utf-8")
    match = re.search(r"RESUME_WINDOW_MS = ([\d_]+);", widget)
    assert match
    window_secs = int(match[1].replace("_", "")) / 1000
    grace_secs = BotSettings(deepgram_api_key="d", groq_api_key="g").reconnect_grace_secs
    assert (window_secs, grace_secs) == (20, window_secs + 5)


@pytest.mark.parametrize("setting", ["assistant_voice", "assistant_fallback_voice"])
def test_a_voice_that_is_none_is_named_by_its_own_setting(setting: str) -> None:
    """Each of the two voices is refused under the name of the setting that holds it."""
    with pytest.raises(ValidationError) as refused:
        BotSettings(deepgram_api_key="d", groq_api_key="g", **{setting: "robot"})
    assert [error["loc"] for error in refused.value.errors()] == [(setting,)]
