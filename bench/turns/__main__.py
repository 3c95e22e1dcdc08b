"""Turn-taking beside stock Pipecat on human recordings: `python -m bench.turns`.

Both systems hear the same held-out clips in one run, on virtual time, with real voice activity and
turn models and scripted providers of 280 ms. `--limit N` thins every list of cases to N, `--lists`
plays some of them only, and `--from` makes one table of what such runs have written.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.turns import clips as c
from bench.turns.measure import Overlap, Pause, Turn, overlap_of, turn_of
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

BUILT = {f"built-{low * 1000:.0f}-{high * 1000:.0f}": (low, high) for low, high in c.STRATA_SECS}
LISTS = ("natural", *BUILT, "overlap")
OVERLAP_KINDS = ("backchannel", "cough", "noise", "interruption")


def cases(
    split: str = "held-out", limit: int | None = None, lists: tuple[str, ...] = LISTS
) -> list[Case]:
    """What is played: turns as they are, turns with built pauses, overlaps.

    Args:
        split: `held-out`, or `tune` while constants are being fitted.
        limit: Of each list, at most so many, spread over it.
        lists: Which of LISTS.
    """
    speech = c.clips(split=split)
    overlaps = [clip for kind in OVERLAP_KINDS for clip in c.clips(kind=kind)]
    made = {
        "natural": [natural_case(clip) for clip in speech],
        "overlap": [overlap_case(clip) for clip in overlaps],
    }
    for name, stratum in BUILT.items():
        made[name] = [case for clip in speech if (case := built_case(clip, stratum))]
    return [case for name in lists for case in _thinned(made[name], limit)]


def _thinned(some: list[Case], limit: int | None) -> list[Case]:
    return some if limit is None else some[:: max(1, len(some) // limit)][:limit]


def measure(system: str, case: Case) -> Turn | Overlap:
    """Play one case and measure it."""
    played = play(system, case)
    return turn_of(played) if case.kind == "turn" else overlap_of(played)


def run(
    *,
    split: str = "held-out",
    limit: int | None = None,
    lists: tuple[str, ...] = LISTS,
    processes: int = 2,
) -> Results:
    """Play every case to both systems.

    Args:
        split: As in `cases`.
        limit: As in `cases`.
        lists: As in `cases`.
        processes: How many cases are played at once; time is virtual, so that load changes nothing.
    """
    work = [(system, case) for case in cases(split, limit, lists) for system in SYSTEMS]
    with ProcessPoolExecutor(processes, initializer=prepare) as pool:
        done = list(pool.map(measure, *zip(*work, strict=True), chunksize=4))
    return Results(
        [one for one in done if isinstance(one, Turn)],
        [one for one in done if isinstance(one, Overlap)],
    )


def to_json(results: Results) -> dict[str, Any]:
    """Every measured case."""
    return {
        "turns": [asdict(turn) for turn in results.turns],
        "overlaps": [asdict(overlap) for overlap in results.overlaps],
    }


def from_json(data: dict[str, Any]) -> Results:
    """What `to_json` gave."""
    turns: list[Turn] = []
    for one in data["turns"]:
        pauses = [Pause(**pause) for pause in one.pop("pauses")]
        turns.append(Turn(pauses=pauses, **one))
    return Results(turns, [Overlap(**one) for one in data["overlaps"]])


def main() -> None:
    """Measure, print the table, and write every case to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("tune", "held-out"), default="held-out")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=LISTS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(".cache/bench/turns.json"))
    parser.add_argument("--from", dest="files", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.files:
        parts = [
            from_json(json.loads(path.read_text(encoding="utf-8"))) for path in arguments.files
        ]
        turns = [turn for part in parts for turn in part.turns]
        overlaps = [overlap for part in parts for overlap in part.overlaps]
        results = Results(turns, overlaps)
    else:
        results = run(
            split=arguments.split,
            limit=arguments.limit,
            lists=tuple(arguments.lists),
            processes=arguments.processes,
        )
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(to_json(results), indent=1), encoding="utf-8")
    sys.stdout.write(markdown(results) + "\n")


if __name__ == "__main__":
    main()
