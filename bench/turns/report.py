"""The tables of `python -m bench.turns`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.turns.bounds import upper_bound
from bench.turns.clips import STRATA_SECS
from bench.turns.measure import LATE_SECS, Overlap, Pause, Turn
from bench.turns.stage import SYSTEMS


@dataclass(frozen=True)
class Results:
    """What was measured."""

    turns: list[Turn]
    overlaps: list[Overlap]


@dataclass(frozen=True)
class Share:
    """How often something happened, by how many speakers."""

    events: int
    n: int
    speakers: int

    def __str__(self) -> str:
        """Percent, count and the one-sided 95 % bound."""
        if not self.n:
            return "none"
        bound = 100 * upper_bound(self.events, self.n)
        return f"{100 * self.events / self.n:.1f} % ({self.events}/{self.n}, <= {bound:.1f} %)"


def share(items: Iterable[tuple[str, bool]]) -> Share:
    """Count pairs of speaker and event."""
    pairs = list(items)
    return Share(sum(event for _, event in pairs), len(pairs), len({who for who, _ in pairs}))


def _percentile(values: Sequence[float], percent: float) -> str:
    return f"{np.percentile(values, percent):.2f} s" if values else "none"


def cut_offs(turns: list[Turn], wanted: Callable[[Pause], bool]) -> Share:
    """Audible cut-offs at the pauses wanted."""
    return share((t.speaker, p.cut_off) for t in turns for p in t.pauses if wanted(p))


def _in(low: float, high: float) -> Callable[[Pause], bool]:
    return lambda p: low - 1e-6 <= p.secs < high + 1e-6


def rows(turns: list[Turn], overlaps: list[Overlap]) -> dict[str, str]:
    """Every row of one system's column."""
    table: dict[str, str] = {}
    for kind in ("natural", "built"):
        for low, high in STRATA_SECS:
            within = _in(low, high)
            found = cut_offs(turns, lambda p, k=kind, w=within: p.kind == k and w(p))
            table[f"cut-offs, {kind} {low * 1000:.0f}-{high * 1000:.0f} ms"] = str(found)
        table[f"cut-offs, {kind} pauses, all"] = str(cut_offs(turns, lambda p, k=kind: p.kind == k))
    table["cut-offs, all pauses"] = str(cut_offs(turns, lambda _: True))
    talked = share((t.speaker, p.talked_over) for t in turns for p in t.pauses)
    table["bot begins just after the person went on"] = str(talked)
    false_ends = [t for t in turns if t.merged is not None]
    table["both halves in one turn after a false end"] = str(
        share((t.speaker, bool(t.merged)) for t in false_ends)
    )
    table["the same where nothing was heard between"] = str(
        share((t.speaker, bool(t.merged)) for t in false_ends if not t.heard_between)
    )
    ends = [t for t in turns if t.is_sentence]
    table["answers later than 1.5 s over the floor, or never"] = str(
        share((t.speaker, t.latency_secs is None or t.latency_secs > LATE_SECS) for t in ends)
    )
    latencies = [t.latency_secs for t in ends if t.latency_secs is not None]
    table["last sound -> bot's first, p50 / p90 / p95"] = " / ".join(
        _percentile(latencies, percent) for percent in (50, 90, 95)
    )
    wasted = sum(t.llm_calls - min(1, t.answers) for t in turns)
    voiced = sum(t.tts_calls - min(1, t.answers) for t in turns)
    table["wasted model / voice calls per turn"] = (
        f"{wasted / max(1, len(turns)):.2f} / {voiced / max(1, len(turns)):.2f}"
    )
    for kind, name in (("backchannel", "backchannels"), ("cough", "coughs, laughs, groans")):
        found = [o for o in overlaps if o.kind == kind]
        table[f"{name} that end the sentence"] = str(share((o.speaker, o.ended) for o in found))
    harmless = [o for o in overlaps if o.kind in ("backchannel", "cough", "noise")]
    noises = [o for o in overlaps if o.kind == "noise"]
    table["noises that end the sentence"] = str(share((o.speaker, o.ended) for o in noises))
    table["all of these"] = str(share((o.speaker, o.ended) for o in harmless))
    gaps = [o.gap_secs for o in harmless if o.gap_secs is not None and not o.ended]
    table["gap where it went on, p50 / p95"] = (
        f"{_percentile(gaps, 50)} / {_percentile(gaps, 95)} (n={len(gaps)})"
    )
    real = [o for o in overlaps if o.kind == "interruption"]
    table["real interruptions missed"] = str(share((o.speaker, not o.ended) for o in real))
    stops = [o.silent_after_secs for o in real if o.silent_after_secs is not None]
    table["onset -> silence, p50 / p95"] = (
        f"{_percentile(stops, 50)} / {_percentile(stops, 95)} (n={len(stops)})"
    )
    heard = [o for o in overlaps if o.words_off is not None]
    table["heard-text off by at most one word"] = str(
        share((o.speaker, (o.words_off or 0) <= 1) for o in heard)
    )
    return table


def markdown(results: Results) -> str:
    """Both systems side by side."""
    columns = [
        rows(
            [t for t in results.turns if t.system == system],
            [o for o in results.overlaps if o.system == system],
        )
        for system in SYSTEMS
    ]
    lines = [f"| | {' | '.join(SYSTEMS)} |", "|---|---|---|"]
    lines += [
        f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0]
    ]
    turns = [t for t in results.turns if t.system == SYSTEMS[0]]
    over = [o for o in results.overlaps if o.system == SYSTEMS[0]]
    people = f"{len({t.speaker for t in turns})} and {len({o.speaker for o in over})} speakers"
    return "\n".join(
        [*lines, "", f"{len(turns)} turns and {len(over)} overlaps a system, {people}."]
    )
