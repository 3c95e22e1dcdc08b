"""Hosts of their own on one switch: network namespaces on a bridge of this machine.

Needs root, and Linux. Nothing leaves the machine: the hosts know each other and this side, by
addresses of the block kept for such tests (RFC 2544), and have no route to anywhere else.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = "198.18.1.1"
_NETWORK: Final = "198.18.1"
_PREFIX_BITS: Final = 24


@dataclass(frozen=True)
class Host:
    """A network namespace with an address.

    Attributes:
        namespace: Its name.
        address: IPv4, reached by the others and from this side.
    """

    namespace: str
    address: str
    _cable: str

    def inside(self, *command: str | Path) -> list[str | Path]:
        """Return a command that runs another one there, under the same process id."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def unplug(self) -> None:
        """Pull its cable: nothing gets out or in, and nobody is told."""
        _run("ip", "link", "set", self._cable, "down")

    def plug(self) -> None:
        """Put it back."""
        _run("ip", "link", "set", self._cable, "up")


class Switch:
    """The bridge; `Switch.up()` makes it, and takes all of it away."""

    def __init__(self, name: str) -> None:
        """Name the bridge."""
        self._name = name
        self._hosts: list[Host] = []

    @classmethod
    @contextmanager
    def up(cls) -> Generator[Switch]:
        """Make the bridge, with this side on it as `HERE`."""
        switch = cls(f"sw{os.getpid()}")
        _run("ip", "link", "add", switch._name, "type", "bridge")
        try:
            _run("ip", "addr", "add", f"{HERE}/{_PREFIX_BITS}", "dev", switch._name)
            _run("ip", "link", "set", switch._name, "up")
            yield switch
        finally:
            for host in switch._hosts:
                _run("ip", "netns", "del", host.namespace)
            _run("ip", "link", "del", switch._name)

    def host(self) -> Host:
        """Add a host."""
        number = len(self._hosts) + 1
        namespace = f"{self._name}h{number}"
        cable = f"{self._name}c{number}"
        host = Host(namespace, f"{_NETWORK}.{number + 1}", cable)
        _run("ip", "netns", "add", namespace)
        self._hosts.append(host)
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _run("ip", "link", "set", cable, "master", self._name, "up")
        for command in (
            ("ip", "link", "set", "lo", "up"),
            ("ip", "addr", "add", f"{host.address}/{_PREFIX_BITS}", "dev", "eth0"),
            ("ip", "link", "set", "eth0", "up"),
        ):
            _run(*host.inside(*command))
        return host


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
