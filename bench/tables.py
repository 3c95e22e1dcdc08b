"""A run's figures as Markdown: the goals, then what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.conversation import Outcome
from bench.goals import rows
from bench.measure import Summary, summarize
from bench.report import METRICS, VOICE_TO_VOICE, Block, Results
from bench.timeline import SEGMENTS

_MEGABYTE = 1_000_000


def tables(results: Mapping[str, Results], floor_ms: float) -> str:
    """Return all tables, one column a deployment.

    Args:
        results: Deployment's name to what was measured of it.
        floor_ms: Sum of the fixed delays that no bot can avoid.
    """
    parts = [goals(results, floor_ms), "One caller, the deployments taking turns:"]
    parts.append(_single(results))
    if any(one.waterfall for one in results.values()):
        parts.append("Where a turn's time goes, ms, median of each segment (single caller):")
        parts.append(_waterfall(results))
    if any(one.many for one in results.values()):
        parts.append("Many callers at once (a caller without jitter buffer, so 1 has its own row):")
        parts.append(_many(results))
    return "\n\n".join(parts) + "\n"


def goals(results: Mapping[str, Results], floor_ms: float) -> str:
    """Return the rows that decide, with the first deployment's verdict."""
    first = next(iter(results), "")
    header = ["", "must", *results, f"{first}: met"]
    lines = [
        [
            row.name,
            f"<= {row.goal}",
            *(row.cells[name].text for name in results),
            row.verdict(first),
        ]
        for row in rows(results, floor_ms)
    ]
    return markdown(header, lines)


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table with its columns aligned."""
    cells = [list(header), *lines]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    text = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def _single(results: Mapping[str, Results]) -> str:
    every = list(results.values())
    lines: list[list[str]] = []
    for metric in METRICS:
        summaries = [summarize(one.samples(metric)) for one in every]
        lines.append([f"{metric}, ms: median (95 % interval)", *map(_median, summaries)])
        lines.append([f"{metric}, ms: p95", *(_p95(found) for found in summaries)])
    counts = ((f"questions {outcome}", outcome) for outcome in Outcome)
    lines += [[name, *(str(one.outcomes(outcome)) for one in every)] for name, outcome in counts]
    lines += [
        ["memory idle, MB (PSS)", *(_megabytes(one.idle_pss_bytes) for one in every)],
        ["sessions failed, of all", *map(_failed, every)],
        ["microphone late by at most, ms", *(f"{one.lag_ms:.0f}" for one in every)],
        ["voice-to-voice, ms: median by round", *(_by_round(one.rounds) for one in every)],
        ["CPUs busy (anybody), % by round", *(_busy(one.rounds) for one in every)],
    ]
    return markdown(["", *results], lines)


def _waterfall(results: Mapping[str, Results]) -> str:
    lines = [
        [f"{name}: {meaning}", *(number(one.waterfall.get(name)) for one in results.values())]
        for name, meaning in SEGMENTS.items()
    ]
    return markdown(["", *results], lines)


def _many(results: Mapping[str, Results]) -> str:
    header = ["callers", "deployment", "voice-to-voice, ms: median / p95", "unanswered", "cut in"]
    header += ["CPU-s per session-minute", "memory at most, MB (PSS)", "CPUs busy, %", "load"]
    counts = sorted({count for one in results.values() for count in one.many})
    lines = [
        [str(count), name, *_block(one.many[count])]
        for count in counts
        for name, one in results.items()
        if count in one.many
    ]
    return markdown(header, lines)


def _block(block: Block) -> list[str]:
    found = summarize(block.responses())
    cut_in = sum(turn.outcome is Outcome.CUT_IN for turn in block.turns)
    return [
        f"{found.p50:.0f} / {found.p95:.0f}" if found else "-",
        f"{block.unanswered} of {block.planned}",
        str(cut_in),
        number(block.cpu_secs_per_session_minute, "{:.1f}"),
        _megabytes(block.peak_pss_bytes),
        number(block.machine_busy and block.machine_busy * 100),
        f"{block.load:.1f}",
    ]


def number(value: float | None, form: str = "{:.0f}") -> str:
    """Return a number, or a dash where there is none."""
    return "-" if value is None else form.format(value)


def _median(found: Summary | None) -> str:
    if found is None:
        return "-"
    missing = f", {found.missing} none" if found.missing else ""
    return f"{found.p50:.0f} ({found.low:.0f}-{found.high:.0f}), n={found.n}{missing}"


def _p95(found: Summary | None) -> str:
    return "-" if found is None else f"{found.p95:.0f}"


def _failed(found: Results) -> str:
    sessions = sum(len(block.conversations) for block in found.blocks)
    return f"{len(found.failures)}/{sessions}"


def _megabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / _MEGABYTE:.0f}"


def _by_round(blocks: Sequence[Block]) -> str:
    found = (summarize(Results([block]).samples(VOICE_TO_VOICE)) for block in blocks)
    return " ".join(number(one and one.p50) for one in found)


def _busy(blocks: Sequence[Block]) -> str:
    """Return how busy each round was: rounds that differ much cannot be compared."""
    shares = (block.machine_busy for block in blocks)
    return " ".join(number(share and share * 100) for share in shares)
