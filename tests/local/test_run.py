"""The launcher, with small real programs in place of the server and the engines."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.processes import free_port

WITHIN_SECS = 20
"""Far more than any of these stories takes; only a failure waits so long."""

PART = """
import http.server, json, os, pathlib, signal, sys
name, diary = sys.argv[1], pathlib.Path(sys.argv[2])
port = int(sys.argv[sys.argv.index("--port") + 1] if "--port" in sys.argv else os.environ["PORT"])

def note(what):
    with diary.open("a") as out:
        out.write(what + "\\n")

def stop(*_):
    note(name + " stopped")
    sys.exit(0)

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/die":
            os._exit(3)

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in sys.argv else stop)
listener = http.server.HTTPServer(("127.0.0.1", port), Answer)
pathlib.Path(f"{diary}.{name}").write_text(json.dumps({"pid": os.getpid(), **os.environ}))
note(name + " started")
print("http://noise", flush=True)
listener.serve_forever()
"""

LAUNCHER = """
import asyncio, json, pathlib, sys
from local.run import Commands, run
from local.settings import load
commands = json.loads(sys.argv[2])
settings = load(pathlib.Path(sys.argv[1]))
sys.exit(asyncio.run(run(settings, Commands(**commands))))
"""

GIVEN_LIVEKIT = {
    "LIVEKIT_URL": "wss://livekit.example",
    "LIVEKIT_API_KEY": "given-key",
    "LIVEKIT_API_SECRET": "given-secret",
}
GIVEN_SPEECH = {"DEEPGRAM_API_KEY": "given-deepgram"}
GIVEN_MODEL = {"GROQ_API_KEY": "given-groq"}


class Launch:
    """One run of the launcher in a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], *server_options: str) -> None:
        self.diary = folder / "diary"
        self.port = environment.get("PORT") or str(free_port())
        part = [sys.executable, "-c", PART]
        commands = {
            "server": [*part, "server", str(self.diary), *server_options],
            "engines": [*part, "engines", str(self.diary)],
            "stop_server_secs": 1,
        }
        self.process = subprocess.Popen(  # noqa: S603 - this very Python
            [sys.executable, "-c", LAUNCHER, str(folder), json.dumps(commands)],
            env={"PATH": os.defpath, "PORT": self.port, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.output: list[str] = []

    def until_open(self) -> None:
        """Read the output up to the line that says where to open it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("Open "):
                return
        pytest.fail(f"it ended first: {self.process.stderr and self.process.stderr.read()}")

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the status and what was complained about."""
        output, errors = self.process.communicate(timeout=WITHIN_SECS)
        self.output += output.splitlines(keepends=True)
        return self.process.returncode, errors

    def environment_of(self, name: str) -> dict[str, str]:
        """Return the variables that a part was started with, and its pid."""
        return json.loads(Path(f"{self.diary}.{name}").read_text())

    def events(self) -> list[str]:
        """Return which part started and stopped, in order."""
        return self.diary.read_text().splitlines() if self.diary.exists() else []


Launcher = Callable[..., Launch]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """Start launchers; none is left running."""
    started: list[Launch] = []

    def start(environment: dict[str, str], *server_options: str) -> Launch:
        started.append(Launch(tmp_path, environment, *server_options))
        return started[-1]

    yield start
    for run in started:
        run.process.kill()
        run.process.communicate(timeout=WITHIN_SECS)


def test_run_prints_one_address_when_everything_is_ready(launch: Launcher) -> None:
    """The output has one URL, the last line, and something answers there."""
    run = launch(GIVEN_LIVEKIT)
    run.until_open()
    assert run.output[-1] == f"Open http://127.0.0.1:{run.port}\n"
    assert sum("://" in line for line in run.output) == 1
    with socket.create_connection(("127.0.0.1", int(run.port)), WITHIN_SECS):
        pass


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_run_stops_the_server_before_the_engines(
    launch: Launcher, number: signal.Signals, status: int
) -> None:
    """Ctrl-C and SIGTERM let the server end its sessions while everything else still works."""
    run = launch(GIVEN_LIVEKIT)
    run.until_open()
    run.process.send_signal(number)
    ended_with, _ = run.end()
    assert ended_with == status
    assert run.events()[-2:] == ["server stopped", "engines stopped"]


def test_run_kills_a_server_that_does_not_stop(launch: Launcher) -> None:
    """A server that ignores its signal is gone after the deadline, and so is the rest."""
    run = launch(GIVEN_LIVEKIT, "stubborn")
    run.until_open()
    server = os.pidfd_open(int(run.environment_of("server")["pid"]))
    run.process.send_signal(signal.SIGINT)
    status, _ = run.end()
    assert status == 130
    assert run.events()[-1] == "engines stopped"
    with pytest.raises(ProcessLookupError):
        signal.pidfd_send_signal(server, 0)
    os.close(server)


def test_run_stops_everything_when_a_part_ends(launch: Launcher) -> None:
    """A server that dies takes the run with it, with its name and its exit status."""
    run = launch(GIVEN_LIVEKIT)
    run.until_open()
    with socket.create_connection(("127.0.0.1", int(run.port)), WITHIN_SECS) as connection:
        connection.sendall(b"GET /die HTTP/1.0\r\n\r\n")
        status, errors = run.end()
    ending = "The server ended by itself (exit status 3). Everything else was stopped."
    assert (status, errors.splitlines()[-1]) == (1, ending)
    assert run.events()[-1] == "engines stopped"


def test_run_refuses_a_taken_port_before_it_starts_anything(launch: Launcher) -> None:
    """The message names PORT, and no part was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = launch({**GIVEN_LIVEKIT, "PORT": str(taken.getsockname()[1])})
        status, errors = run.end()
    assert status == 2
    assert errors.startswith(f"PORT {run.port} is in use")
    assert run.events() == []


def test_run_starts_the_server_alone_when_everything_is_given(launch: Launcher) -> None:
    """With LiveKit, Deepgram and Groq given, no engine runs and the server gets them unchanged."""
    given = {**GIVEN_LIVEKIT, **GIVEN_SPEECH, **GIVEN_MODEL}
    run = launch(given)
    run.until_open()
    environment = run.environment_of("server")
    assert run.events() == ["server started"]
    assert {name: environment[name] for name in given} == given
    assert not {"DEEPGRAM_BASE_URL", "GROQ_BASE_URL"} & set(environment)


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ({}, {"DEEPGRAM_BASE_URL", "GROQ_BASE_URL"}),
        (GIVEN_SPEECH, {"GROQ_BASE_URL"}),
        (GIVEN_MODEL, {"DEEPGRAM_BASE_URL"}),
        ({"LLM_BASE_URL": "http://ollama.example/v1"}, {"DEEPGRAM_BASE_URL"}),
    ],
    ids=lambda value: "+".join(sorted(value)) or "nothing",
)
def test_run_replaces_only_the_providers_that_are_not_given(
    launch: Launcher, given: dict[str, str], local: set[str]
) -> None:
    """The engines take the place of the missing providers, and of no other."""
    run = launch({**GIVEN_LIVEKIT, **given})
    run.until_open()
    environment = run.environment_of("server")
    urls = {name for name in ("DEEPGRAM_BASE_URL", "GROQ_BASE_URL") if name in environment}
    assert urls == local
    assert all(environment[name].startswith("http://127.0.0.1:") for name in local)
    assert all(environment[name.replace("BASE_URL", "API_KEY")] == "local" for name in local)
    assert {name: environment[name] for name in given} == given


def test_run_keeps_onnx_runtime_from_reporting(launch: Launcher) -> None:
    """Neither server nor engines let ONNX Runtime send usage data to its vendor."""
    run = launch(GIVEN_LIVEKIT)
    run.until_open()
    for part in ("server", "engines"):
        assert run.environment_of(part)["ORT_DISABLE_TELEMETRY"] == "1"


def test_run_gives_the_engines_no_secret(launch: Launcher) -> None:
    """The engine server talks to nobody, so it is told no key."""
    run = launch({**GIVEN_LIVEKIT, **GIVEN_SPEECH})
    run.until_open()
    assert not {"given-key", "given-secret", "given-deepgram"} & set(
        run.environment_of("engines").values()
    )


def test_run_reads_env_file_and_the_environment_wins(launch: Launcher, tmp_path: Path) -> None:
    """What `.env` says holds for the server too, unless the environment says otherwise."""
    lines = [f"{name}={value}" for name, value in {**GIVEN_LIVEKIT, **GIVEN_SPEECH}.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "LLM_MODEL='from file'"]))
    run = launch({**GIVEN_MODEL, "LIVEKIT_API_KEY": "from environment"})
    run.until_open()
    environment = run.environment_of("server")
    assert environment["LIVEKIT_API_KEY"] == "from environment"
    assert environment["LLM_MODEL"] == "from file"
    assert run.events() == ["server started"]


def test_run_says_how_to_get_a_livekit_server(launch: Launcher, tmp_path: Path) -> None:
    """Without a server on PATH or in the cache it says what builds one."""
    run = launch({"XDG_CACHE_HOME": str(tmp_path)})
    status, errors = run.end()
    assert status == 1
    assert "`make run` builds one" in errors


def test_run_leaves_nothing_when_it_is_killed(launch: Launcher) -> None:
    """A launcher that is killed outright takes server and engines with it."""
    run = launch(GIVEN_LIVEKIT)
    run.until_open()
    parts = [os.pidfd_open(int(run.environment_of(name)["pid"])) for name in ("server", "engines")]
    run.process.kill()
    for part in parts:
        assert select.select([part], [], [], WITHIN_SECS)[0], "it still runs"
        os.close(part)
