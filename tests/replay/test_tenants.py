"""Two strangers in one process: nothing of the one ever reaches the other."""

import asyncio
import json
from typing import Any

from bot.reasons import EndReason
from bot.session import Session, SessionInfo
from tests import clock
from tests.network import Network
from tests.replay.deepgram_peer import DeepgramPeer, DeepgramScript
from tests.replay.groq_peer import Answer, GroqPeer, GroqScript
from tests.replay.replay import DEEPGRAM, GROQ, INSTRUCTION, replay_settings
from tests.replay.timeline import Timeline
from tests.replay.transport import ReplayTransport

CANARIES = ("quetzal", "axolotl")


class Tenant:
    """A session and its visitor, who types."""

    def __init__(self, canary: str) -> None:
        self.canary = canary
        self.received: list[dict[str, Any]] = []
        self.heard = asyncio.Event()
        self.transport = ReplayTransport(Timeline())
        self.transport.on_message = self._receive
        self.session = Session(
            SessionInfo(canary, "user"), self.transport, replay_settings(), INSTRUCTION
        )

    def _receive(self, message: dict[str, Any]) -> None:
        self.received.append(message)
        if message["type"] == "bot-stopped-speaking":
            self.heard.set()

    async def say(self, kind: str, data: dict[str, Any]) -> None:
        """Send one message."""
        message = {"label": "rtvi-ai", "type": kind, "id": self.canary, "data": data}
        await self.transport.send(message)

    async def talk(self) -> None:
        """Be greeted, show a page, offer an action, and ask two questions."""
        await self.transport.join()
        await self.say("client-ready", {"version": "2.2.0", "about": {"library": "replay"}})
        await self._until_heard()
        await self.say("client-message", {"t": "page-context", "d": {"owner": self.canary}})
        action = {"name": f"open_{self.canary}", "description": self.canary}
        await self.say("client-message", {"t": "client-actions", "d": [action]})
        for number in range(2):
            options = {"run_immediately": True, "audio_response": True}
            content = f"Question {number} of the {self.canary}"
            await self.say("send-text", {"content": content, "options": options})
            await self._until_heard()

    async def _until_heard(self) -> None:
        await self.heard.wait()
        self.heard.clear()


def test_nothing_crosses_from_one_session_to_another() -> None:
    """Words, page, actions and answers stay in their session, while both talk at once and after."""
    network = Network()

    async def main() -> tuple[list[str], list[Tenant]]:
        brain = GroqScript(note=lambda *_: None, answers=[Answer("Yes.")])
        network.register(*GROQ, lambda: GroqPeer(brain))
        tenants = [Tenant(canary) for canary in CANARIES]
        stream = tenants[0].transport
        ear = DeepgramScript(note=lambda *_: None, stream_secs=lambda: stream.stream_secs)
        network.register(*DEEPGRAM, lambda: DeepgramPeer(ear))
        running = [asyncio.create_task(tenant.session.run()) for tenant in tenants]
        async with asyncio.timeout(60):
            await asyncio.gather(*(tenant.talk() for tenant in tenants))
        tenants[0].session.end(EndReason.SHUTDOWN)
        await running[0]
        # A third one comes into the process that the first has left.
        third = Tenant("third")
        tenants.append(third)
        running.append(asyncio.create_task(third.session.run()))
        async with asyncio.timeout(60):
            await third.talk()
        for tenant in tenants[1:]:
            tenant.session.end(EndReason.SHUTDOWN)
        await asyncio.gather(*running)
        network.close()
        return [json.dumps(request) for request in brain.requests], tenants

    requests, tenants = clock.run(main, network.connect)
    names = [tenant.canary for tenant in tenants]
    for name in names:
        own = [request for request in requests if name in request]
        # Its words, its page and its action were all there to be mixed up.
        assert any(f"open_{name}" in request and "owner" in request for request in own)
        others = [other for other in names if other != name]
        assert not [other for other in others for request in own if other in request]
    for tenant in tenants:
        told = json.dumps(tenant.received)
        assert [name for name in names if name != tenant.canary and name in told] == []
        assert "Yes." in told
