"""A Chromium for the end-to-end tests: the one that is there, else Debian's."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.setup.commands import SetupError, run
from local.setup.console import say

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def ensure(environment: Mapping[str, str]) -> None:
    """Install Chromium as root on Debian; elsewhere only say that tests will be skipped."""
    found = find(environment)
    if found:
        say("browser", f"using {found}")
        return
    apt = shutil.which("apt-get", path=environment.get("PATH"))
    if os.geteuid() != 0 or not apt:
        say("browser", "no Chromium found: the browser tests will be skipped")
        return
    say("browser", "installing Chromium with apt-get")
    variables = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run("browser", [apt, "update"], environment=variables)
        install = [apt, "install", "-y", "--no-install-recommends", "chromium"]
        run("browser", install, environment=variables)
    except SetupError as error:
        say("browser", f"{error}\n\nNo Chromium: the browser tests will be skipped")
        return
    say("browser", "Chromium is installed")


def find(environment: Mapping[str, str]) -> str | None:
    """Return a browser on PATH or in the cache of Playwright's own installer."""
    for name in _NAMES:
        path = shutil.which(name, path=environment.get("PATH"))
        if path:
            return path
    configured = environment.get("PLAYWRIGHT_BROWSERS_PATH", "")
    cache = Path(configured) if configured else Path.home() / ".cache" / "ms-playwright"
    installed = sorted(cache.glob("chromium-*/chrome-linux*/chrome"))
    return str(installed[-1]) if installed else None
