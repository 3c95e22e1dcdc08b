"""Turn-taking beside stock Pipecat on human recordings: `python -m bench.turns`.

Both systems hear the same held-out clips in one run, on virtual time, with real voice activity and
turn models and scripted providers of 280 ms. `--limit N` plays every clip list thinned to N.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.turns import clips as c
from bench.turns.measure import Overlap, Turn, as_json, overlap_of, turn_of
from bench.turns.report import Results, markdown
from bench.turns.stage import (
    SYSTEMS,
    Case,
    built_case,
    natural_case,
    overlap_case,
    play,
    prepare,
)

OVERLAP_KINDS = ("backchannel", "cough", "noise", "interruption")


def cases(split: str = "held-out", limit: int | None = None) -> list[Case]:
    """What is played, in order: turns as they are, with built pauses, and overlaps."""
    speech = c.clips(split=split)
    overlaps = [clip for kind in OVERLAP_KINDS for clip in c.clips(kind=kind)]
    built = [built_case(clip, stratum) for stratum in c.STRATA_SECS for clip in speech]
    lists = (
        [natural_case(clip) for clip in speech],
        [case for case in built if case],
        [overlap_case(clip) for clip in overlaps],
    )
    return [case for some in lists for case in _thinned(some, limit)]


def _thinned(some: list[Case], limit: int | None) -> list[Case]:
    return some if limit is None else some[:: max(1, len(some) // limit)][:limit]


def measure(system: str, case: Case) -> Turn | Overlap:
    """Play one case and measure it."""
    played = play(system, case)
    return turn_of(played) if case.kind == "turn" else overlap_of(played)


def run(*, split: str = "held-out", limit: int | None = None, processes: int = 2) -> Results:
    """Play every case to both systems.

    Args:
        split: `held-out`, or `tune` while constants are being fitted.
        limit: Of each of the three lists of cases, at most so many.
        processes: How many cases are played at once; time is virtual, so that load changes nothing.
    """
    work = [(system, case) for case in cases(split, limit) for system in SYSTEMS]
    with ProcessPoolExecutor(processes, initializer=prepare) as pool:
        done = list(pool.map(measure, *zip(*work, strict=True), chunksize=4))
    return Results(
        [one for one in done if isinstance(one, Turn)],
        [one for one in done if isinstance(one, Overlap)],
    )


def to_json(results: Results) -> dict[str, Any]:
    """Every measured case."""
    return {
        "turns": [as_json(turn) for turn in results.turns],
        "overlaps": [as_json(overlap) for overlap in results.overlaps],
    }


def main() -> None:
    """Measure, print the table, and write every case to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("tune", "held-out"), default="held-out")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(".cache/bench/turns.json"))
    arguments = parser.parse_args()
    results = run(split=arguments.split, limit=arguments.limit, processes=arguments.processes)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(to_json(results), indent=1), encoding="utf-8")
    sys.stdout.write(markdown(results) + "\n")


if __name__ == "__main__":
    main()
