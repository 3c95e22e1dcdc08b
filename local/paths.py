"""Where things lie: the checkout, and the cache that all checkouts of one user share."""

import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
"""The checkout."""

VENV: Final = ROOT / ".venv"

WORK: Final = ROOT / ".cache"
"""Logs and stamps of this checkout; `make clean` removes it."""

PEERS_VENV: Final = WORK / "peers-venv"
"""Packages that the benchmark's peers want in other versions than the product."""

AUDIT_VENV: Final = WORK / "audit-venv"
DEPLOY_VENV: Final = WORK / "deploy-venv"
"""What looks for known weaknesses (`make audit`)."""

CALLER_SOURCES: Final = ROOT / "bench" / "caller"
"""The benchmark's caller for many sessions, a Go program."""

CALLER: Final = WORK / "bench-caller"
"""The same, compiled."""

LIVEKIT_VERSION: Final = "1.13.5"
"""The LiveKit server that the tests run against (Go module github.com/livekit/livekit-server)."""


def cache_dir(environment: Mapping[str, str]) -> Path:
    """Return the per-user cache: under XDG_CACHE_HOME, else under ~/.cache.

    A relative XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.
    """
    configured = environment.get("XDG_CACHE_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".cache"
    return base / "voice-assistant"


def cached_livekit(environment: Mapping[str, str]) -> Path:
    """Return where set-up puts the LiveKit server, whether or not it is there yet."""
    target = f"{platform.system()}-{platform.machine()}".lower()
    return cache_dir(environment) / "livekit-server" / f"{LIVEKIT_VERSION}-{target}" / "server"


def find_livekit(environment: Mapping[str, str]) -> Path | None:
    """Return the LiveKit server of this machine: the one on PATH, else the cached one."""
    on_path = shutil.which("livekit-server", path=environment.get("PATH"))
    if on_path:
        return Path(on_path)
    cached = cached_livekit(environment)
    return cached if cached.is_file() else None
