"""A link between this network namespace and another one, carried by this process.

Two TUN devices, one on each side, and every IP packet passes through here: it may be lost, delayed,
or not come through at all. Needs root, and Linux. Nothing leaves the machine: the other namespace
knows nobody but this side, by an address of the block kept for such tests (RFC 2544).
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import random
import struct
import subprocess
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NEAR: Final = "198.18.0.1"
FAR: Final = "198.18.0.2"
_MTU: Final = 1500
# From linux/if_tun.h and linux/sched.h.
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN: Final = 0x0001
_IFF_NO_PI: Final = 0x1000
_CLONE_NEWNET: Final = 0x40000000


@dataclass
class Conditions:
    """What happens to packets now, in both directions.

    Attributes:
        loss: Share of the packets that are lost, 0 to 1.
        delay_secs: How much later each arrives.
        is_cut: Nothing comes through.
    """

    loss: float = 0.0
    delay_secs: float = 0.0
    is_cut: bool = False


class Link:
    """The link; `Link.up()` makes it.

    Attributes:
        conditions: To be changed at will.
        lost: Packets that did not arrive.
        up_bytes: IP packets carried from the far side to this one.
        down_bytes: The other way.
    """

    def __init__(self, name: str, near: int, far: int, seed: int) -> None:
        """Carry packets between two devices' descriptors."""
        self._name = name
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self.conditions = Conditions()
        self.lost = 0
        self.up_bytes = 0
        self.down_bytes = 0
        self._far = far
        loop = asyncio.get_running_loop()
        for source, sink in ((near, far), (far, near)):
            loop.add_reader(source, self._carry, source, sink)

    @classmethod
    @asynccontextmanager
    async def up(cls, seed: int = 1) -> AsyncGenerator[Link, None]:
        """Make the other namespace and the link to it; take both away with the block."""
        name = f"far{os.getpid()}"
        _run("ip", "netns", "add", name)
        descriptors: list[int] = []
        try:
            near, far = _open_device(f"n{name}"), _inside(name, f"f{name}")
            descriptors += [near, far]
            _configure(f"n{name}", NEAR, FAR)
            inside = ("ip", "netns", "exec", name)
            _run(*inside, "ip", "link", "set", "lo", "up")
            _configure(f"f{name}", FAR, NEAR, *inside)
            yield cls(name, near, far, seed)
        finally:
            for descriptor in descriptors:
                asyncio.get_running_loop().remove_reader(descriptor)
                os.close(descriptor)
            _run("ip", "netns", "del", name)

    def on_the_far_side(self, *command: str) -> list[str]:
        """Return a command that runs another one in the other namespace."""
        return ["ip", "netns", "exec", self._name, *command]

    def _carry(self, source: int, sink: int) -> None:
        try:
            packet = os.read(source, _MTU)
        except BlockingIOError:
            return
        if source == self._far:
            self.up_bytes += len(packet)
        else:
            self.down_bytes += len(packet)
        now = self.conditions
        if now.is_cut or self._dice.random() < now.loss:
            self.lost += 1
        elif now.delay_secs:
            asyncio.get_running_loop().call_later(now.delay_secs, _deliver, sink, packet)
        else:
            _deliver(sink, packet)


def _deliver(sink: int, packet: bytes) -> None:
    try:
        os.write(sink, packet)
    except OSError:
        # A device that is full or gone loses packets, as a network does.
        return


def _open_device(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(descriptor, _TUNSETIFF, request.ljust(40, b"\0"))
    return descriptor


def _inside(namespace: str, device: str) -> int:
    """Open a device in another namespace: by a thread that goes there, and ends there."""
    opened: list[int] = []

    def work() -> None:
        with Path(f"/run/netns/{namespace}").open("rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET) == 0:
                opened.append(_open_device(device))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if not opened:
        raise PermissionError("another network namespace cannot be entered: be root")
    return opened[0]


def _configure(device: str, own: str, peer: str, *inside: str) -> None:
    _run(*inside, "ip", "addr", "add", own, "peer", peer, "dev", device)
    _run(*inside, "ip", "link", "set", device, "up")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
