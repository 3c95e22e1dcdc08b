"""The browsers of the end-to-end tests: the Chromium and Firefox that are there, else Debian's."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.setup import debian
from local.setup.console import say

_CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FIREFOX_NAMES: Final = ("firefox-esr", "firefox")


@dataclass(frozen=True)
class _Browser:
    name: str
    package: str
    path: str | None


def ensure(environment: Mapping[str, str]) -> None:
    """Install what is missing as root on Debian; elsewhere only say which tests are skipped."""
    browsers = (
        _Browser("Chromium", "chromium", find(environment)),
        _Browser("Firefox", "firefox-esr", find_firefox(environment)),
    )
    for browser in browsers:
        if browser.path:
            say("browser", f"using {browser.path}")
    missing = [browser for browser in browsers if not browser.path]
    if missing:
        debian.install("browser", {one.name: one.package for one in missing}, environment)


def find(environment: Mapping[str, str]) -> str | None:
    """Return a Chromium on PATH or in the cache of Playwright's own installer."""
    found = _on_path(_CHROMIUM_NAMES, environment)
    if found:
        return found
    configured = environment.get("PLAYWRIGHT_BROWSERS_PATH", "")
    cache = Path(configured) if configured else Path.home() / ".cache" / "ms-playwright"
    installed = sorted(cache.glob("chromium-*/chrome-linux*/chrome"))
    return str(installed[-1]) if installed else None


def find_firefox(environment: Mapping[str, str]) -> str | None:
    """Return a stock Firefox on PATH; Playwright's own is no stock one."""
    return _on_path(_FIREFOX_NAMES, environment)


def _on_path(names: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    path = environment.get("PATH")
    return next((found for name in names if (found := shutil.which(name, path=path))), None)
