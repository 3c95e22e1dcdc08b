import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.origins import is_origin
from server.settings import ServerSettings, process_environment

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
        ("ALLOWED_ORIGINS", "https://A.example"),
        ("ALLOWED_ORIGINS", "https://user@a.example"),
        ("ALLOWED_ORIGINS", "https://a.example:port"),
        ("SIGN_IN_KEYS", "a.example=" + "k" * 32),
        ("SIGN_IN_KEYS", "https://a.example"),
        ("SIGN_IN_KEYS", "https://a.example=short"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("QUOTA_ALL_PER_MIN", "-1"),
        ("SITE_MONEY_PER_DAY", "inf"),
        ("QUOTA_REDIS_DOWN", "hope"),
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
    """Printing the settings shows no secret, and each of them is kept from the log."""
    settings = load(
        monkeypatch,
        SIGN_IN_KEYS=f"https://a.example={'k' * 32}, https://a.example={'n' * 32}",
        QUOTA_REDIS_URL="redis://:hidden@127.0.0.1:6379",
    )
    for secret in ("s" * 32, "k" * 32, "n" * 32, "hidden"):
        assert secret not in repr(settings)
        assert secret in settings.secrets


@pytest.mark.parametrize("value", ["https://a.example=hush", "hush", f"hush={'k' * 32}"])
def test_a_refused_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What is told of a malformed SIGN_IN_KEYS holds nothing that could be a secret."""
    with pytest.raises(ValidationError) as error:
        load(monkeypatch, SIGN_IN_KEYS=value)
    messages = [mistake["msg"] for mistake in error.value.errors(include_input=False)]
    assert "hush" not in str(messages)
    assert "k" * 32 not in str(messages)


def test_money_needs_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget in money needs the price of a minute; of two budgets the lesser one holds."""
    with pytest.raises(ValidationError, match="PRICE_PER_MINUTE"):
        load(monkeypatch, SITE_MONEY_PER_DAY="5")
    budget = load(
        monkeypatch, SITE_MONEY_PER_DAY="5", PRICE_PER_MINUTE="0.1", SITE_MINUTES_PER_DAY="60"
    )
    assert budget.site_secs_per_day == 3000


def test_session_processes_get_no_secret_of_the_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    """They sign no token and count nobody."""
    secrets = ("LIVEKIT_API_SECRET", "SIGN_IN_KEYS", "QUOTA_REDIS_URL")
    for name in secrets:
        monkeypatch.setenv(name, "x")
    assert not set(secrets) & set(process_environment())


@given(st.sampled_from(["allowed_origins", "sign_in_keys", "trusted_proxies"]), st.text())
def test_no_list_is_half_understood(name: str, value: str) -> None:
    """Any text in a list setting is a list of what it should be, or a mistake told at start."""
    good = {key.lower(): text for key, text in GOOD.items()}
    try:
        settings = ServerSettings(**good, **{name: value})
    except ValidationError:
        return
    assert all(is_origin(site) for site in (*settings.allowed_origins, *settings.sign_in_keys))
