"""What the launcher makes of the environment and of `.env`."""

from pathlib import Path

import pytest

from local.settings import LocalSettings, SettingsError, load, read_env_file

EXAMPLE = "LIVEKIT_URL=\nLIVEKIT_API_KEY=\n# LIVEKIT_API_SECRET=\nGROQ_API_KEY=\n# PORT=7860\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with an example of its settings."""
    (tmp_path / ".env.example").write_text(EXAMPLE)
    return tmp_path


def settings(root: Path, env_file: str = "", **environ: str) -> LocalSettings:
    (root / ".env").write_text(env_file)
    return load(root, environ)


def test_nothing_given_means_everything_runs_here(root: Path) -> None:
    """Without any setting, LiveKit, speech and model are local and the port is 7860."""
    found = settings(root)
    assert (found.needs_livekit, found.needs_speech, found.needs_model) == (True, True, True)
    assert (found.host, found.port) == ("127.0.0.1", 7860)


def test_an_empty_variable_is_not_given(root: Path) -> None:
    """`NAME=`, as a copied example has it, neither counts as given nor hides the file's value."""
    found = settings(root, "GROQ_API_KEY=from-file", GROQ_API_KEY="", LIVEKIT_URL="")
    assert found.needs_livekit
    assert found.environment["GROQ_API_KEY"] == "from-file"


def test_no_secret_is_shown(root: Path) -> None:
    """The settings can be printed: keys and the environment are left out."""
    assert "hidden" not in repr(settings(root, GROQ_API_KEY="hidden", DEEPGRAM_API_KEY="hidden"))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=a value", "a value"),
        ("export NAME=value", "value"),
        ("NAME = value # why", "value"),
        ("NAME=pass#word", "pass#word"),
        ("NAME='# not a comment' # why", "# not a comment"),
        ('NAME="two words"', "two words"),
        ("NAME=https://a.example/?b=c", "https://a.example/?b=c"),
        ("NAME=", ""),
        ("NAME= # later", ""),
    ],
)
def test_env_file_lines_mean_what_they_look_like(tmp_path: Path, line: str, value: str) -> None:
    """Quotes, comments and `export` are understood; nothing is substituted."""
    path = tmp_path / ".env"
    path.write_text(f"\n# a comment\n{line}\n")
    assert read_env_file(path) == {"NAME": value}


@pytest.mark.parametrize(
    ("env_file", "message"),
    [
        ("GROQ_APIKEY=x", r"GROQ_APIKEY is not a setting\. Did you mean GROQ_API_KEY\?"),
        ("groq_api_key=x", r"groq_api_key is not a setting\. Did you mean GROQ_API_KEY\?"),
        ("PORTS=1", r"PORTS is not a setting\. Did you mean PORT\?"),
        ("PORT=many", "PORT must be a number"),
        ("PORT=70000", "PORT must be a number"),
        ("\nGROQ_API_KEY: secret", "line 2: expected NAME=value$"),
        ("LIVEKIT_URL=wss://a", "LIVEKIT_API_KEY and LIVEKIT_API_SECRET missing"),
        ("LIVEKIT_URL=wss://a\nLIVEKIT_API_KEY=k", "LIVEKIT_API_SECRET missing"),
        ("LIVEKIT_API_KEY=k\nLIVEKIT_API_SECRET=s", "LIVEKIT_URL missing"),
    ],
)
def test_a_mistake_is_named_by_its_variable(root: Path, env_file: str, message: str) -> None:
    """A misspelt, malformed or missing setting stops the start, with its name."""
    with pytest.raises(SettingsError, match=message):
        settings(root, env_file)


def test_settings_of_other_programs_pass(root: Path) -> None:
    """`.env` may hold what is not ours."""
    assert settings(root, "DATABASE_URL=postgres://x").environment["DATABASE_URL"]
