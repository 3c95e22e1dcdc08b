"""What the server needs of its machine: packages, its port, files, and Redis."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import re
import socket
import sys
from importlib import metadata
from pathlib import Path

from dotenv import dotenv_values

from bot.errors import BotError
from bot.finding import Finding
from bot.instruction import build_instruction
from bot.settings import BotSettings
from server.settings import ServerSettings

OLDEST_PYTHON = (3, 11)
REDIS_TIMEOUT_SECS = 3.0

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;[^\\]*)?", re.MULTILINE)
_SETTING = re.compile(r"^#?\s?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> list[Finding]:
    """Return whether this Python is too old."""
    if version >= OLDEST_PYTHON:
        return []
    remedy = f"Python {version[0]}.{version[1]} is too old: take 3.11 or newer."
    return [Finding("python_too_old", remedy)]


def check_packages(lock: Path) -> list[Finding]:
    """Compare installed packages with a lock file; without one there is nothing to compare."""
    if not lock.is_file():
        return []
    found: list[Finding] = []
    for name, version, marker in _LOCKED.findall(lock.read_text(encoding="utf-8")):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            if not marker:
                remedy = f"{name} is not installed: install {lock.name} again."
                found.append(Finding("package_missing", remedy))
            continue
        if installed != version and not marker:
            remedy = f"{name} is {installed} but {version} was tested: install {lock.name} again."
            found.append(Finding("package_differs", remedy, is_fatal=False))
    return found


def check_names(env_file: Path, example: Path) -> list[Finding]:
    """Return names in an env file that no setting has."""
    if not env_file.is_file() or not example.is_file():
        return []
    known = set(_SETTING.findall(example.read_text(encoding="utf-8")))
    remedy = "{} in .env is no setting: look its name up in .env.example."
    return [
        Finding("setting_unknown", remedy.format(name), is_fatal=False)
        for name in dotenv_values(env_file)
        if name not in known
    ]


def check_files(settings: BotSettings, widget_dist: Path) -> list[Finding]:
    """Return whether knowledge and widget can be served."""
    found: list[Finding] = []
    try:
        build_instruction(settings.knowledge_dir)
    except BotError as error:
        found.append(Finding("knowledge_unusable", f"{error}. Correct KNOWLEDGE_DIR."))
    if not (widget_dist / "widget.js").is_file():
        remedy = "The widget is not built: run `npm ci` and `npm run build` in widget/."
        found.append(Finding("widget_not_built", remedy))
    return found


def check_port(host: str, port: int) -> list[Finding]:
    """Return whether the server could listen where it is told to; 0 is any free port."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], address[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except PermissionError:
        return [Finding("port_forbidden", f"PORT={port} needs root: take one above 1023.")]
    except socket.gaierror:
        return [Finding("host_unknown", f"HOST={host} is no address: write 0.0.0.0 or 127.0.0.1.")]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = f"PORT={port} is in use: stop what listens there, unless it is this server."
            return [Finding("port_in_use", remedy, is_fatal=False)]
        remedy = f"HOST={host} is no address of this machine: write 0.0.0.0 or 127.0.0.1."
        return [Finding("host_not_here", remedy)]
    return []


async def check_redis(settings: ServerSettings) -> list[Finding]:
    """Return whether QUOTA_REDIS_URL and CLUSTER_REDIS_URL can be used."""
    found: list[Finding] = []
    for name, url in (
        ("QUOTA_REDIS_URL", settings.quota_redis_url.get_secret_value()),
        ("CLUSTER_REDIS_URL", settings.cluster_redis_url.get_secret_value()),
    ):
        if url:
            found += await _check_redis(name, url)
    return found


async def _check_redis(name: str, url: str) -> list[Finding]:
    if importlib.util.find_spec("redis") is None:
        remedy = f"{name} needs a client: install voice-assistant[redis]."
        return [Finding("redis_client_missing", remedy)]
    # An extra: only who shares a ledger installs the client.
    from redis import asyncio as redis  # noqa: PLC0415
    from redis.exceptions import AuthenticationError, RedisError  # noqa: PLC0415

    client = redis.Redis.from_url(url)
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_SECS):
            await client.get("doctor")
    except AuthenticationError:
        remedy = f"Redis refuses the password in {name}: correct it."
        return [Finding("redis_password_refused", remedy)]
    except (RedisError, TimeoutError, OSError):
        remedy = f"Redis does not answer at {name}: start it, or correct the address."
        return [Finding("redis_unreachable", remedy)]
    finally:
        await client.aclose()
    return []
