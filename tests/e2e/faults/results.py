"""What each fault did, kept from run to run and written as a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from local.paths import ROOT
from tests.e2e.faults.catalogue import FAULTS

RESULTS = ROOT / ".cache" / "faults.json"
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- make faults: begin -->", "<!-- make faults: end -->"
GOAL_SECS = 3.0


@dataclass(frozen=True)
class Row:
    """What a fault did.

    Attributes:
        heard_secs: From the end of the question, or the fault, to the bot's voice; None: never.
        told_secs: To an error, an end of the call or a refusal that the page shows; None: never.
        codes: Errors and incidents, in order, each once.
        next_works: Whether the next turn, or the next call, was answered.
        left: What was still there at the end: tasks and rooms.
    """

    heard_secs: float | None
    told_secs: float | None
    codes: list[str]
    next_works: bool
    left: str


def table(rows: dict[str, Row]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| | fault | when | heard | told | codes | next turn or call | left |",
        "|---|---|---|---|---|---|---|---|",
    ]
    missed = 0
    for fault in FAULTS:
        row = rows.get(f"{fault.group}: {fault.name}")
        if row is None:
            continue
        if fault.act is not None and fault.is_final:
            # What is left of the greeting in the caller's own buffers says nothing.
            row = replace(row, heard_secs=None)
        first = min((one for one in (row.heard_secs, row.told_secs) if one is not None), default=99)
        missed += first > GOAL_SECS or not row.next_works or row.left != "nothing"
        codes = ", ".join(code if code.startswith("(") else f"`{code}`" for code in row.codes)
        works = "works" if row.next_works else "**fails**"
        lines.append(
            f"| {fault.group} | {fault.name} | {fault.when.value} | {_secs(row.heard_secs)}"
            f" | {_secs(row.told_secs)} | {codes} | {works} | {row.left} |"
        )
    done = sum(f"{fault.group}: {fault.name}" in rows for fault in FAULTS)
    head = (
        f"{done} faults; {missed} of them without a voice or a notice within {GOAL_SECS:g} s,"
        " without a next turn, or with something left."
    )
    return "\n".join([head, "", *lines])


def _secs(secs: float | None) -> str:
    return "-" if secs is None else f"{secs:.1f} s"


def write(rows: dict[str, Row]) -> None:
    """Put the table between its markers in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}", encoding="utf-8")


def load() -> dict[str, Row]:
    """Return what was measured before."""
    if not RESULTS.exists():
        return {}
    return {name: Row(**row) for name, row in json.loads(RESULTS.read_text()).items()}


def keep(rows: dict[str, Row]) -> None:
    """Keep what was measured for the next run."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({name: asdict(row) for name, row in rows.items()}))
