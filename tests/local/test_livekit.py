"""The LiveKit server that this machine gets by itself: reached from here and nowhere else."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from livekit import api, rtc
from livekit.protocol.rtc import SignalResponse

from local.livekit import LiveKitError, LiveKitServer
from local.paths import find_livekit

pytestmark = pytest.mark.e2e
WITHIN_SECS = 20
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1, the same as IPv6, and ::1, as /proc/net spells them."""


@pytest.fixture
def binary() -> Path:
    """The server that `make test` builds or finds."""
    found = find_livekit(os.environ)  # noqa: TID251 - where set-up found it
    assert found is not None, "no LiveKit server: run `make test`, it sets one up"
    return found


def token(server: LiveKitServer, identity: str) -> str:
    grants = api.VideoGrants(room_join=True, room="room")
    access = api.AccessToken(server.api_key, server.api_secret).with_identity(identity)
    return access.with_grants(grants).to_jwt()


async def open_room(server: LiveKitServer) -> None:
    """Make the room, as the product's server does; a token alone opens none."""
    keys = {"api_key": server.api_key, "api_secret": server.api_secret}
    async with api.LiveKitAPI(server.url.replace("ws", "http", 1), **keys) as client:
        await client.room.create_room(api.CreateRoomRequest(name="room"))


def sockets_of(pid: int) -> Iterator[tuple[str, str]]:
    """Protocol and local address, in hexadecimal, of every socket that a process has open."""
    inodes = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir()}
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes:
                yield protocol, fields[1].split(":")[0]


async def hears(url: str, speaker_token: str, listener_token: str) -> bool:
    """Whether the track of one participant reaches another."""
    speaker, listener, heard = rtc.Room(), rtc.Room(), asyncio.Event()
    listener.on("track_subscribed", lambda *_: heard.set())
    await speaker.connect(url, speaker_token)
    await listener.connect(url, listener_token)
    source = rtc.AudioSource(16_000, 1)
    try:
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        await speaker.local_participant.publish_track(track, rtc.TrackPublishOptions())
        async with asyncio.timeout(WITHIN_SECS):
            await heard.wait()
        return True
    finally:
        await speaker.disconnect()
        await listener.disconnect()
        await source.aclose()


def test_livekit_carries_audio_and_has_no_socket_beyond_loopback(binary: Path) -> None:
    """Two clients hear each other, and every socket of the server is bound to 127.0.0.1."""

    async def story() -> set[tuple[str, str]]:
        async with LiveKitServer.start(binary) as server:
            await open_room(server)
            room = rtc.Room()
            await room.connect(server.url, token(server, "third"))
            assert await hears(server.url, token(server, "one"), token(server, "two"))
            sockets = set(sockets_of(server.child.process.pid))
            await room.disconnect()
            return sockets

    sockets = asyncio.run(story())
    assert {protocol[:3] for protocol, _ in sockets} == {"tcp", "udp"}
    assert {address for _, address in sockets} <= LOOPBACK


def test_livekit_sends_no_client_to_a_public_server(binary: Path) -> None:
    """The addresses that a client is given for its connection are all on this machine."""

    async def story() -> list[str]:
        async with LiveKitServer.start(binary) as server, aiohttp.ClientSession() as http:
            await open_room(server)
            query = {"access_token": token(server, "one"), "protocol": "16"}
            async with http.ws_connect(f"{server.url}/rtc", params=query) as signalling:
                answer = SignalResponse.FromString(await signalling.receive_bytes())
        return [url for entry in answer.join.ice_servers for url in entry.urls]

    urls = asyncio.run(story())
    assert urls
    assert all(url.split(":")[1] == "127.0.0.1" for url in urls)


def test_livekit_opens_no_room_for_a_token_alone(binary: Path) -> None:
    """A user's token does not bring back a room that the product's server has closed."""

    async def story() -> int:
        async with LiveKitServer.start(binary) as server, aiohttp.ClientSession() as http:
            query = {"access_token": token(server, "one")}
            url = f"{server.url.replace('ws', 'http', 1)}/rtc/validate"
            async with http.get(url, params=query) as answer:
                return answer.status

    assert asyncio.run(story()) == 404


