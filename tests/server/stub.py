"""A session process without sessions: speaks the channel, and misbehaves on request.

Standard library only, so that it is there in 50 ms. A session's room tells what it does:
`crash`, `garbage`, `flood`, `stranger`, `refused once`; any other room gets a bot at once. The
instruction tells what the process does: `die before warm`, `silent` (never says that it lives),
`slow` (its event loop is late), `stay` (does not go when it is told to).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

STUB = (sys.executable, "-I", "-S", str(Path(__file__)))
LOAD = {"kind": "load", "lag_p95_ms": 0.0, "cpu_cores": 0.25, "tasks": 4}


def main() -> None:
    """Serve until the socket closes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    lines = connection.makefile("rb")
    configured = json.loads(lines.readline())
    if configured["instruction"] == "die before warm":
        os._exit(7)

    def tell(**report: object) -> None:
        connection.sendall(json.dumps(report).encode() + b"\n")

    lag_p95_ms = 2000.0 if configured["instruction"] == "slow" else 0.0

    def beat() -> None:
        while True:
            tell(**{**LOAD, "lag_p95_ms": lag_p95_ms})
            time.sleep(0.05)

    tell(kind="warm", greeting_prepared=False)
    if configured["instruction"] != "silent":
        threading.Thread(target=beat, daemon=True).start()
    refused: set[str] = set()
    for line in lines:
        order = json.loads(line)
        session_id = order["session_id"]
        if order["kind"] == "end":
            reason = order["reason"]
            tell(kind="ended", session_id=session_id, reason=reason, errors={"llm_failed": 2})
            continue
        match order["room"]:
            case "crash":
                os._exit(9)
            case "garbage":
                connection.sendall(b"\x00\xff{not json\n")
            case "flood":
                connection.sendall(b'{"kind":"ready","session_id":"' + b"x" * 300_000)
            case "stranger":
                tell(kind="ready", session_id="somebody-else")
            case "refused once" if session_id not in refused:
                refused.add(session_id)
                tell(kind="ended", session_id=session_id, reason="connect_failed", errors={})
            case _:
                tell(kind="ready", session_id=session_id)
    if configured["instruction"] == "stay":
        time.sleep(60)


if __name__ == "__main__":
    main()
