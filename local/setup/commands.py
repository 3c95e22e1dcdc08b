"""Child processes of set-up: logged, in groups that can be stopped together."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from local.paths import WORK

_TAIL_LINES: Final = 25
"""Lines of a failed command's output that are shown; the rest stays in its log."""


class SetupError(RuntimeError):
    """A step failed; the message says what to do about it."""


_running: set[subprocess.Popen[str]] = set()
_logged: set[str] = set()
_lock = threading.Lock()
_stopping = threading.Event()


def run(
    step: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a command to its end; its output goes to `.cache/setup/<step>.log`.

    Args:
        step: the name that progress lines and the log carry.
        command: program and arguments.
        environment: all variables of the child.
        cwd: the directory it runs in.
        on_line: is given every line of output.

    Raises:
        SetupError: the command cannot be started or failed; with the end of its output.
    """
    log = WORK / "setup" / f"{step}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: list[str] = []
    try:
        child = _start(command, environment, cwd)
    except OSError as error:
        raise SetupError(f"{step}: cannot run {command[0]}: {error.strerror}") from error
    with child, log.open(_log_mode(step), encoding="utf-8") as sink:
        for line in child.stdout or ():
            sink.write(line)
            tail = [*tail[1 - _TAIL_LINES :], line]
            if on_line is not None:
                on_line(line.rstrip())
    status = child.returncode
    with _lock:
        _running.discard(child)
    if _stopping.is_set():
        raise SetupError(f"{step}: stopped")
    if status:
        name = Path(command[0]).name
        raise SetupError(f"{step}: {name} failed ({status})\n\n{''.join(tail)}\nWhole log: {log}")


def output(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    """Return what a short command prints; empty when it fails or is missing."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs
            [str(part) for part in command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def stop_all() -> None:
    """End every running command with all its children, and let no other begin."""
    with _lock:
        _stopping.set()
        for child in _running:
            os.killpg(child.pid, signal.SIGTERM)


def pause(secs: float) -> None:
    """Wait a moment.

    Raises:
        SetupError: set-up was stopped meanwhile.
    """
    if _stopping.wait(secs):
        raise SetupError("stopped")


def _log_mode(step: str) -> str:
    """Begin a step's log anew once in a run; its later commands add to it."""
    with _lock:
        mode = "a" if step in _logged else "w"
        _logged.add(step)
    return mode


def _start(
    command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path | None
) -> subprocess.Popen[str]:
    with _lock:
        if _stopping.is_set():
            raise SetupError("stopped")
        child = subprocess.Popen(  # noqa: S603 - fixed programs
            [str(part) for part in command],
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        _running.add(child)
        return child
