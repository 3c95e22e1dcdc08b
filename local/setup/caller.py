"""The benchmark's caller for many sessions: compiled from its Go module's pinned sources."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.paths import CALLER, CALLER_SOURCES, cache_dir
from local.setup import stamps
from local.setup.commands import run
from local.setup.console import say
from local.setup.livekit import find_go
from local.setup.packages import Packages

_SOURCES: Final = ("*.go", "go.mod", "go.sum")


def build(
    packages: Packages,
    environment: Mapping[str, str],
    sources: Path = CALLER_SOURCES,
    target: Path = CALLER,
) -> None:
    """Compile `sources` to `target`, unless it was made from these very sources."""
    stamp = target.with_suffix(".built")
    with stamps.exclusive(target.with_suffix(".lock"), "caller", "building the caller"):
        files = [path for pattern in _SOURCES for path in sources.glob(pattern)]
        wanted = stamps.digest(sources, files)
        if target.is_file() and stamps.matches(stamp, wanted):
            say("caller", "is up to date")
            return
        say("caller", "building the benchmark's caller: minutes, the first time")
        # Go's caches are kept beside ours: a change of the caller compiles in seconds.
        cache = cache_dir(environment) / "go"
        options = ["-trimpath", "-modcacherw", "-ldflags=-s -w"]
        run(
            "caller",
            [find_go(packages, environment, "caller"), "build", *options, "-o", target, "."],
            environment={
                **{name: value for name, value in environment.items() if name != "GOROOT"},
                "CGO_ENABLED": "0",
                "GOFLAGS": "-mod=readonly -buildvcs=false",
                "GOTOOLCHAIN": "local",
                "GOPATH": str(cache / "path"),
                "GOCACHE": str(cache / "cache"),
                "GOMODCACHE": str(cache / "modules"),
            },
            cwd=sources,
        )
        stamps.write(stamp, wanted)
        say("caller", "is built")
