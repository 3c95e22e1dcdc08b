"""`python -m local.run`: the server, and beside it whatever is not given from outside.

Started in the order LiveKit, engines, server; stopped in the opposite one, so that the server can
end its sessions and delete its rooms.
"""

import asyncio
import errno
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.livekit import LiveKitError, LiveKitServer
from local.paths import WORK, find_livekit
from local.probe import until_ok
from local.processes import Child, ChildEndedError, free_port, start, while_alive
from local.settings import LocalSettings, SettingsError, load

_READY_SECS: Final = 120.0
"""Loading the engines' models from a cold disk is the longest part."""

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_LOCAL_KEY: Final = "local"
"""The key for providers that are local: they take any."""

_DEFAULTS: Final = {
    # A session's matrices are small: more threads would only wait for each other.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # ONNX Runtime's own builds report to their vendor unless told not to (its Privacy.md).
    "ORT_DISABLE_TELEMETRY": "1",
}


@dataclass(frozen=True)
class Commands:
    """What is started, and how long each may take to stop; tests put small programs there."""

    server: Sequence[str | Path] = (sys.executable, "-m", "server")
    engines: Sequence[str | Path] = (sys.executable, "-m", "local.wire")
    stop_server_secs: float = 15.0
    stop_engines_secs: float = 5.0


def main() -> int:
    """Run until a signal or until a part ends; return the exit status."""
    try:
        settings = load()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return asyncio.run(run(settings, Commands()))


async def run(settings: LocalSettings, commands: Commands) -> int:
    """Run everything that `settings` ask for until SIGINT or SIGTERM.

    Returns:
        0 after SIGTERM, 130 after SIGINT, 1 when a part failed, 2 when a setting was wrong.
    """
    status = 0
    stack = asyncio.create_task(_run_stack(settings, commands))

    def stop(wanted: int) -> None:
        nonlocal status
        status = wanted
        stack.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop, 130)
    loop.add_signal_handler(signal.SIGTERM, stop, 0)
    try:
        await stack
    except asyncio.CancelledError:
        _say("Stopped.")
        return status
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (ChildEndedError, LiveKitError, TimeoutError) as error:
        sys.stderr.write(f"{error}. Everything else was stopped.\n")
        return 1
    return status


async def _run_stack(settings: LocalSettings, commands: Commands) -> None:
    """Start the parts, say where to open them, and watch them; ends by an exception only."""
    _require_free(settings.host, settings.port)
    here = "127.0.0.1" if settings.host in _EVERYWHERE else settings.host
    environment = _server_environment(settings)
    children: list[Child] = []
    preparing: list[Coroutine[Any, Any, None]] = []
    async with AsyncExitStack() as parts:
        if settings.needs_livekit:
            livekit = await parts.enter_async_context(_livekit(settings))
            children.append(livekit.child)
            environment["LIVEKIT_URL"] = livekit.url
            environment["LIVEKIT_API_KEY"] = livekit.api_key
            environment["LIVEKIT_API_SECRET"] = livekit.api_secret
        if settings.needs_engines:
            _say("Loading the local engines.")
            # A port chosen here lets models and server load at the same time.
            port = free_port()
            engines = await _start_engines(settings, commands, port)
            parts.push_async_callback(engines.stop, commands.stop_engines_secs)
            children.append(engines)
            preparing.append(until_ok("127.0.0.1", port, "/healthz"))
            environment.update(_engine_addresses(settings, f"http://127.0.0.1:{port}"))
        server = await start(
            "The server", commands.server, environment=environment, stdout=sys.stderr.fileno()
        )
        parts.push_async_callback(server.stop, commands.stop_server_secs)
        children.append(server)
        preparing.append(until_ok(here, settings.port, "/readyz"))
        try:
            async with asyncio.timeout(_READY_SECS):
                await while_alive(children, _all(preparing))
        except TimeoutError:
            raise TimeoutError(f"Not ready after {_READY_SECS:.0f} s") from None
        if settings.needs_livekit and settings.host in _EVERYWHERE:
            _say("Other machines can see the page but not talk: LiveKit is local to this one.")
        _say(f"Open http://{f'[{here}]' if ':' in here else here}:{settings.port}")
        await while_alive(children, asyncio.Event().wait())


def _server_environment(settings: LocalSettings) -> dict[str, str]:
    return {
        **_DEFAULTS,
        **settings.environment,
        "HOST": settings.host,
        "PORT": str(settings.port),
    }


def _engine_addresses(settings: LocalSettings, base_url: str) -> dict[str, str]:
    """Return what points the bot at the local engines, for the providers that are not given."""
    found: dict[str, str] = {}
    if settings.needs_speech:
        found |= {"DEEPGRAM_BASE_URL": base_url, "DEEPGRAM_API_KEY": _LOCAL_KEY}
    if settings.needs_model:
        found |= {"GROQ_BASE_URL": base_url, "GROQ_API_KEY": _LOCAL_KEY}
    return found


def _livekit(settings: LocalSettings) -> AbstractAsyncContextManager[LiveKitServer]:
    binary = find_livekit(settings.environment)
    if binary is None:
        raise LiveKitError("There is no LiveKit server on this machine: `make run` builds one")
    return LiveKitServer.start(binary, log=WORK / "livekit.log")


async def _start_engines(settings: LocalSettings, commands: Commands, port: int) -> Child:
    """Start the engine server, with no credential: it talks to nobody."""
    secret = ("_API_KEY", "_API_SECRET", "SIGN_IN_KEYS", "QUOTA_REDIS_URL")
    given = {**_DEFAULTS, **settings.environment}
    visible = {name: value for name, value in given.items() if not name.endswith(secret)}
    command = [*commands.engines, "--port", str(port)]
    return await start("The engine server", command, environment=visible, stdout=DEVNULL)


async def _all(preparing: Sequence[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*preparing)


def _require_free(host: str, port: int) -> None:
    """Find out before anything is started that somebody else has the port.

    Raises:
        SettingsError: naming PORT or HOST.
    """
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], address[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"PORT {port} is in use. Set another one: PORT=7861") from error
        raise SettingsError(f"HOST {host}, PORT {port}: {error.strerror}") from error


def _say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
