"""`python -m tests.e2e.faults`: make everything fail that can, one call for each.

The real server and session process, a real LiveKit server, the wire server with fixed delays and
its fault switches, and a caller who speaks a recorded question; for the network's faults a link
between two network namespaces, and a page in a real browser. Results are kept from run to run, so
that a part can be tried anew (`--only model`); the table in docs/reliability.md is written from
all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import asdict

from bot.logs import configure_logging
from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.probe import until_ok
from local.processes import free_port, start
from tests.e2e.conftest import DELAYS, Wire
from tests.e2e.faults.catalogue import FAULTS
from tests.e2e.faults.machine import try_on_machine
from tests.e2e.faults.results import Row, keep, load, write
from tests.e2e.faults.trial import try_fault
from tests.e2e.network.trial import try_over_network


async def run(only: str, rows: dict[str, Row], *, missing: bool) -> None:
    """Try the faults whose name or group holds a text, and keep each result."""
    binary = find_livekit(os.environ)  # noqa: TID251 - where this machine keeps LiveKit
    if binary is None:
        raise SystemExit("no LiveKit server: `make run` builds one")
    port = free_port()
    command = [sys.executable, "-m", "local.wire", "--port", str(port), "--delays", DELAYS]
    engines = await start("delay server", command, environment=dict(os.environ))  # noqa: TID251
    try:
        async with asyncio.timeout(60):
            await until_ok("127.0.0.1", port, "/healthz")
        for fault in FAULTS:
            name = f"{fault.group}: {fault.name}"
            if only not in name or (missing and name in rows):
                continue
            if fault.network:
                row = await try_over_network(fault.name)
            elif fault.machine:
                row = await try_on_machine(fault.name)
            else:
                async with LiveKitServer.start(binary) as livekit:
                    row = await try_fault(fault, livekit, Wire(f"http://127.0.0.1:{port}"))
            rows |= load() | {name: row}
            sys.stdout.write(f"{name}: {asdict(row)}\n")
            sys.stdout.flush()
            keep(rows)
    finally:
        await engines.stop(5)


def main() -> None:
    """Try the faults and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="a part of a fault's group and name")
    parser.add_argument("--missing", action="store_true", help="only those without a result")
    args = parser.parse_args()
    configure_logging("CRITICAL", ())
    rows = load() if args.only or args.missing else {}
    asyncio.run(run(args.only, rows, missing=args.missing))
    write(rows)
    sys.stdout.flush()
    # LiveKit's native threads can abort a process whose interpreter ends under them.
    os._exit(0)


if __name__ == "__main__":
    main()
