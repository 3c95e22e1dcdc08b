"""The rows that decide: what was measured beside what must be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.measure import Summary, summarize
from bench.report import GREETING, INTERRUPTION_STOP, VOICE_TO_VOICE, Results

MANY: Final = 8
MOST: Final = 12


@dataclass(frozen=True)
class Cell:
    """One deployment in one row.

    Attributes:
        text: As the table shows it.
        values: What is compared with the limits; empty where it was not measured.
    """

    text: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        name: What is measured.
        limits: The most that each value may be.
        goal: The same in words.
        cells: Deployment to what it did.
    """

    name: str
    limits: tuple[float, ...]
    goal: str
    cells: Mapping[str, Cell]

    def verdict(self, name: str) -> str:
        """Return "yes", "no", or "-" where nothing was measured."""
        values = self.cells[name].values if name in self.cells else ()
        if not values:
            return "-"
        met = all(value <= limit for value, limit in zip(values, self.limits, strict=True))
        return "yes" if met else "no"


def rows(results: Mapping[str, Results], floor_ms: float) -> list[Row]:
    """Return the table.

    Args:
        results: Deployment's name to what was measured of it.
        floor_ms: Sum of the fixed delays that no bot can avoid.
    """

    def row(name: str, limits: tuple[float, ...], goal: str, cells: Sequence[Cell]) -> Row:
        return Row(name, limits, goal, dict(zip(results, cells, strict=True)))

    every = list(results.values())
    over = f"voice-to-voice over the {floor_ms:.0f} ms floor, ms: p50 / p95"
    return [
        row(over, (200, 350), "200 / 350", [_over(one, floor_ms) for one in every]),
        row(
            "interruption stop, ms: p50 / p95",
            (200, 300),
            "200 / 300",
            [_percentiles(summarize(one.samples(INTERRUPTION_STOP))) for one in every],
        ),
        row(
            "session asked for -> greeting heard, warm, ms: p50",
            (500,),
            "500",
            [_median(summarize(one.samples(GREETING))) for one in every],
        ),
        row(
            f"{MANY} talking: p95 against own one-session p95, unanswered",
            (1.2, 0),
            "1.2x, 0",
            [_load(one, MANY) for one in every],
        ),
        row(
            f"{MOST} talking: p95 against own one-session p95, unanswered",
            (1.5, 0),
            "1.5x, 0",
            [_load(one, MOST) for one in every],
        ),
        row(
            f"CPU-s per session-minute, {MANY} talking",
            (6,),
            "6",
            [_cpu(one) for one in every],
        ),
        row(
            f"memory per further session, MB (PSS, 1 to {MANY})",
            (12,),
            "12",
            [_memory(one) for one in every],
        ),
    ]


def _over(found: Results, floor_ms: float) -> Cell:
    summary = summarize(found.samples(VOICE_TO_VOICE))
    return _percentiles(summary, floor_ms)


def _percentiles(found: Summary | None, floor_ms: float = 0.0) -> Cell:
    if found is None:
        return Cell("-")
    missing = f", {found.missing} none" if found.missing else ""
    p50, p95 = found.p50 - floor_ms, found.p95 - floor_ms
    return Cell(f"{p50:.0f} / {p95:.0f} (n={found.n}{missing})", (p50, p95))


def _median(found: Summary | None) -> Cell:
    return Cell("-") if found is None else Cell(f"{found.p50:.0f} (n={found.n})", (found.p50,))


def _load(found: Results, count: int) -> Cell:
    one, many = (found.many.get(number) for number in (1, count))
    alone, together = (block and summarize(block.responses()) for block in (one, many))
    if many is None or alone is None:
        return Cell("-")
    asked, unanswered = many.planned, many.unanswered
    if together is None:
        return Cell(f"none of {asked} answered", (float("inf"), unanswered))
    ratio = together.p95 / alone.p95
    text = f"{ratio:.2f}x ({together.p95:.0f} / {alone.p95:.0f} ms), {unanswered} of {asked}"
    return Cell(text, (round(ratio, 2), unanswered))


def _cpu(found: Results) -> Cell:
    block = found.many.get(MANY)
    used = block and block.cpu_secs_per_session_minute
    return Cell("-") if used is None else Cell(f"{used:.1f}", (used,))


def _memory(found: Results) -> Cell:
    one, many = found.many.get(1), found.many.get(MANY)
    if not one or not many or not one.peak_pss_bytes or not many.peak_pss_bytes:
        return Cell("-")
    each = (many.peak_pss_bytes - one.peak_pss_bytes) / (MANY - 1) / 1e6
    return Cell(f"{each:.1f}", (each,))
