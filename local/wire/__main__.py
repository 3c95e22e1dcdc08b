"""Run the engine server: `python -m local.wire --port 8790 [--delays stt_final_ms=100,...]`."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from local.engines.api import Engines
from local.engines.delays import BadDelaysError, Delays, delay_engines, parse_delays
from local.engines.process import EngineLoadError
from local.engines.real import RealEngines
from local.models import ModelFileError
from local.wire.app import EngineServer
from local.wire.timeline import Timeline

_PARENT_CHECK_SECS = 0.5
_SHUTDOWN_SECS = 1.0


def main() -> int:
    """Parse the command line and serve until a signal, or until the parent process ends."""
    parser = argparse.ArgumentParser(prog="python -m local.wire", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--delays",
        nargs="?",
        const="",
        help="fixed delays instead of engines, e.g. stt_final_ms=100,llm_ttft_ms=100",
    )
    parser.add_argument(
        "--timeline", type=Path, metavar="FILE", help="write when what happened, as JSON lines"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        delays = None if arguments.delays is None else parse_delays(arguments.delays)
    except BadDelaysError as error:
        parser.error(str(error))
    timeline = Timeline(arguments.timeline)
    try:
        return asyncio.run(_serve(arguments.host, arguments.port, delays, timeline))
    finally:
        timeline.close()


async def _serve(host: str, port: int, delays: Delays | None, timeline: Timeline) -> int:
    server = EngineServer(timeline)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_watch_parent(stop))
    # Handlers end with their client: a stalled or frozen one must not outlive its socket.
    runner = web.AppRunner(server.application(), handler_cancellation=True, access_log=None)
    await runner.setup()
    real = RealEngines() if delays is None else None
    try:
        site = web.TCPSite(runner, host, port, shutdown_timeout=_SHUTDOWN_SECS)
        try:
            await site.start()
        except OSError as error:
            sys.stderr.write(f"cannot listen on {host}:{port}: {error.strerror}\n")
            return 1
        bound: int = runner.addresses[0][1]
        loading = asyncio.create_task(_load(server, real, delays))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            loading.cancel()
            return 0
        try:
            server.ready(loading.result())
        except (EngineLoadError, ModelFileError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"ready http://{host}:{bound}\n")
        sys.stdout.flush()
        await stop.wait()
        return 0
    finally:
        watch.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(runner.cleanup(), 2 * _SHUTDOWN_SECS)
        if real:
            await real.stop()


async def _load(server: EngineServer, real: RealEngines | None, delays: Delays | None) -> Engines:
    if real is not None:
        return await real.start()
    return delay_engines(delays or Delays(), server.script)


async def _watch_parent(stop: asyncio.Event) -> None:
    """Stop when the process that started this one is gone, however it ended."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing signals a parent's end
        await asyncio.sleep(_PARENT_CHECK_SECS)
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
