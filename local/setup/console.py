"""Progress lines, one format for a terminal and for a log file."""

import sys
import threading
import time
from typing import Final

_START: Final = time.monotonic()
_LOCK: Final = threading.Lock()


def say(step: str, message: str) -> None:
    """Print one line with the seconds since set-up began; safe from several threads."""
    with _LOCK:
        sys.stdout.write(f"{time.monotonic() - _START:5.0f} s  {step:<8} {message}\n")
        sys.stdout.flush()