def test_livekit_shows_its_secret_and_refused_tokens_nowhere(binary: Path, tmp_path: Path) -> None:
    """Neither arguments, nor environment, nor log has the secret or a token that was refused."""
    log = tmp_path / "livekit.log"

    async def story() -> tuple[str, str]:
        async with LiveKitServer.start(binary, log) as server, aiohttp.ClientSession() as http:
            refused = f"{token(server, 'one')}x"
            query = {"access_token": refused}
            async with http.get(f"{server.url.replace('ws', 'http')}/rtc", params=query) as answer:
                assert answer.status == 401
            process = Path(f"/proc/{server.child.process.pid}")
            seen = [process / "cmdline", process / "environ", log]
            text = "".join(path.read_text() for path in seen)
            assert "/dev/stdin" in text
            assert refused not in text
            return text, server.api_secret

    text, secret = asyncio.run(story())
    assert len(secret) >= 32
    assert secret not in text


def test_livekit_keeps_address_and_keys_when_it_is_restarted(binary: Path) -> None:
    """After a crash and a restart, a token made before is still good at the same address."""

    async def story() -> bool:
        async with LiveKitServer.start(binary) as server:
            tokens = token(server, "one"), token(server, "two")
            await server.stop(within_secs=0)
            await server.restart()
            await open_room(server)
            return await hears(server.url, *tokens)

    assert asyncio.run(story())


def test_livekit_ends_with_its_block_although_somebody_is_in_a_room(binary: Path) -> None:
    """The block takes the server with it in bounded time, room or no room."""

    async def story() -> tuple[int | None, float]:
        loop, room = asyncio.get_running_loop(), rtc.Room()
        async with LiveKitServer.start(binary) as server:
            await open_room(server)
            await room.connect(server.url, token(server, "one"))
            leaving = loop.time()
        took = loop.time() - leaving
        await room.disconnect()
        return server.child.process.returncode, took

    status, took_secs = asyncio.run(story())
    assert status is not None
    assert took_secs < 5


STARTER = """
import asyncio, sys
from pathlib import Path
from local.livekit import LiveKitServer

async def main():
    async with LiveKitServer.start(Path(sys.argv[1])) as server:
        print(server.child.process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_livekit_ends_when_its_starter_is_killed(binary: Path) -> None:
    """A starter that gets no chance to clean up leaves no server behind."""
    starter = subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-c", STARTER, str(binary)], stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        server = os.pidfd_open(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    assert ended_within(server, WITHIN_SECS)
    os.close(server)


def ended_within(pidfd: int, secs: float) -> bool:
    """Wait until a process, of whatever parent, is gone."""
    return bool(select.select([pidfd], [], [], secs)[0])


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


def test_livekit_start_fails_with_the_end_of_the_log(tmp_path: Path) -> None:
    """A server that ends at once is reported with its status and its own words."""
    broken = program(tmp_path / "broken", "import sys; sys.exit('no such setting: keys')")

    async def story() -> None:
        async with LiveKitServer.start(broken, tmp_path / "log"):
            pytest.fail("it cannot have started")

    with pytest.raises(LiveKitError, match=r"exit status 1\)\nno such setting: keys"):
        asyncio.run(story())


TAKEN_ONCE = """
import http.server, json, pathlib, sys
port = json.load(sys.stdin)["port"]
tried = pathlib.Path(sys.argv[0] + ".tried")
if not tried.exists():
    tried.write_text(str(port))
    sys.exit(f"listen tcp 127.0.0.1:{port}: bind: address already in use")
http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_livekit_takes_other_ports_when_one_was_taken_meanwhile(tmp_path: Path) -> None:
    """A port that somebody takes between the choice and the start is no failure."""
    server = program(tmp_path / "server", TAKEN_ONCE)

    async def story() -> str:
        async with LiveKitServer.start(server, tmp_path / "log") as running:
            return running.url

    url = asyncio.run(story())
    assert url.split(":")[-1] != (tmp_path / "server.tried").read_text()
