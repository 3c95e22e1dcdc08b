"""Latency against cut-offs of turn policies, on a table of scores: `python -m bench.turns.curve`.

Reads what `python -m bench.turns.scores` printed. A policy gives each pause and end the silence
after which the bot would be heard; a pause is cut when it lasts longer. Built pauses count at three
lengths, the middles of the strata; natural ones at their own. No session runs here: this is for
fitting, `python -m bench.turns` is for measuring.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bench.turns.clips import STRATA_SECS
from bench.turns.texts import is_sentence
from bot.turn_end import OPEN_SCORE_SECS, SCORE_SECS
from bot.turn_policy import DEFAULT_POLICY, CommitPolicy, Words, commit_silence_secs, read_words

Row = dict[str, Any]
Policy = Callable[[Row], float]

# A prepared answer is ready when the providers' 280 ms and its first clause are over.
READY_SECS = 0.31
# Stock Pipecat: VAD stop at the next 40 ms frame after 0.2 s, then 280 ms of providers; when
# smart-turn says incomplete, the same after 3 s.
STOCK_SECS = 0.24 + 0.28
STOCK_INCOMPLETE_SECS = 3.0 + 0.32
EARLY = str(SCORE_SECS)
LATE = str(OPEN_SCORE_SECS)
LATE_SECS = 1.5 + 0.28


def stock(row: Row) -> float:
    """Pipecat's defaults."""
    return STOCK_SECS if row["scores"]["0.2"] > 0.5 else STOCK_INCOMPLETE_SECS


def score_of(row: Row) -> float | None:
    """The one score that is asked for: early after a whole sentence, late after open words."""
    is_complete = read_words(row["text"]) is Words.COMPLETE
    return row["scores"].get(EARLY if is_complete else LATE)


def by_score(threshold: float, clear_secs: float, other_secs: float) -> Policy:
    """The early score alone."""
    return lambda row: clear_secs if row["scores"][EARLY] >= threshold else other_secs


def by_words(complete_secs: float, other_secs: float) -> Policy:
    """The transcript alone."""
    return lambda row: complete_secs if read_words(row["text"]) is Words.COMPLETE else other_secs


def by_both(policy: CommitPolicy) -> Policy:
    """`bot.turn_policy`."""
    return lambda row: commit_silence_secs(score_of(row), row["text"], policy)


def policies() -> Iterator[tuple[str, Policy]]:
    """The points of the curve."""
    yield "stock Pipecat", stock
    for threshold, clear, other in ((0.5, 0.43, 1.2), (0.9, 0.43, 1.2), (0.95, 0.43, 1.2)):
        yield f"score {threshold}: {clear}/{other}", by_score(threshold, clear, other)
    for complete in (0.43, 0.6, 0.8, 0.95):
        yield f"text: {complete}/1.2", by_words(complete, 1.2)
    for score, clear, complete in product((0.9, 0.95), (0.36, 0.38, 0.4, 0.44), (0.5, 0.55, 0.6)):
        policy = replace(
            DEFAULT_POLICY, clear_score=score, complete_clear_secs=clear, complete_secs=complete
        )
        yield f"both: {score}: {clear}/{complete}", by_both(policy)
    policy = replace(DEFAULT_POLICY, complete_clear_secs=0.6, complete_secs=0.95)
    yield "both: 0.9: 0.6/0.95", by_both(policy)


def point(rows: list[Row], policy: Policy) -> dict[str, Any]:
    """One point: shares of pauses cut by stratum and percentiles of latency at ends."""
    cuts: dict[str, list[bool]] = {"natural": []}
    for low, high in STRATA_SECS:
        cuts[f"{low * 1000:.0f}-{high * 1000:.0f}"] = []
    for row in rows:
        audible = max(policy(row), READY_SECS)
        if row["kind"] == "natural":
            cuts["natural"].append(audible < row["pause_secs"])
        elif row["kind"] == "built":
            for low, high in STRATA_SECS:
                cuts[f"{low * 1000:.0f}-{high * 1000:.0f}"].append(audible < (low + high) / 2)
    ends = [
        max(policy(row), READY_SECS)
        for row in rows
        if row["kind"] == "end" and is_sentence(row["text"])
    ]
    built = [cut for name, values in cuts.items() if name != "natural" for cut in values]
    return {
        **{name: _percent(values) for name, values in cuts.items()},
        "built": _percent(built),
        "p50_secs": round(float(np.percentile(ends, 50)), 2),
        "p90_secs": round(float(np.percentile(ends, 90)), 2),
        "late": _percent([end > LATE_SECS for end in ends]),
    }


def _percent(values: list[bool]) -> float:
    return round(100 * float(np.mean(values)), 1) if values else 0.0


def table(rows: list[Row]) -> str:
    """The curve as markdown."""
    lines = [
        "| policy | natural | 300-500 | 500-700 | 700-900 | built, all | end p50 | p90 | late |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, policy in policies():
        lines.append(
            f"| {name} | " + " | ".join(str(v) for v in point(rows, policy).values()) + " |"
        )
    return "\n".join(lines)


def with_full_stops(rows: list[Row]) -> list[Row]:
    """The same rows from a recogniser that ends whatever it heard with a full stop."""
    changed: list[Row] = []
    for row in rows:
        text = str(row["text"]).rstrip(" .,;:!")
        changed.append({**row, "text": text if text.endswith("?") else f"{text}." if text else ""})
    return changed


def main() -> None:
    """Print the curve, with the published punctuation and with a full stop after everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--language")
    arguments = parser.parse_args()
    lines = arguments.scores.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if arguments.language in (None, row["language"])]
    kinds = {kind: sum(row["kind"] == kind for row in rows) for kind in ("natural", "built", "end")}
    print(f"{kinds}, speakers: {sorted({row['speaker'] for row in rows})}\n\n{table(rows)}\n")
    print(f"A full stop after whatever was heard:\n\n{table(with_full_stops(rows))}")


if __name__ == "__main__":
    main()
