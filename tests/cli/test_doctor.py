"""`voice-assistant doctor` at set-ups that were broken on purpose: each has its code and remedy."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.finding import Finding
from bot.services.probe import probe_providers
from bot.settings import BotSettings
from cli import doctor, machine, media
from cli.__main__ import main
from local.processes import free_port
from server.settings import ServerSettings
from tests.cli.provider import Provider, provider
from tests.conftest import REPOSITORY
from tests.server.conftest import redis_server

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def anyio_backend() -> str:
    """asyncio, as in the product."""
    return "asyncio"


@pytest.fixture
async def cloud() -> AsyncIterator[Provider]:
    """A provider that is well."""
    async with provider() as one:
        yield one


def bot(url: str, **changes: Any) -> BotSettings:
    settings = {
        "deepgram_base_url": url,
        "groq_base_url": url,
        "assistant_voice": "aura-2-thalia-en",
        "assistant_fallback_voice": "aura-2-helena-en",
    }
    return BotSettings(_env_file=None, **(settings | changes))


def door(**changes: Any) -> ServerSettings:
    settings = {
        "livekit_url": "ws://127.0.0.1:9",
        "livekit_api_key": "key",
        "livekit_api_secret": "s" * 32,
    }
    return ServerSettings(_env_file=None, **(settings | changes))


def codes(found: list[Finding]) -> list[str]:
    for finding in found:
        assert finding.remedy.endswith("."), finding
        assert "\n" not in finding.remedy
    return [finding.code for finding in found]


async def test_providers_that_are_well_give_nothing_to_say(cloud: Provider) -> None:
    """Keys, models and voices that are accepted are no finding."""
    assert await probe_providers(bot(cloud.url)) == []


@pytest.mark.parametrize(
    ("broken", "settings", "expected"),
    [
        ({"listen": 401}, {}, ["stt_key_refused"]),
        ({"listen": 402}, {}, ["stt_no_credit"]),
        ({"listen": 400}, {"deepgram_stt_model": "nova-99"}, ["stt_model_refused"]),
        ({"listen": 503}, {}, ["stt_not_usable"]),
        ({"speak": 401}, {}, ["tts_key_refused"]),
        ({"speak": 402}, {}, ["tts_no_credit"]),
        ({"speak": 500}, {}, ["tts_not_usable"]),
        ({"refused_voices": ("aura-2-thalia-en",)}, {}, ["tts_model_refused"]),
        ({"refused_voices": ("aura-2-helena-en",)}, {}, ["tts_model_refused"]),
        ({"models": 401}, {}, ["model_key_refused"]),
        ({"models": 404}, {}, ["model_not_usable"]),
        ({"body": "<html>"}, {}, ["model_answer_invalid"]),
        ({"body": "[]"}, {}, ["model_answer_invalid"]),
        ({}, {"llm_model": "mixtral-8x7b-32768"}, ["model_not_served"]),
        ({}, {"llm_fallback_model": "gone"}, ["fallback_model_not_served"]),
        ({}, {"groq_base_url": NOBODY}, ["model_unreachable"]),
        ({}, {"deepgram_base_url": NOBODY}, ["stt_unreachable", "tts_unreachable"]),
    ],
)
async def test_a_provider_that_would_not_serve(
    cloud: Provider, broken: dict[str, Any], settings: dict[str, Any], expected: list[str]
) -> None:
    """What a provider refuses is told before a visitor hears it, with the setting to correct."""
    for name, value in broken.items():
        setattr(cloud, name, value)
    assert codes(await probe_providers(bot(cloud.url, **settings))) == expected


async def test_the_remedy_names_the_setting_and_never_the_key(cloud: Provider) -> None:
    """A voice that is refused is named with its variable; a refused key is not shown."""
    cloud.refused_voices = ("aura-2-helena-en",)
    cloud.listen = 401
    found = await probe_providers(bot(cloud.url, deepgram_api_key="dg-secret-key"))
    text = " ".join(finding.remedy for finding in found)
    assert "ASSISTANT_FALLBACK_VOICE=aura-2-helena-en" in text
    assert "DEEPGRAM_API_KEY" in text
    assert "dg-secret-key" not in text


async def test_what_answers_is_no_livekit(cloud: Provider) -> None:
    """An address of another server, and one where nobody is, are told apart."""
    other = door(livekit_url=cloud.url.replace("http", "ws"))
    assert codes(await media.check_livekit(other)) == ["livekit_not_usable"]
    assert codes(await media.check_livekit(door())) == ["livekit_unreachable"]


async def test_a_clock_that_is_wrong(cloud: Provider) -> None:
    """Tokens of a clock that differs by minutes are refused; the difference is named."""
    cloud.headers["Date"] = "Mon, 05 Jan 2026 09:00:00 GMT"
    found = await media.check_livekit(door(livekit_url=cloud.url.replace("http", "ws")))
    assert codes(found)[0] == "clock_skew"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"host": "192.0.2.1"}, ["door_open", "public_url_local"]),
        ({"allowed_origins": "https://a.example"}, ["public_url_local"]),
        (
            {"allowed_origins": "http://a.example", "livekit_public_url": "wss://l.example"},
            ["origin_insecure"],
        ),
        (
            {"allowed_origins": "https://a.example", "livekit_public_url": "ws://l.example"},
            ["public_url_insecure"],
        ),
        ({"allowed_origins": "http://localhost:3000", "livekit_public_url": "wss://l.example"}, []),
    ],
)
def test_addresses_that_browsers_elsewhere_cannot_use(
    settings: dict[str, Any], expected: list[str]
) -> None:
    """What works on this machine alone is advice as soon as a site is named."""
    assert codes(media.check_addresses(door(**settings))) == expected


def test_a_port_and_a_host_that_cannot_be_had() -> None:
    """A port that is taken, a host that is no address, and one of another machine."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert codes(machine.check_port("127.0.0.1", port)) == ["port_in_use"]
    assert codes(machine.check_port("no.such.host.invalid", 0)) == ["host_unknown"]
    assert codes(machine.check_port("203.0.113.1", 0)) == ["host_not_here"]
    assert machine.check_port("127.0.0.1", 0) == []


