"""The callers: each holds one call after the other, drawn by lot, and writes what became of it.

`python -m tests.e2e.churn_hour.calls` is a process of its own, so that what LiveKit's client leaves
behind is not counted as the application's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from typing import Final

import aiohttp
from livekit import rtc
from livekit.rtc.participant import PublishDataError

from local.caller import Caller, ConnectError, Invitation, connect
from tests.e2e.notices import codes_of, end_reason, is_notice, note
from tests.replay.recording import load_recording

# Slower than this is no answer.
ANSWER_SECS: Final = 15.0
_QUESTIONS: Final = tuple(
    load_recording(name).pcm
    for name in (
        "which-folder-should-i-save-the-message-to",
        "i-do-not-know-who-sent-this-message",
        "change-to-which-folder",
    )
)
_BUSY_SECS: Final = 1.0
# A call that takes longer than this hangs, whoever is to blame.
_CALL_SECS: Final = 90.0
# The widget's own limit (`JOIN_MS` in widget/src/call.ts).
_JOIN_SECS: Final = 15.0


class LostError(Exception):
    """A question was neither answered nor was its caller told why not."""


@dataclass
class Call:
    """What became of one call.

    Attributes:
        kind: What the caller set out to do.
        outcome: `answered`, `told` (an error, a notice, the end), `refused` or `lost`.
        session_id: Empty when refused.
        began_secs: Since the epoch.
        took_secs: From `/connect` to the end.
        codes: Refusals, errors, incidents and ends, in order.
        detail: What was being waited for, of a lost call.
    """

    kind: str
    outcome: str = "answered"
    session_id: str = ""
    began_secs: float = field(default_factory=time.time)
    took_secs: float = 0.0
    codes: list[str] = field(default_factory=list[str])
    detail: str = ""


class Visit:
    """One person in one call."""

    def __init__(self, caller: Caller, dice: random.Random) -> None:
        """Watch for everything that would tell a person of trouble."""
        self.caller = caller
        self.dice = dice
        room: rtc.Room = caller._room
        room.on("reconnecting", lambda: note(caller, "reconnecting"))
        room.on("disconnected", lambda _: note(caller, "disconnected"))
        room.on("participant_disconnected", lambda _: note(caller, "bot-left"))

    def is_told(self, since: float) -> bool:
        """Whether something has said since then that all is not well."""
        return any(one["_at_secs"] >= since and is_notice(one) for one in self.caller.messages)

    async def meet(self, *, is_back: bool) -> None:
        """Meet the bot, as a page does; who comes back is not greeted again."""
        since = time.monotonic()
        await self.wait_for("the bot in the room", lambda: self.caller.bot_present, since)
        await self.caller.say_ready()
        await self.wait_for("bot-ready", lambda: bool(self.caller.of_type("bot-ready")), since)
        if not is_back:
            await self.wait_for("the greeting", lambda: self._heard(since), since)

    async def _with_a_bot(self) -> None:
        """Wait until there is another bot where one was lost, and it has said so."""
        left = max((one["_at_secs"] for one in self.caller.of_type("bot-left")), default=None)
        if left is None or self.is_over:
            return

        def is_back() -> bool:
            return any(one["_at_secs"] > left for one in self.caller.of_type("bot-ready"))

        await self.wait_for("another bot", is_back, time.monotonic())
        await self.wait_for("its word", lambda: self._heard(left), time.monotonic())
        with suppress(TimeoutError):
            await self.caller.quiet(0.6, 12)

    async def ask(self) -> bool:
        """Speak a question and wait for the answer; return whether it was one, and no notice."""
        await self._with_a_bot()
        began = time.monotonic()
        await self.caller.say(self.dice.choice(_QUESTIONS))
        return await self.answered("an answer", began, time.monotonic())

    async def type(self) -> bool:
        """Type a question and wait for the answer."""
        await self._with_a_bot()
        began = time.monotonic()
        await self.caller.send("send-text", {"content": "What is a lot?"})
        return await self.answered("an answer to a line", began, began)

    async def answered(self, what: str, began: float, ended: float) -> bool:
        """Wait for the bot's voice after `ended`, or a notice after `began`."""
        await self.wait_for(what, lambda: self._heard(ended), began)
        return self._heard(ended)

    async def wait_for(self, what: str, condition: Callable[[], bool], since: float) -> None:
        """Wait until it holds or the person is told.

        Raises:
            LostError: neither happened.
        """
        try:
            await self.caller.until(lambda: condition() or self.is_told(since), ANSWER_SECS)
        except TimeoutError:
            raise LostError(what) from None

    def _heard(self, since: float) -> bool:
        return self.caller.heard.first_speech_after(since) is not None

    @property
    def is_over(self) -> bool:
        """Whether the call has ended."""
        return self.caller.disconnected.is_set() or any(
            end_reason(one) for one in self.caller.messages
        )


