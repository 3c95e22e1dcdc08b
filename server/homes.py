"""Where sessions are noted, so that somebody else can go on with them, and who does."""

from __future__ import annotations

from typing import Protocol

from server.running import Running


class Homes(Protocol):
    """What is known of sessions outside the server that they run on."""

    async def settle(self, running: Running) -> None:
        """Note a session that runs here from now on."""
        ...

    async def remember(self, running: Running) -> None:
        """Note what has been said in it."""
        ...

    async def leave(self, running: Running) -> bool:
        """Forget a session that has ended here; False: somebody else goes on with it."""
        ...


class NoHomes:
    """Nobody else is there."""

    async def settle(self, running: Running) -> None:
        """Do nothing."""

    async def remember(self, running: Running) -> None:
        """Do nothing."""

    async def leave(self, running: Running) -> bool:
        """Return that it ends here."""
        return True


class Others(Protocol):
    """The other servers."""

    async def take(self, running: Running) -> bool:
        """Have one of them go on with a session that is here; return whether one does."""
        ...


class Nobody:
    """There are no other servers."""

    async def take(self, running: Running) -> bool:
        """Return that nobody does."""
        return False
