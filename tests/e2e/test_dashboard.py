"""Grafana's dashboard and the alerts, asked of a real Prometheus beside live conversations."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from local.caller import Caller, ConnectError, connect
from local.probe import until_ok
from local.processes import free_port, start
from tests.conftest import REPOSITORY, environment
from tests.e2e.conftest import OpenDoor, Wire
from tests.replay.recording import load_recording

pytestmark = [pytest.mark.anyio, pytest.mark.deploy]

QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "dashboard.json"
PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
# What did not happen here: there is one server, and each caller said something.
EMPTY = {"voice_cluster_", "voice_silent_sessions_total"}
READY_SECS = 30
TIMEOUT_SECS = 30


class Asked:
    """A Prometheus that looks at a server every second."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def get(self, path: str, **query: str) -> Any:
        """Return what an address of its API answers."""
        async with self._http.get(f"{self._url}/api/v1/{path}", params=query) as answer:
            found = await answer.json()
        assert found["status"] == "success", found
        return found["data"]

    async def values(self, expression: str) -> list[float]:
        """Return what an expression is now, label by label."""
        found = await self.get("query", query=expression)
        return [float(one["value"][1]) for one in found["result"]]

    async def until(self, expression: str) -> None:
        """Wait for it to have looked, and seen that something is so."""
        async with asyncio.timeout(TIMEOUT_SECS):
            while not await self.values(expression):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.2)


@asynccontextmanager
async def prometheus(door: str, folder: Path) -> AsyncGenerator[Asked]:
    """Run one as deploy/prometheus has it, but for the address and how often it looks."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no Prometheus on this machine (Debian has one: prometheus)")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = config["global"]["evaluation_interval"] = "1s"
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [door.removeprefix("http://")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "alerts.yml", folder)
    port = free_port()
    child = await start(
        "Prometheus",
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        environment=environment(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(READY_SECS):
            await until_ok("127.0.0.1", port, "/-/ready")
        async with aiohttp.ClientSession() as http:
            asked = Asked(f"http://127.0.0.1:{port}", http)
            await asked.until('up{job="voice-assistant"} == 1')
            yield asked
    finally:
        await child.stop(5)


def panels(found: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each panel's title with each of its expressions."""
    for panel in found:
        yield from panels(panel.get("panels", []))
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


async def test_every_panel_shows_what_goes_on(
    open_door: OpenDoor, wire: Wire, tmp_path: Path
) -> None:
    """Two talk, one of them past a model that fails, a third is refused: each panel has numbers."""
    async with (
        open_door(max_sessions=2, price_tts_1000_characters=30) as door,
        prometheus(door.url, tmp_path) as asked,
    ):
        async with (
            Caller(await connect(door.url)) as first,
            Caller(await connect(door.url)) as second,
        ):
            with pytest.raises(ConnectError):
                await connect(door.url)
            for caller in (first, second):
                await caller.ready()
                await caller.wait_for("bot-stopped-speaking")
            await wire.fail(llm={"fault": "status", "code": 503, "times": 1})
            for count in (2, 3):
                await first.say(QUESTION)
                await first.wait_for("bot-stopped-speaking", count=count)
            await second.send("disconnect-bot")
            await second.disconnected.wait()
            await first.send("disconnect-bot")
            await first.disconnected.wait()
        await door.empty()
        await asked.until("sum(voice_session_ends_total) == 2")
        await asked.until("sum(voice_session_errors_total) > 0")
        await asked.until("sum(voice_sessions) == 0")

        shown = list(panels(json.loads(DASHBOARD.read_text())["panels"]))
        assert len(shown) > 20
        for title, expression in shown:
            if any(name in expression for name in EMPTY):
                await asked.values(expression)
                continue
            await asked.until(expression)
            values = await asked.values(expression)
            assert all(math.isfinite(value) for value in values), (title, expression, values)
        (median,) = await asked.values(
            "histogram_quantile(0.5, sum by (le) (rate(voice_turn_seconds_bucket[5m])))"
        )
        assert 0.1 < median < 5

        # The alerts are rules that it understands, and none of them is about a good day.
        (group,) = (await asked.get("rules"))["groups"]
        assert {rule["health"] for rule in group["rules"]} == {"ok"}
        assert [rule["name"] for rule in group["rules"] if rule["state"] == "firing"] == []
