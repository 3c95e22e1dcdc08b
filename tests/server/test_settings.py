import pytest
from pydantic import ValidationError

from server.settings import ServerSettings

GOOD = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "s" * 32,
}


def load(monkeypatch: pytest.MonkeyPatch, **changes: str) -> ServerSettings:
    for name, value in (GOOD | changes).items():
        monkeypatch.setenv(name, value)
    return ServerSettings()


def test_settings_need_livekit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three LiveKit variables are enough; everything else has a default."""
    settings = load(monkeypatch)
    assert settings.port == 7860
    assert settings.public_url == "ws://127.0.0.1:7880"
    assert settings.allowed_origins == ()


@pytest.mark.parametrize("name", sorted(GOOD))
def test_settings_name_the_variable_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A missing variable is refused at start, by its name."""
    for other, value in GOOD.items():
        if other != name:
            monkeypatch.setenv(other, value)
    with pytest.raises(ValidationError) as error:
        ServerSettings()
    assert [str(part).upper() for part in error.value.errors()[0]["loc"]] == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seventy"),
        ("PORT", "70000"),
        ("MAX_SESSIONS", "0"),
        ("LIVEKIT_URL", "localhost"),
        ("LIVEKIT_API_SECRET", "short"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("ALLOWED_ORIGINS", "*.example.com"),
        ("ALLOWED_ORIGINS", "null"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_settings_refuse_an_unusable_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A value that cannot work is refused at start, and the complaint names the variable."""
    with pytest.raises(ValidationError) as error:
        load(monkeypatch, **{name: value})
    mistake = error.value.errors()[0]
    assert name in mistake["msg"] or name in [str(part).upper() for part in mistake["loc"]]


def test_origins_are_a_list_of_exact_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins are separated by commas; blanks around them do not count."""
    settings = load(monkeypatch, ALLOWED_ORIGINS=" https://a.example , http://b.example:8080 ")
    assert settings.allowed_origins == ("https://a.example", "http://b.example:8080")


def test_settings_do_not_show_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing the settings shows no secret."""
    assert "s" * 32 not in repr(load(monkeypatch))
