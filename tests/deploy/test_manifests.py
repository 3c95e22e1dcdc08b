"""The files of deploy/ say what the server understands, and agree with each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import BotSettings
from local.paths import DEPLOY_VENV, LIVEKIT_VERSION
from server.settings import ServerSettings
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
COMPOSE = DEPLOY / "compose"
KUBERNETES = DEPLOY / "kubernetes"
SETTINGS = {name.upper() for name in (*ServerSettings.model_fields, *BotSettings.model_fields)}
# Read by Python and its libraries, not by us.
LIBRARIES = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ORT_DISABLE_TELEMETRY", "NUMBA_CACHE_DIR"}


def env_file(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if re.match(r"[A-Z]", line)]
    pairs = (line.partition("#")[0].strip().partition("=") for line in lines)
    return {name: value for name, _, value in pairs}


def compose() -> dict[str, Any]:
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())


def documents() -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all((KUBERNETES / "server.yaml").read_text())


def deployment() -> dict[str, Any]:
    (found,) = [one for one in documents() if one["kind"] == "Deployment"]
    return found["spec"]["template"]["spec"]


def unit() -> list[tuple[str, str]]:
    text = (DEPLOY / "voice-assistant@.service").read_text()
    pairs = (line.partition("=") for line in text.splitlines() if re.match(r"[A-Z]\w+=", line))
    return [(name, value) for name, _, value in pairs]


def test_every_setting_is_one() -> None:
    """No file sets a name that the server would ignore in silence."""
    mine = {"VOICE_HOST", "LIVEKIT_HOST", "TURN_HOST", "ACME_EMAIL", "STOP_GRACE"}
    assert set(env_file(COMPOSE / ".env.example")) <= SETTINGS | mine
    assert set(compose()["services"]["server"]["environment"]) <= SETTINGS
    assert set(env_file(KUBERNETES / "config.env")) <= SETTINGS
    assert set(env_file(KUBERNETES / "secret.env")) <= SETTINGS
    named = {
        part.partition("=")[0]
        for name, value in unit()
        if name == "Environment"
        for part in value.split()
    }
    assert named <= SETTINGS | LIBRARIES | {"PYTHONDONTWRITEBYTECODE"}


def test_secrets_are_in_no_file() -> None:
    """What is delivered holds placeholders that the server refuses, or nothing."""
    secret = env_file(KUBERNETES / "secret.env")
    assert secret["LIVEKIT_API_SECRET"].startswith("replace-me")
    assert (secret["DEEPGRAM_API_KEY"], secret["GROQ_API_KEY"]) == ("", "")
    example = env_file(COMPOSE / ".env.example")
    assert {
        example[name] for name in example if name.endswith(("_SECRET", "DEEPGRAM_API_KEY"))
    } == {""}


def test_everybody_waits_longer_than_calls_may_go_on() -> None:
    """A stop that is cut short by its manager would cut the calls that DRAIN_SECS lets go on."""
    drain_secs = int(env_file(KUBERNETES / "config.env")["DRAIN_SECS"])
    pod = deployment()
    pause_secs = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] >= drain_secs + pause_secs + 20
    assert int(dict(unit())["TimeoutStopSec"]) >= drain_secs + 20
    assert ("KillMode", "mixed") in unit()


def test_livekit_is_the_version_that_was_tried() -> None:
    """The tests' LiveKit and the one that is deployed are the same."""
    assert compose()["services"]["livekit"]["image"].endswith(f":v{LIVEKIT_VERSION}")


def test_nothing_runs_as_root_or_writes_where_it_runs() -> None:
    """Containers are read-only, drop what they need not, and gain no rights."""
    for name, service in compose()["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    pod = deployment()
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    container = pod["containers"][0]["securityContext"]
    assert container["readOnlyRootFilesystem"]
    assert container["capabilities"] == {"drop": ["ALL"]}
    hardened = {name for name, _ in unit()}
    assert {"NoNewPrivileges", "ProtectSystem", "PrivateTmp", "SystemCallFilter"} <= hardened


def test_the_image_has_every_package() -> None:
    """What the server imports is copied into the image, and so is the doctor."""
    copied = set(
        re.findall(r"^COPY (\w+)/ ", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    )
    assert {"bot", "server", "local", "cli", "knowledge"} <= copied


def test_the_proxy_keeps_metrics_to_itself() -> None:
    """What counts calls and money is no public page."""
    assert "@private path /metrics" in (COMPOSE / "Caddyfile").read_text()
    trusted = compose()["services"]["server"]["environment"]["TRUSTED_PROXIES"]
    address = compose()["services"]["proxy"]["networks"]["inside"]["ipv4_address"]
    assert trusted == address


@pytest.mark.deploy
def test_kubernetes_would_take_the_manifests(tmp_path: Path) -> None:
    """Kustomize builds them, and each stands the schemas of Kubernetes' own API."""
    kubectl, validate = shutil.which("kubectl"), DEPLOY_VENV / "bin" / "kubernetes-validate"
    if kubectl is None or not validate.is_file():
        pytest.skip("needs kubectl, and `python3 -m local.setup deploy`")
    built = subprocess.run(  # noqa: S603 - programs of this machine
        [kubectl, "kustomize", str(KUBERNETES)], check=True, capture_output=True
    )
    file = tmp_path / "manifests.yaml"
    file.write_bytes(built.stdout)
    done = subprocess.run(  # noqa: S603
        [str(validate), "--strict", str(file)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed") == 7


@pytest.mark.deploy
def test_systemd_would_take_the_unit(tmp_path: Path) -> None:
    """Systemd finds nothing to say against it but that the program is not installed here."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd on this machine")
    done = subprocess.run(  # noqa: S603
        [analyze, "verify", str(DEPLOY / "voice-assistant@.service")],
        check=False,
        capture_output=True,
        text=True,
    )
    said = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert said == []
    rated = subprocess.run(  # noqa: S603
        [
            analyze,
            "security",
            "--offline=true",
            "--json=short",
            "--threshold=20",
            str(DEPLOY / "voice-assistant@.service"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert rated.returncode == 0, rated.stdout
    assert json.loads(rated.stdout)
