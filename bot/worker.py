"""`python -m bot.worker FD PARENT`: a session process, told over a socket what to do.

It lives as long as its starter: the kernel kills it when the starter dies, in whatever way.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys

# From linux/prctl.h. Other systems have no such thing; there the closed socket ends the process.
_PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its starter dies, even while native code runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def main() -> None:
    """Serve sessions until the other end of the socket closes."""
    # Ctrl-C and a supervisor's stop reach every process of a group; the starter alone decides,
    # and lets sessions end first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with(int(sys.argv[2]))
    # After the above: these imports take seconds.
    import uvloop  # noqa: PLC0415

    from bot.host import serve  # noqa: PLC0415

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(serve(socket.socket(fileno=int(sys.argv[1]))))
    # LiveKit's native threads can abort a process whose interpreter ends under them.
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
