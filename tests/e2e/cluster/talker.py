"""A person in a conversation that ought to survive: what they noticed, and whether it remembers."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, Self

from livekit import rtc
from livekit.rtc.participant import PublishDataError

from bot.phrases import LOST_YOU
from local.caller import Caller, ConnectError, Invitation, connect
from local.engines.delays import RECALL

# Past this nobody waits any more.
BACK_SECS: Final = 30.0
AGAIN_SECS: Final = 75.0
# As widget/src/pulse.ts and widget/src/comeback.ts.
LOOK_SECS: Final = 0.4
STILL_SECS: Final = 1.7
LOOKS_SECS: Final = 1.0
HEALS_SECS: Final = 3.0
COME_AGAIN_SECS: Final = 1.5
COME_BACK_SECS: Final = 15.0
# The answer is said in a second.
AGAIN_EVERY_SECS: Final = 2.0


class Talker:
    """One person, who types and reads. Use as an async context manager.

    Attributes:
        first: What they said first, like nobody else.
    """

    def __init__(self, url: str, first: str) -> None:
        """Describe the person; entering the context calls."""
        self.first = first
        self._url = url
        self._stack = AsyncExitStack()
        self._ending: list[asyncio.Task[None]] = []
        self.noticed_secs: float | None = None

    async def __aenter__(self) -> Self:
        """Call, be greeted, and say the first thing."""
        self.caller = await self._joins(await connect(self._url, origin=self._url))
        await self.caller.ready(20)
        await self.caller.wait_for("bot-stopped-speaking")
        await self.asks(self.first)
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Leave."""
        self._watching.cancel()
        await asyncio.gather(self._watching, *self._ending, return_exceptions=True)
        await self._stack.aclose()

    async def _joins(self, invitation: Invitation, instead_of: Caller | None = None) -> Caller:
        # Twelve people who speak and listen would leave the bots no processor.
        caller = Caller(invitation, microphone=False, speaker=False)
        if instead_of is not None:
            caller.messages, caller._news = instead_of.messages, instead_of._news
        caller._room.on("participant_disconnected", self._on_gone)
        caller._room.on("reconnecting", self._notice)
        return await self._stack.enter_async_context(caller)

    def _on_gone(self, _participant: rtc.RemoteParticipant) -> None:
        self._notice()

    def _notice(self) -> None:
        if self.noticed_secs is None:
            self.noticed_secs = time.monotonic()

    async def _watch(self) -> None:
        """Do as the widget does: notice that nothing comes, and ask the door for the call again."""
        packets, moved_secs = -1, time.monotonic()
        lost_secs: float | None = None
        looked = False
        while True:
            await asyncio.sleep(LOOK_SECS)
            now, seen = time.monotonic(), await self._packets()
            if seen is None or seen != packets:
                packets, moved_secs = seen or -1, now
            is_connected = self.caller._room.connection_state == rtc.ConnectionState.CONN_CONNECTED
            if is_connected and now - moved_secs < STILL_SECS:
                lost_secs = None
                looked = False
                continue
            self._notice()
            lost_secs = lost_secs or now
            lost_for_secs = now - lost_secs
            if lost_for_secs < (HEALS_SECS if looked else LOOKS_SECS):
                continue
            found: Invitation | None = None
            if lost_for_secs < HEALS_SECS:
                looked, found = True, await self._is_elsewhere()
                if found is None:
                    continue
            if await self._comes_back(found):
                lost_secs, looked, moved_secs = None, False, time.monotonic()
            else:
                await asyncio.sleep(COME_AGAIN_SECS)

    async def _packets(self) -> int | None:
        """Return how many came from the bot; None: there is no bot."""
        for bot in self.caller._room.remote_participants.values():
            for publication in bot.track_publications.values():
                if publication.track is None:
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECS):
                        stats = await publication.track.get_stats()
                    return sum(one.inbound_rtp.received.packets_received for one in stats)
        return None

    async def _comes_back(self, found: Invitation | None) -> bool:
        """Join once more with a fresh invitation, and be there once the bot has answered."""
        # As the widget does; a client that goes on knocking would only keep the processor busy.
        self._ending.append(asyncio.create_task(self.caller._room.disconnect()))
        with suppress(ConnectError, TimeoutError, rtc.ConnectError):
            async with asyncio.timeout(COME_BACK_SECS):
                invitation = found or await self._finds()
                caller = await self._joins(invitation, instead_of=self.caller)
                await caller.present()
                await caller._meet_again()
            self.caller = caller
            caller._news.set()
            return True
        return False

    async def _is_elsewhere(self) -> Invitation | None:
        """Return the way to where the call is, if that is another room."""
        with suppress(ConnectError, TimeoutError):
            async with asyncio.timeout(COME_BACK_SECS):
                found = await self._finds()
            return None if found.room == self.caller.invitation.room else found
        return None

    async def _finds(self) -> Invitation:
        """Ask the door where the call is."""
        body = {"resume": self.caller.invitation.token}
        return await connect(self._url, body, origin=self._url)

    async def asks(self, question: str, within_secs: float = 15) -> str:
        """Type a question and return the answer."""
        began = len(self.caller.messages)

        def stopped() -> bool:
            later = self.caller.messages[began:]
            return any(one["type"] == "bot-stopped-speaking" for one in later) and bool(
                _words(later)
            )

        async with asyncio.timeout(within_secs):
            await self.caller.send("send-text", {"content": question})
            await self.caller.until(stopped, within_secs)
        return _words(self.caller.messages[began:])

    async def is_remembered(self) -> bool:
        """Whether the bot still knows what was said first."""
        return self.first in await self.asks(RECALL)

    async def answered_again(self, since_secs: float) -> float | None:
        """Return how long after a moment the bot answers and remembers; None: the call is over.

        What is typed while nobody is there is lost, so it is asked again and again, and at once
        when the call is there again.
        """
        began = len(self.caller.messages)
        while time.monotonic() - since_secs < AGAIN_SECS:
            asked = self.caller
            self._ending.append(asyncio.create_task(self._types(asked, RECALL)))
            with suppress(TimeoutError):
                await asked.until(
                    lambda asked=asked: (
                        self.caller is not asked or self._heard(self.first, began) is not None
                    ),
                    AGAIN_EVERY_SECS,
                )
            if (message := self._heard(self.first, began)) is not None:
                return float(message["_at_secs"]) - since_secs
        return None

    async def _types(self, caller: Caller, text: str) -> None:
        """Send a line; what cannot be sent in time is lost."""
        sending = asyncio.create_task(caller.send("send-text", {"content": text}))
        # Not `asyncio.timeout`: the SDK gives up after as long, and its error and the time-out in
        # the same moment leave this task cancelled (CPython 3.11).
        _, late = await asyncio.wait({sending}, timeout=AGAIN_EVERY_SECS)
        for one in late:
            one.cancel()
        with suppress(PublishDataError, asyncio.CancelledError):
            await sending

    def _heard(self, text: str, began: int) -> dict[str, Any] | None:
        """Return the message that completes a text, of those since `began`."""
        return _said(self.caller.messages[began:], text)

    async def _hears(self, text: str, began: int, within_secs: float) -> dict[str, Any]:
        """As `_heard`, waiting for it.

        Raises:
            TimeoutError: it was not said in time.
        """
        await self.caller.until(lambda: self._heard(text, began) is not None, within_secs)
        message = self._heard(text, began)
        assert message
        return message

    async def back(self, since_secs: float) -> float:
        """Return how long after a moment another bot has said that it is back.

        Raises:
            TimeoutError: none has, within BACK_SECS.
        """
        began = len(self.caller.messages)
        message = await self._hears(LOST_YOU, began, BACK_SECS)
        await self.caller.until(
            lambda: any(
                one["type"] == "bot-stopped-speaking"
                for one in self.caller.messages[self.caller.messages.index(message) :]
            ),
            BACK_SECS,
        )
        return float(message["_at_secs"]) - since_secs


def _said(messages: list[dict[str, Any]], text: str) -> dict[str, Any] | None:
    spoken = ""
    for message in messages:
        if message["type"] == "bot-transcription":
            spoken = f"{spoken} {message['data']['text']}".strip()
            if text in spoken:
                return message
    return None


def _words(messages: list[dict[str, Any]]) -> str:
    return " ".join(one["data"]["text"] for one in messages if one["type"] == "bot-transcription")
