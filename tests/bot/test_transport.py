"""Whose words reach the bot."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import cast

import pytest
from livekit import rtc

from bot import transport
from bot.transport import SessionTransport, SessionTransportClient

pytestmark = pytest.mark.anyio
USER = "user-1"


@pytest.fixture
def anyio_backend() -> str:
    """asyncio, as in the product."""
    return "asyncio"


def a_client(user_identity: str | None, taken: list[bytes]) -> SessionTransportClient:
    """A client that has not joined; notes what the pipeline would be given."""

    async def take(payload: bytes, _sender: str) -> None:
        taken.append(payload)

    client = SessionTransport(
        url="", token="", room="", user_identity=user_identity
    )._session_client
    client._callbacks.on_data_received = take
    return client


def packet(text: str, sender: str | None) -> rtc.DataPacket:
    """An RTVI message as the SDK hands it on: with its sender, where it knows of one."""
    payload = {"label": "rtvi-ai", "id": text, "type": "client-ready", "data": {}}
    participant = cast("rtc.RemoteParticipant", SimpleNamespace(identity=sender))
    return rtc.DataPacket(
        data=json.dumps(payload).encode(),
        kind=rtc.DataPacketKind.KIND_RELIABLE,
        participant=participant if sender else None,
    )


async def test_the_user_is_heard_before_livekit_tells_that_they_joined() -> None:
    """Who publishes nothing is announced every three seconds only; nobody else is heard."""
    taken: list[bytes] = []
    client = a_client(USER, taken)
    await client._async_on_data_received(packet("unannounced", None))
    await client._async_on_data_received(packet("named", USER))
    await client._async_on_data_received(packet("stranger", "user-2"))
    assert [json.loads(one)["id"] for one in taken] == ["unannounced", "named"]


async def test_where_nobody_is_expected_a_packet_waits_for_who_joins_first() -> None:
    """Until then it could be anybody's."""
    taken: list[bytes] = []
    client = a_client(None, taken)
    await client._async_on_data_received(packet("early", None))
    await client._async_on_data_received(packet("stranger", "user-2"))
    assert taken == []


async def test_a_lost_room_is_left_without_its_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit's client would first wait for an answer to its knock; the next bot does not."""
    monkeypatch.setattr(transport, "LEAVE_TIMEOUT_SECS", 0.01)
    client = a_client(USER, [])
    answered, left = asyncio.Event(), asyncio.Event()

    async def leave() -> None:
        await answered.wait()
        left.set()

    client._room = cast("rtc.Room", SimpleNamespace(disconnect=leave))
    client._connected = True
    client._on_reconnecting()
    await client.disconnect()
    assert not client._connected
    assert not left.is_set()
    answered.set()
    await left.wait()


async def test_a_user_who_leaves_unannounced_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit tells nobody of who came and went between two of its announcements."""
    monkeypatch.setattr(transport, "ANNOUNCED_WITHIN_SECS", 0.01)
    client = a_client(USER, [])
    gone: list[str] = []
    left = asyncio.Event()

    async def leave(user: str) -> None:
        gone.append(user)
        left.set()

    client._callbacks.on_participant_disconnected = leave
    await client._async_on_data_received(packet("unannounced", None))
    await left.wait()
    assert gone == [USER]
