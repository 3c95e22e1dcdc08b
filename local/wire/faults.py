"""Fault switches: what `PUT /faults` sets, and what the services ask before they act.

Body: `{"stt": FAULT | [FAULT, ...], "llm": ..., "tts": ...}` with FAULT =
`{"fault": <name>, <its fields>, "times": <n>}`. A list is worked off in order; without `times` a
fault stays until it is replaced or cleared. Services that are not named keep theirs.

| service | fault | fields (default) | `times` counts |
| --- | --- | --- | --- |
| stt | refuse | status (503) | handshakes |
| stt | close | code (1011), after_ms (0) | open sockets, and those opened meanwhile |
| stt | silent | | finals that are swallowed, with their interims |
| stt | slow | ms (1000) | finals that come late |
| stt | half_open | | sockets that are neither read nor written any more |
| llm | status | code (503), retry_after (none), type (none), e.g. "tool_use_failed" | requests |
| llm | stall_before | ms (3600000) | requests |
| llm | stall_mid | ms (3600000), after_tokens (3) | requests |
| llm | cut_mid | after_tokens (3) | requests |
| llm | garbage | after_tokens (3) | requests |
| llm | call | name, arguments ({}): it is called instead of answering | requests that offer it |
| tts | refuse | status (503) | handshakes or requests |
| tts | close | code (1008), after_ms (0) | open sockets, and those opened meanwhile |
| tts | silent | | sentences |
| tts | cut | after_ms (200): milliseconds of audio that still arrive | sentences |
| tts | wrong_rate | hz (8000) | sentences |
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

SERVICES = ("stt", "llm", "tts")

_HOUR_MS = 3_600_000

_FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "stt": {
        "refuse": {"status": 503},
        "close": {"code": 1011, "after_ms": 0},
        "silent": {},
        "slow": {"ms": 1000},
        "half_open": {},
    },
    "llm": {
        "status": {"code": 503, "retry_after": None, "type": None},
        "stall_before": {"ms": _HOUR_MS},
        "stall_mid": {"ms": _HOUR_MS, "after_tokens": 3},
        "cut_mid": {"after_tokens": 3},
        "garbage": {"after_tokens": 3},
        "call": {"name": "", "arguments": {}},
    },
    "tts": {
        "refuse": {"status": 503},
        "close": {"code": 1008, "after_ms": 0},
        "silent": {},
        "cut": {"after_ms": 200},
        "wrong_rate": {"hz": 8000},
    },
}

# Fields that are no numbers.
_KINDS: dict[str, tuple[type, ...]] = {
    "type": (str, type(None)),
    "name": (str,),
    "arguments": (dict,),
}


class BadFaultError(ValueError):
    """The body of `PUT /faults` is not understood; the message says what to write."""


@dataclass
class Fault:
    """One switch that is on.

    Attributes:
        kind: Name from the table above.
        fields: Its fields, defaults filled in.
        times: How often it still applies; None for always.
    """

    kind: str
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    times: int | None = None

    def number(self, name: str) -> float:
        """Return a numeric field."""
        return float(self.fields[name])

    def secs(self, name: str) -> float:
        """Return a field given in milliseconds, in seconds."""
        return self.number(name) / 1000

    def view(self) -> dict[str, Any]:
        """Return the fault as it is written."""
        times = {} if self.times is None else {"times": self.times}
        return {"fault": self.kind, **self.fields, **times}


class FaultBoard:
    """The faults in force, per service."""

    def __init__(self) -> None:
        self._faults: dict[str, list[Fault]] = {service: [] for service in SERVICES}
        self._changed = asyncio.Event()

    def peek(self, service: str, *kinds: str) -> Fault | None:
        """Return the service's present fault if it is of one of the kinds."""
        faults = self._faults[service]
        return faults[0] if faults and faults[0].kind in kinds else None

    def take(self, service: str, *kinds: str) -> Fault | None:
        """Like `peek`, and count one use."""
        fault = self.peek(service, *kinds)
        if fault and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults[service].pop(0)
                self._notify()
        return fault

    async def wait(self, service: str, *kinds: str) -> Fault:
        """Wait until a fault of one of the kinds is present, and take it."""
        while True:
            if fault := self.take(service, *kinds):
                return fault
            await self._changed.wait()

    def put(self, body: object) -> None:
        """Set the faults of the services the body names.

        Raises:
            BadFaultError: If the body is not as documented; then nothing is changed.
        """
        if not isinstance(body, dict):
            raise BadFaultError('expected {"stt": {"fault": ...}, "llm": ..., "tts": ...}')
        parsed: dict[str, list[Fault]] = {}
        for service, value in cast(dict[str, object], body).items():
            if service not in SERVICES:
                raise BadFaultError(f"no service {service!r}; there are {', '.join(SERVICES)}")
            entries = cast(list[object], value) if isinstance(value, list) else [value]
            parsed[service] = [_parse(service, entry) for entry in entries]
        self._faults.update(parsed)
        self._notify()

    def clear(self) -> None:
        """Turn all faults off."""
        self._faults = {service: [] for service in SERVICES}
        self._notify()

    def view(self) -> dict[str, Any]:
        """Return the faults in force."""
        return {name: [fault.view() for fault in faults] for name, faults in self._faults.items()}

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _parse(service: str, entry: object) -> Fault:
    if not isinstance(entry, dict):
        raise BadFaultError(f'{service}: expected {{"fault": name, ...}}')
    given = dict(cast(dict[str, Any], entry))
    kind = given.pop("fault", None)
    known = _FIELDS[service]
    if kind not in known:
        raise BadFaultError(f"{service}: no fault {kind!r}; there are {', '.join(known)}")
    times = given.pop("times", None)
    if times is not None and (not isinstance(times, int) or times < 1):
        raise BadFaultError(f"{service}.{kind}: times is a number from 1")
    defaults = known[kind]
    for name, value in given.items():
        if name not in defaults:
            raise BadFaultError(f"{service}.{kind}: no field {name!r}")
        wanted = _KINDS.get(name, (int, float))
        if isinstance(value, bool) or not isinstance(value, wanted):
            what = " or ".join(one.__name__ for one in wanted)
            raise BadFaultError(f"{service}.{kind}.{name} is {what}")
    return Fault(kind, {**defaults, **given}, times)
