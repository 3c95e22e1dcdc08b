"""POST /connect in a cluster: to the member that is least occupied, or has the session."""

from __future__ import annotations

from collections.abc import Sequence

from loguru import logger

from server import errors
from server.cluster.membership import Membership
from server.cluster.notes import Leaving, Member, Resuming, Starting
from server.cluster.peers import PeerError, Peers
from server.cluster.roster import RosterError
from server.doorkeeper import Visitor
from server.doorway import Neighbour
from server.errors import DoorError
from server.running import Admission
from server.sessions import Sessions
from server.tokens import Keys, identity_of

# One is asked, and should it refuse or not answer another one; then the visitor is told.
MEMBERS_ASKED = 2
# Why another member might still take a session.
_OTHERS_MIGHT = ("server_full", "server_busy", "draining", "bot_unavailable", "livekit_unreachable")


class ClusterDoorway:
    """See `server.doorway.Doorway`."""

    def __init__(
        self, sessions: Sessions, membership: Membership, peers: Peers, keys: Keys
    ) -> None:
        """Lead to these sessions and to those of the other members."""
        self._sessions = sessions
        self._membership = membership
        self._peers = peers
        self._keys = keys

    def refusal(self) -> DoorError | None:
        """As `Sessions.refusal`, of all members."""
        view, me = self._membership.view, self._membership.me()
        if view.ranked(me):
            return None
        # A member without session processes has none to offer, and says so.
        others = view.refusals(me) - {"bot_unavailable"}
        if others == {"draining"}:
            return errors.draining()
        return errors.server_full() if others else errors.bot_unavailable()

    def neighbours(self) -> Sequence[Neighbour]:
        """Return all members as they were at the last beat, in an order that stays."""
        me = self._membership.me()
        return [
            Neighbour(one.url, one.id == me.id, one.sessions, one.max_sessions, one.refuses)
            for one in sorted(self._membership.view.all(me), key=lambda one: (one.url, one.id))
        ]

    async def start(self, visitor: Visitor, *, record: bool = False) -> Admission:
        """As `Sessions.start`, on the least occupied member.

        Raises:
            DoorError: as `Sessions.start`.
        """
        view, me = self._membership.view, self._membership.me()
        if refusal := self.refusal():
            raise refusal
        why = errors.bot_unavailable()
        for member in view.ranked(me)[:MEMBERS_ASKED]:
            view.placed(member)
            try:
                if member.id == me.id:
                    return await self._sessions.start(visitor, record=record)
                return await self._peers.start(member, Starting(visitor=visitor, record=record))
            except PeerError as error:
                logger.warning("member {} does not answer: {}", member.id, error)
                view.suspect(member)
            except DoorError as error:
                if error.code not in _OTHERS_MIGHT:
                    raise
                why = error
        raise why

    async def resume(self, old_token: str, visitor: Visitor) -> Admission:
        """As `Sessions.resume`, wherever the session is.

        Raises:
            DoorError: as `Sessions.resume`.
        """
        home = await self._home(old_token)
        if home is None:
            return await self._sessions.resume(old_token, visitor)
        try:
            return await self._peers.resume(home, Resuming(token=old_token, visitor=visitor))
        except PeerError as error:
            # It may be lost; whoever takes the session over can be asked in a moment.
            logger.warning("member {} does not answer: {}", home.id, error)
            raise errors.bot_unavailable() from None

    async def leave(self, token: str) -> None:
        """As `Sessions.leave`, wherever the session is."""
        home = await self._home(token)
        if home is None:
            await self._sessions.leave(token)
            return
        try:
            await self._peers.leave(home, Leaving(token=token))
        except PeerError as error:
            logger.warning("member {} does not answer: {}", home.id, error)

    async def hand_over(self) -> None:
        """As `Sessions.hand_over`."""
        await self._sessions.hand_over()

    async def _home(self, token: str) -> Member | None:
        """Return the other member that has a token's session; None: this one, or nobody."""
        identity = identity_of(self._keys, token)
        if identity is None:
            return None
        try:
            home = await self._membership.home_of(identity)
        except RosterError as error:
            logger.warning("a session cannot be looked up in the cluster: {}", error)
            return None
        return home
