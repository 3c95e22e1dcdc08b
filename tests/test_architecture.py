"""The lines between the packages, read from their syntax trees: who knows whom, and what."""

import ast
import dataclasses
import gc
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import BotSettings
from cli.settings import CallSettings
from local import settings as local_settings
from local.settings import LocalSettings
from server.settings import ServerSettings

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bot", "server", "local", "cli")
VENDORS = ("pipecat.services", "deepgram", "groq", "openai")
NO_VENDOR = re.compile(r"pipecat\.services\.(\w+_service|settings)(\.|$)")
"""What all of Pipecat's services share: base classes and their settings."""

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv", "dotenv.load_dotenv"}
LINES_OF_A_FILE = 350
LINES_OF_THE_GRAPH = 80


@pytest.fixture(autouse=True, scope="module")
def _no_collection() -> Iterator[None]:
    """CPython 3.11 miscounts its depth when a collection closes a coroutine in mid-parse."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def names_used(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, and what it reads from the modules it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                modules[name.asname or name.name.split(".")[0]] = name.name
                yield name.name
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{absolute(path, node)}.{name.name}" for name in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module:
                yield f"{module}.{node.attr}"


def absolute(path: Path, node: ast.ImportFrom) -> str:
    package = path.relative_to(ROOT).with_suffix("").parts[: -node.level or None]
    return ".".join([*(package if node.level else ()), *([node.module] if node.module else [])])


def knows(path: Path, *modules: str) -> list[str]:
    """Names of these modules, or of anything below them, that a file uses."""
    below = tuple(f"{module}." for module in modules)
    return [name for name in names_used(path) if name in modules or name.startswith(below)]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_nothing_imports_the_server() -> None:
    """Only the server's own files, commands and tests import server: dependencies point one way."""
    files = python_files("bot", "local", "bench")
    assert [place(path) for path in files if knows(path, "server", "cli")] == []
    assert [place(path) for path in python_files("server") if knows(path, "cli")] == []


def test_local_knows_only_the_wire() -> None:
    """What runs on one machine shares no code with the product, so it cannot agree by accident."""
    assert [place(path) for path in python_files("local") if knows(path, "bot", "server")] == []


def test_vendors_are_named_in_services_alone() -> None:
    """Changing a provider touches bot/services/ and nothing else."""
    found = {
        f"{place(path)}: {name}"
        for path in python_files(*PACKAGES)
        for name in knows(path, *VENDORS)
        if not place(path).startswith("bot/services/") and not NO_VENDOR.match(name)
    }
    assert found == set()


def test_the_environment_is_read_in_settings_alone() -> None:
    """Every other file is told what it needs by its arguments."""
    files = [path for path in python_files(*PACKAGES) if path.name != "settings.py"]
    assert [place(path) for path in files if knows(path, *ENVIRONMENT)] == []


def test_no_deadline_depends_on_the_time_of_day() -> None:
    """A clock that jumps moves no timer: only days, shared words, kept files and traces know it."""
    clocks = ("time.time", "time.time_ns", "datetime.datetime", "datetime.UTC")
    found = {place(path) for path in python_files("bot", "server") if knows(path, *clocks)}
    assert found == {
        "bot/record.py",
        "server/cluster/signing.py",
        "server/doorkeeper.py",
        "server/ledger_redis.py",
        "server/records.py",
        "server/traces.py",
    }


def test_a_file_is_short_enough_to_read() -> None:
    """No source file has more than 350 lines."""
    lines = {
        place(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files(*PACKAGES, "tests", "bench")
    }
    assert {name: count for name, count in lines.items() if count > LINES_OF_A_FILE} == {}


def test_the_rules_look_at_files() -> None:
    """The rules above would also pass on a tree that they cannot find."""
    names = {place(path) for path in python_files(*PACKAGES, "bench", "tests")}
    assert {"bot/pipeline.py", "server/app.py", "local/run.py"} <= names
    assert "os.environ" in names_used(ROOT / "local" / "settings.py")
    assert knows(ROOT / "server" / "app.py", "bot")


def test_the_graph_fits_one_screen() -> None:
    """bot/pipeline.py is the picture of the product; a picture is seen at once."""
    graph = ROOT / "bot" / "pipeline.py"
    assert len(graph.read_text(encoding="utf-8").splitlines()) <= LINES_OF_THE_GRAPH


def settings_names() -> set[str]:
    models = [
        *BotSettings.model_fields,
        *ServerSettings.model_fields,
        *CallSettings.model_fields,
    ]
    local = [spec.name for spec in dataclasses.fields(LocalSettings) if spec.name != "environment"]
    return {name.upper() for name in (*models, *local)}


def test_every_setting_is_in_the_example_and_the_reverse() -> None:
    """.env.example is the complete list of settings, so a misspelt name can be recognised."""
    assert local_settings.known_names(ROOT) == settings_names()


def test_set_up_needs_nothing_but_the_standard_library() -> None:
    """local/setup runs on a fresh machine, before any package is installed."""
    shared = [ROOT / "local" / name for name in ("__init__.py", "paths.py", "settings.py")]
    allowed = {*sys.stdlib_module_names, "local"}
    for path in [*python_files("local/setup"), *shared]:
        assert {name.split(".")[0] for name in names_used(path)} <= allowed, place(path)


def test_ci_runs_what_a_person_runs() -> None:
    """CI's script calls `make test` and no other command of its own."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]


IMPORT = re.compile(r"""(?:\bfrom|\bimport|\bimport\()\s*["'](\.[^"']*)["']""")


def test_the_widget_imports_nothing_outside_itself() -> None:
    """The widget knows the wire only: its relative imports stay in its directory."""
    widget = ROOT / "widget"
    files = [
        path
        for path in widget.rglob("*")
        if path.suffix in {".ts", ".tsx", ".js", ".mjs"}
        and not {"node_modules", "dist"} & set(path.relative_to(widget).parts)
    ]
    assert files
    for path in files:
        for target in IMPORT.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / target).resolve().is_relative_to(widget), place(path)
