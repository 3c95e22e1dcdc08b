"""Dashboard, alerts and docs name metrics that there are, and every one that there is."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.channel import Load, Turn, Used
from bot.reasons import EndReason
from bot.usage import UNITS
from bot.waterfall import SEGMENTS
from server.metrics import Metrics
from server.prices import Prices
from tests.conftest import REPOSITORY

NAME = re.compile(r"\bvoice_[a-z_]+\b")
# What Prometheus makes of a histogram.
PARTS = ("_bucket", "_sum", "_count")


def exported() -> dict[str, Any]:
    """Return every family by its name in queries, after one of each thing has happened."""
    metrics = Metrics(Prices(dict.fromkeys(UNITS, 0.1)))
    process = SimpleNamespace(
        is_warm=True, sessions={"s-1": None}, load=Load(lag_p95_ms=2.0, cpu_cores=0.5, tasks=3)
    )
    sessions = SimpleNamespace(count=1, max_sessions=8, refusal=lambda: None)
    pool = SimpleNamespace(processes=[process], restarts=1, renewals=1, cpu_percent=50.0)
    metrics.watch(sessions, pool)  # pyright: ignore[reportArgumentType] - what is read of them
    membership = SimpleNamespace(view=SimpleNamespace(count=2), rescued=1, given_up=1)
    metrics.watch_cluster(membership)  # pyright: ignore[reportArgumentType] - the same
    metrics.session_starts.inc()
    metrics.session_began("s-1", "https://a.example")
    metrics.reported(
        Turn(session_id="s-1", segments_secs=dict.fromkeys(SEGMENTS, 0.1), answers_begun=2)
    )
    metrics.reported(Used(session_id="s-1", amounts=dict.fromkeys(UNITS, 2.0)))
    metrics.session_ended("s-1", EndReason.IDLE, {"tts_lost": 1})
    metrics.connect_refused("server_full")
    metrics.silent_sessions.labels("https://a.example").inc()
    metrics.connect_secs.observe(0.1)
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        f"{one.name}_total" if one.type == "counter" else one.name: one
        for one in families
        if one.name.startswith("voice_") and not one.name.endswith("_created")
    }


def family(name: str) -> str:
    return next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)


def test_every_metric_moves() -> None:
    """None is exported that nothing ever counts."""
    still = {
        name for name, one in exported().items() if not any(sample.value for sample in one.samples)
    }
    assert still == set()


def test_the_docs_name_every_metric_and_no_other() -> None:
    """docs/protocol.md is the complete list."""
    page = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `voice_")]
    assert {name for row in rows for name in NAME.findall(row)} == set(exported())


@pytest.mark.parametrize("file", ["grafana/dashboard.json", "prometheus/alerts.yml"])
def test_queries_ask_for_what_there_is(file: str) -> None:
    """A panel or an alert over a name that nobody exports would be silent for ever."""
    text = (REPOSITORY / "deploy" / file).read_text(encoding="utf-8")
    asked = {family(name) for name in NAME.findall(text)}
    assert asked
    assert asked <= set(exported())


def test_the_dashboard_shows_every_metric() -> None:
    """What is counted can be looked at; only the numbers of single processes are left out."""
    text = (REPOSITORY / "deploy" / "grafana" / "dashboard.json").read_text(encoding="utf-8")
    shown = {family(name) for name in NAME.findall(text)}
    single = {"voice_process_sessions", "voice_process_tasks", "voice_process_cpu_cores"}
    assert set(exported()) - shown == single
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_says_what_to_do() -> None:
    """docs/operations.md has a section for each."""
    rules = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "alerts.yml").read_text())
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    for rule in rules["groups"][0]["rules"]:
        assert f"| `{rule['alert']}` |" in page