async def _talk(visit: Visit) -> None:
    """Two spoken questions."""
    for _ in range(2):
        if not visit.is_over:
            await visit.ask()
            with suppress(TimeoutError):
                await visit.caller.quiet(0.6, 12)


async def _type(visit: Visit) -> None:
    """Two typed lines."""
    for _ in range(2):
        if not visit.is_over:
            await visit.type()


async def _interrupt(visit: Visit) -> None:
    """A question, and another one into its answer."""
    if await visit.ask() and not visit.is_over:
        await visit.ask()


async def _hang_up(visit: Visit) -> None:
    """A question, and gone before the end of its answer."""
    await visit.ask()


async def _vanish(visit: Visit) -> None:
    """A question, and the connection is cut without a word."""
    await visit.ask()


async def _listen(visit: Visit) -> None:
    """Hear the greeting and say nothing."""
    await asyncio.sleep(visit.dice.uniform(0.5, 3))


Story = Callable[[Visit], Awaitable[None]]
# Of twenty calls. What is not here is in `Churn._hold`: `reload` comes back after leaving.
_STORIES: Final[dict[str, tuple[Story, int]]] = {
    "talk": (_talk, 7),
    "type": (_type, 3),
    "interrupt": (_interrupt, 3),
    "hang-up": (_hang_up, 2),
    "vanish": (_vanish, 2),
    "reload": (_talk, 2),
    "listen": (_listen, 1),
}


class Callers:
    """Some people who call again and again until it is over."""

    def __init__(self, server: str, until_secs: float, seed: int) -> None:
        """Prepare.

        Args:
            server: Base URL.
            until_secs: When the last call may begin, monotonic.
            seed: Of the lot that decides who does what.
        """
        self._server = server
        self._until_secs = until_secs
        self._seed = seed

    async def run(self, callers: int) -> None:
        """Let so many people call, each one call after the other."""
        async with asyncio.TaskGroup() as group:
            for number in range(callers):
                dice = random.Random(self._seed * 1000 + number)  # noqa: S311 - no secret
                group.create_task(self._person(dice))

    async def _person(self, dice: random.Random) -> None:
        kinds = list(_STORIES)
        weights = [weight for _, weight in _STORIES.values()]
        await asyncio.sleep(dice.uniform(0, 3))
        while time.monotonic() < self._until_secs:
            call = Call(dice.choices(kinds, weights)[0])
            began = time.monotonic()
            try:
                async with asyncio.timeout(_CALL_SECS):
                    await self._hold(call, dice)
            except ConnectError as error:
                call.outcome, call.codes = "refused", [error.code]
            except LostError as error:
                call.outcome, call.detail = "lost", str(error)
            except TimeoutError:
                call.outcome, call.detail = "lost", "the end of the call"
            except (aiohttp.ClientError, rtc.ConnectError, PublishDataError) as error:
                # A page shows this: the server or the room cannot be reached, or has closed.
                call.outcome, call.codes = "told", [type(error).__name__]
            call.took_secs = round(time.monotonic() - began, 2)
            sys.stdout.write(json.dumps(asdict(call)) + "\n")
            sys.stdout.flush()
            if call.outcome == "refused":
                await asyncio.sleep(_BUSY_SECS)

    async def _hold(self, call: Call, dice: random.Random) -> None:
        invitation = await connect(self._server)
        call.session_id = invitation.session_id
        stays = call.kind in ("vanish", "reload")
        await self._visit(call, dice, invitation, leaves=not stays)
        if call.kind == "reload" and call.outcome == "answered":
            again = await connect(self._server, {"resume": invitation.token})
            await self._visit(call, dice, again, is_back=True)

    async def _visit(
        self,
        call: Call,
        dice: random.Random,
        invitation: Invitation,
        *,
        leaves: bool = True,
        is_back: bool = False,
    ) -> None:
        story, _ = _STORIES[call.kind]
        microphone = call.kind != "type"
        async with AsyncExitStack() as stack:
            caller = Caller(invitation, microphone=microphone)
            stack.push_async_exit(caller)
            try:
                async with asyncio.timeout(_JOIN_SECS):
                    await caller.__aenter__()
            except TimeoutError:
                # The page says so then, and offers to start again.
                call.outcome, call.codes = "told", ["join_failed"]
                return
            visit = Visit(caller, dice)
            try:
                await visit.meet(is_back=is_back)
                if not visit.is_over:
                    await story(visit)
            finally:
                call.codes += codes_of(caller)
                if visit.is_told(0.0):
                    call.outcome = "told"
            if leaves and not visit.is_over:
                with suppress(Exception):
                    await caller.send("disconnect-bot")
                    await caller.until(caller.disconnected.is_set, 5)


def main() -> None:
    """Call until the time is up; one JSON line a call."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("--secs", type=float, required=True)
    parser.add_argument("--callers", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    callers = Callers(args.server, time.monotonic() + args.secs, args.seed)
    asyncio.run(callers.run(args.callers))
    # LiveKit's native threads can abort a process whose interpreter ends under them.
    os._exit(0)


if __name__ == "__main__":
    main()
