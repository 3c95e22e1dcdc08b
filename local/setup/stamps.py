"""What makes a second run fast: a step whose inputs are unchanged is not repeated."""

import fcntl
import hashlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from local.setup.commands import pause
from local.setup.console import say

_BLOCK_BYTES: Final = 1 << 20
_RETRY_SECS: Final = 0.2


def digest(folder: Path, paths: Iterable[Path], *facts: str) -> str:
    """Return a hash over the names (from `folder`) and contents of files, and other facts."""
    total = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(paths):
        total.update(f"\0{path.relative_to(folder).as_posix()}\0".encode())
        with path.open("rb") as source:
            while block := source.read(_BLOCK_BYTES):
                total.update(block)
    return total.hexdigest()


def matches(stamp: Path, value: str) -> bool:
    """Whether a step was finished with these inputs."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == value


def write(stamp: Path, value: str) -> None:
    """Record that a step is finished; never half written."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    partial = stamp.with_name(f"{stamp.name}.partial")
    partial.write_text(value, encoding="utf-8")
    partial.replace(stamp)


@contextmanager
def exclusive(lock: Path, step: str, doing: str) -> Generator[None, None, None]:
    """Hold a lock file, waiting for another process that holds it; it dies with its holder.

    Raises:
        SetupError: set-up was stopped meanwhile.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w", encoding="utf-8") as handle:
        if not _locked(handle):
            say(step, f"waiting: another process is {doing}")
            while not _locked(handle):
                pause(_RETRY_SECS)
        yield


def _locked(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
