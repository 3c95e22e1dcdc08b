"""Where a turn's time went: the bot's own steps by the server's metrics, and bars to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.waterfall import SEGMENTS

_FAMILY = "voice_turn_segment_seconds"
_TIMEOUT_SECS = 3.0
_BAR_CHARS = 40

# Sum of seconds and number of turns, by segment.
Totals = Mapping[str, tuple[float, int]]


async def segments_so_far(server: str) -> Totals:
    """Return what `/metrics` has counted; nothing where it cannot be read (it is often private)."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{server}/metrics") as answer,
        ):
            return _totals(await answer.text()) if answer.status == 200 else {}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return {}


def _totals(text: str) -> Totals:
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        if family.name == _FAMILY:
            for sample in family.samples:
                by_name = found.setdefault(sample.labels.get("segment", ""), {})
                by_name[sample.name.rpartition("_")[2]] = sample.value
    return {
        segment: (found[segment].get("sum", 0.0), int(found[segment].get("count", 0)))
        for segment in SEGMENTS
        if segment in found
    }


def of_one_turn(before: Totals, after: Totals) -> dict[str, float]:
    """Return the segments of the one turn between two readings; nothing when there were more."""
    turns = {
        segment: count - before.get(segment, (0.0, 0))[1] for segment, (_, count) in after.items()
    }
    if set(turns.values()) != {1}:
        return {}
    return {
        segment: round(total - before.get(segment, (0.0, 0))[0], 3)
        for segment, (total, _) in after.items()
    }


def bars(steps: Sequence[tuple[str, float]]) -> list[str]:
    """Return one line a step: its name, its seconds, and a bar that begins where the last ended."""
    whole = sum(secs for _, secs in steps) or 1.0
    lines: list[str] = []
    begun = 0.0
    for name, secs in steps:
        start, end = (round(at / whole * _BAR_CHARS) for at in (begun, begun + secs))
        lines.append(f"  {name:<16}{secs:7.3f} s  {' ' * start}{'#' * max(1, end - start)}")
        begun += secs
    return lines
