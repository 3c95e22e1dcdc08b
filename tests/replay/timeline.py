"""The ordered events of a replay, as text a reviewer can read in a diff."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.lines import Line
from bot.waterfall import TurnTimes

TIMELINES = Path(__file__).parent / "timelines"


@dataclass
class Timeline:
    """Events in virtual time.

    One line per event: seconds since the start to 10 ms, who, what.

    Parameters:
        conversation: The model's context at the end, one `role: text` per message.
        turns: Where the time of each answered turn went.
        unclosed: Addresses of connections the session had not closed a second after its end.
        failures: How often each error and incident came up.
        grown: The conversation as the door was told it, each time that something was said.
        used: What was taken from the providers, by `bot.usage.Unit`.
        streamed_secs: How much audio the caller has sent.
    """

    _events: list[tuple[float, int, str, str]] = field(default_factory=list)
    conversation: list[str] = field(default_factory=list)
    turns: list[TurnTimes] = field(default_factory=list)
    unclosed: list[tuple[str, int]] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    grown: list[Sequence[Line]] = field(default_factory=list)
    used: dict[str, float] = field(default_factory=dict)
    streamed_secs: float = 0.0

    def add(self, at_secs: float, who: str, what: str) -> None:
        """Note an event; events of one instant keep the order in which they are noted."""
        self._events.append((at_secs, len(self._events), who, what))

    def lines(self) -> list[str]:
        """The events in order, formatted."""
        return [f"{at:7.2f}  {who:<5} {what}".rstrip() for at, _, who, what in sorted(self._events)]

    def __str__(self) -> str:
        return "\n".join(self.lines()) + "\n"

    def at(self, who: str, what: str) -> list[float]:
        """When events happened whose text begins with `what`, in seconds."""
        return [
            at for at, _, by, event in sorted(self._events) if by == who and event.startswith(what)
        ]

    def texts(self, who: str, what: str) -> list[str]:
        """What followed `what` in the events that begin with it."""
        return [
            event.removeprefix(what).strip()
            for _, _, by, event in sorted(self._events)
            if by == who and event.startswith(what)
        ]

    def difference(self, path: Path) -> str:
        """A unified diff from the file to this timeline; empty when they are the same."""
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        return "".join(
            difflib.unified_diff(
                before.splitlines(keepends=True),
                str(self).splitlines(keepends=True),
                fromfile=f"expected/{path.name}",
                tofile=f"replayed/{path.name}",
            )
        )
