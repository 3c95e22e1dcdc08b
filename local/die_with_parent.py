"""Become another program that the kernel signals when this program's starter dies.

Usage: python die_with_parent.py PARENT_PID SIGNAL PROGRAM ARGUMENT...

A program of its own, because running Python between fork and exec (preexec_fn) is not safe in a
process that has threads. Standard library only; started with -I -S, it takes about 15 ms.
"""

import ctypes
import os
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""From linux/prctl.h; the setting survives exec. Other systems have no such thing."""


def main() -> None:
    """Set the signal, make sure that the parent still lives, exec."""
    parent, number, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the starter is gone")
    os.execvp(command[0], command)  # noqa: S606 - what the caller named


if __name__ == "__main__":
    main()