def test_files_that_are_missing(tmp_path: Path) -> None:
    """No knowledge, and a widget that was not built."""
    settings = bot(NOBODY, knowledge_dir=tmp_path / "gone")
    assert codes(machine.check_files(settings, tmp_path)) == [
        "knowledge_unusable",
        "widget_not_built",
    ]


def test_packages_that_are_not_those_tested(tmp_path: Path) -> None:
    """A package that is missing is wrong, one of another version is advice."""
    lock = tmp_path / "runtime.lock"
    lock.write_text("fastapi==0.0.1 \\\n    --hash=sha256:0\nno-such-package==1.0 \\\n")
    found = machine.check_packages(lock)
    assert codes(found) == ["package_differs", "package_missing"]
    assert [finding.is_fatal for finding in found] == [False, True]
    assert machine.check_packages(tmp_path / "gone.lock") == []
    assert codes(machine.check_packages(REPOSITORY / "requirements" / "runtime.lock")) == []


def test_a_name_that_is_no_setting(tmp_path: Path) -> None:
    """A misspelt name in .env would be ignored in silence."""
    env = tmp_path / ".env"
    env.write_text("LLM_MODLE=x\nLLM_MODEL=y\n")
    found = machine.check_names(env, REPOSITORY / ".env.example")
    assert codes(found) == ["setting_unknown"]
    assert "LLM_MODLE" in found[0].remedy


def test_a_python_that_is_too_old() -> None:
    """The version is named."""
    assert codes(machine.check_python((3, 9))) == ["python_too_old"]
    assert machine.check_python() == []


async def test_a_redis_that_cannot_be_used(tmp_path: Path) -> None:
    """One that is away, and one with another password; one that is well is no finding."""
    away = door(quota_redis_url=f"redis://127.0.0.1:{free_port()}/0")
    assert codes(await machine.check_redis(away)) == ["redis_unreachable"]
    alone = door(cluster_redis_url=f"redis://127.0.0.1:{free_port()}/0")
    (found,) = await machine.check_redis(alone)
    assert "CLUSTER_REDIS_URL" in found.remedy
    port = free_port()
    async with redis_server(port, tmp_path) as url:
        assert await machine.check_redis(door(quota_redis_url=url)) == []
        wrong = door(quota_redis_url=f"redis://somebody:else@127.0.0.1:{port}/0")
        assert codes(await machine.check_redis(wrong)) == ["redis_password_refused"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"LIVEKIT_API_SECRET": "short"}, "LIVEKIT_API_SECRET must have at least 32 characters"),
        ({"LIVEKIT_URL": "voice.example"}, "LIVEKIT_URL: 'voice.example' is no ws(s):// address"),
        ({"LIVEKIT_API_KEY": ""}, "LIVEKIT_API_KEY: is required"),
        ({"ALLOWED_ORIGINS": "https://a.example/"}, "ALLOWED_ORIGINS"),
        ({"DEEPGRAM_BASE_URL": ""}, "DEEPGRAM_API_KEY is required (or DEEPGRAM_BASE_URL)"),
        ({"MAX_SESSIONS": "many"}, "MAX_SESSIONS"),
    ],
)
async def test_settings_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cloud: Provider,
    changes: dict[str, str],
    expected: str,
) -> None:
    """Each mistake is named by its variable; what can be read all the same is examined."""
    monkeypatch.chdir(tmp_path)
    environment = {
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": "s" * 32,
        "DEEPGRAM_BASE_URL": cloud.url,
        "GROQ_BASE_URL": cloud.url,
        "PORT": "0",
    }
    for name, value in (environment | changes).items():
        monkeypatch.setenv(name, value)
    found = await doctor.examine()
    invalid = [finding for finding in found if finding.code == "setting_invalid"]
    assert len(invalid) == 1
    assert expected in invalid[0].remedy


async def test_nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a fresh machine the way in is named, and not ten missing settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("LIVEKIT_URL", "DEEPGRAM_BASE_URL", "GROQ_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    found = await doctor.examine()
    assert [finding.code for finding in found] == ["no_settings"]
    assert "make run" in found[0].remedy


def test_a_machine_reads_it_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` is one object a line, and the exit status says whether conversations would fail."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIVEKIT_URL", raising=False)
    assert main(["doctor", "--json"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["no_settings"]
    assert json.loads(lines[0])["fatal"] is True


FINDING = re.compile(r'Finding\(\s*(f?)"([a-z_{}]+)"')
CALL_ERROR = re.compile(r'CallError\(\s*"([a-z_]+)"')


def test_every_code_is_in_the_docs() -> None:
    """docs/cli.md is the complete list of what the commands can say, and says nothing else."""
    sources = [*(REPOSITORY / "cli").glob("*.py"), REPOSITORY / "bot" / "services" / "probe.py"]
    known = {"model_not_served", "fallback_model_not_served"}
    for source in sources:
        text = source.read_text(encoding="utf-8")
        for is_format, code in FINDING.findall(text):
            services = ("stt", "tts") if is_format else ("",)
            known |= {code.replace("{service}", service) for service in services}
        known |= set(CALL_ERROR.findall(text))
    page = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = {code for row in rows for code in re.findall(r"`([a-z]+_[a-z_]+)`", row)}
    assert told == known
