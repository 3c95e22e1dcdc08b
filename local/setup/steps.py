"""Which steps each goal has, and their parallel run."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Final

from local.paths import AUDIT_VENV, DEPLOY_VENV, PEERS_VENV
from local.settings import LocalSettings, SettingsError, load
from local.setup import browser, caller, livekit, widget
from local.setup.commands import SetupError, stop_all
from local.setup.console import say
from local.setup.packages import Packages

Step = Callable[[], None]
GOALS: Final = ("run", "test", "check", "bench", "audit", "widget", "examples", "deploy", "lock")
_EXTRAS: Final = {
    "QUOTA_REDIS_URL": "redis",
    "CLUSTER_REDIS_URL": "redis",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "tracing",
}
"""What a setting needs installed besides."""
_USAGE: Final = f"usage: python3 -m local.setup {{{','.join(GOALS)}}} | npm ARGUMENT..."


def main(arguments: Sequence[str]) -> int:
    """Carry out one goal; return the exit status."""
    if not arguments or arguments[0] not in {*GOALS, "npm"}:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load()
        packages = Packages(settings.environment)
        if arguments[0] == "npm":
            return _npm(packages, settings.environment, arguments[1:])
        _run_all(steps_of(arguments[0], settings, packages))
    except SettingsError as error:
        sys.stderr.write(f"\n{error}\n")
        return 2
    except SetupError as error:
        sys.stderr.write(f"\nSet-up failed. {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The next run continues from here.\n")
        return 130
    return 0


def steps_of(goal: str, settings: LocalSettings, packages: Packages) -> list[Step]:
    """Return what a goal needs with these settings; every step can run beside the others."""
    environment = settings.environment

    def python(*locks: str) -> Step:
        return lambda: packages.sync_venv(locks)

    def build_widget() -> None:
        widget.build(packages, environment)

    def build_examples() -> None:
        build_widget()
        widget.build_example(packages, environment)

    def livekit_server() -> None:
        livekit.ensure(packages, environment)

    def build_caller() -> None:
        caller.build(packages, environment)

    def deployers() -> None:
        widget.install_pm2(packages, environment)
        packages.sync_venv(("deploy",), DEPLOY_VENV)

    def all_python() -> None:
        packages.sync_venv(("runtime", "local", "models", "redis", "tracing", "dev"))
        packages.sync_venv(("peers",), PEERS_VENV)

    if goal == "audit":
        return [
            build_widget,
            python("runtime", "local", "redis", "tracing", "dev"),
            lambda: packages.sync_venv(("audit",), AUDIT_VENV),
        ]
    alone: Mapping[str, Step] = {
        "lock": packages.compile_locks,
        "widget": build_widget,
        "examples": build_examples,
        "deploy": deployers,
    }
    if goal in alone:
        return [alone[goal]]
    if goal == "check":
        return [python("runtime", "local", "redis", "tracing", "dev"), build_widget]
    if goal == "bench":
        return [livekit_server, build_caller, build_widget, all_python]
    if goal == "test":
        everything = python("runtime", "local", "models", "redis", "tracing", "dev")
        return [livekit_server, everything, build_widget, lambda: browser.ensure(environment)]
    engines = ("local", "models") if settings.needs_engines else ()
    extras = {extra for setting, extra in _EXTRAS.items() if environment.get(setting)}
    needed = [python("runtime", *engines, *extras), build_widget]
    return [livekit_server, *needed] if settings.needs_livekit else needed


def _run_all(steps: Sequence[Step]) -> None:
    """Run steps in threads; the first failure stops the others and is raised."""
    with ThreadPoolExecutor(max_workers=len(steps)) as pool:
        futures: list[Future[None]] = [pool.submit(step) for step in steps]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            errors = [error for future in done if (error := future.exception())]
        except KeyboardInterrupt:
            stop_all()
            raise
        if errors:
            stop_all()
            raise errors[0]
    say("setup", "ready")


def _npm(packages: Packages, environment: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Become npm in the widget's directory, with the Node that built it."""
    variables = widget.with_node(packages, environment)
    os.chdir(widget.WIDGET)
    os.execvpe("npm", ["npm", *arguments], variables)  # noqa: S606, S607 - npm of that PATH
