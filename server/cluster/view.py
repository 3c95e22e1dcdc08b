"""The members as this one sees them between two looks at the roster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from server.cluster.notes import Member

# One that did not answer is not asked again before it has been heard of.
SUSPECT_SECS = 3.0


class View:
    """Who is there, and who takes the next session.

    Attributes:
        alarmed: Those that a LiveKit node has seemed lost to since the look before.
    """

    def __init__(self) -> None:
        """Know nobody yet."""
        self.alarmed: set[str] = set()
        self._members: dict[str, Member] = {}
        self._placed: Counter[str] = Counter()
        self._suspects: dict[str, float] = {}

    def look(self, members: Sequence[Member]) -> None:
        """Take what the roster says now."""
        before, self._members = self._members, {one.id: one for one in members}
        self.alarmed = {
            one.id for one in members if one.id in before and one.alarms > before[one.id].alarms
        }
        self._placed.clear()

    @property
    def count(self) -> int:
        """Members that speak."""
        return len(self._members)

    def get(self, member: str | None) -> Member | None:
        """Return a member that speaks."""
        return None if member is None else self._members.get(member)

    def all(self, me: Member) -> list[Member]:
        """Return who speaks, this member as it is now among them."""
        return list({**self._members, me.id: me}.values())

    def ranked(self, me: Member) -> list[Member]:
        """Return who takes a session, the least occupied first.

        Args:
            me: This member as it is now.
        """
        now = time.monotonic()
        able = [
            one
            for one in self.all(me)
            if one.refuses is None and self._suspects.get(one.id, 0) <= now
        ]
        return sorted(able, key=lambda one: (self._share(one), one.id != me.id, one.id))

    def refusals(self, me: Member) -> set[str]:
        """Return the codes with which members would refuse a session."""
        return {one.refuses for one in self.all(me) if one.refuses is not None}

    def placed(self, member: Member) -> None:
        """Note a session that a member's own note does not count yet."""
        self._placed[member.id] += 1

    def suspect(self, member: Member) -> None:
        """Note that a member does not answer."""
        self._suspects[member.id] = time.monotonic() + SUSPECT_SECS

    def _share(self, member: Member) -> float:
        """How occupied a member is, 0 to 1."""
        sessions = member.sessions + self._placed[member.id]
        return sessions / max(1, member.max_sessions)
