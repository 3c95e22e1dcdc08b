"""The faults that `make faults` tries: what breaks, and when in a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class When(Enum):
    """When in a call a fault begins."""

    BEFORE = "before the call"
    QUIET = "while nobody speaks"
    QUESTION = "in the question"
    ANSWER = "in the answer"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        group: Whose fault it is.
        name: As the table has it.
        when: When it begins.
        wire: Body of the wire server's `PUT /faults`.
        act: Something else that happens: a method of the stage.
        is_final: It ends the call; what has to work next is a new one.
        refuses: With what a new call is rightly refused afterwards.
        network: Whether `tests.e2e.network.trial` tries it.
        machine: Whether `tests.e2e.faults.machine` tries it.
    """

    group: str
    name: str
    when: When = When.QUIET
    wire: dict[str, Any] = field(default_factory=dict[str, Any])
    act: str | None = None
    is_final: bool = False
    refuses: str | None = None
    network: bool = False
    machine: bool = False


def _llm(name: str, **fault: Any) -> Fault:
    return Fault("model", name, When.QUIET, {"llm": fault})


def _status(code: int, **more: Any) -> dict[str, Any]:
    return {"fault": "status", "code": code, **more}


def _stt(name: str, when: When, *faults: dict[str, Any], is_final: bool = False) -> Fault:
    return Fault("ear", name, when, {"stt": list(faults)}, is_final=is_final)


def _tts(name: str, when: When, *faults: dict[str, Any], is_final: bool = False) -> Fault:
    return Fault("voice", name, when, {"tts": list(faults)}, is_final=is_final)


_LOST = {"fault": "close", "code": 1011, "times": 1}
_GONE = {"fault": "refuse", "status": 503}

# `tests.e2e.network.trial` knows what each is.
NETWORK_FAULTS = (
    "1 % loss",
    "5 % loss",
    "10 % loss",
    "300 ms later, there and back",
    "gap of 2 s",
    "gap of 20 s",
)

# And `tests.e2e.faults.machine` these.
MACHINE_FAULTS = (
    "the disk with the log is full",
    "no file descriptors are left",
)

FAULTS = (
    _llm("400, both models", **_status(400)),
    _llm("400, first model", **_status(400, times=1)),
    _llm("400 `tool_use_failed`, once", **_status(400, type="tool_use_failed", times=1)),
    _llm("401", **_status(401)),
    _llm("404, both models", **_status(404)),
    _llm("413", **_status(413)),
    _llm("429, Retry-After 60 s, both models", **_status(429, retry_after=60)),
    _llm("429, Retry-After 60 s, first model", **_status(429, retry_after=60, times=1)),
    _llm("498", **_status(498)),
    _llm("500", **_status(500)),
    _llm("503, both models", **_status(503)),
    _llm("503, first model", **_status(503, times=1)),
    _llm("stalls before its first word, both models", fault="stall_before"),
    _llm("stalls before its first word, first model", fault="stall_before", times=1),
    _llm("stalls in the answer", fault="stall_mid", after_tokens=9),
    _llm("cuts the answer off", fault="cut_mid", after_tokens=9),
    _llm("cuts off before the first word, first model", fault="cut_mid", after_tokens=0, times=1),
    _llm("garbage in the answer", fault="garbage", after_tokens=9),
    _llm("garbage instead of the answer, first model", fault="garbage", after_tokens=0, times=1),
    _stt("refuses the key", When.BEFORE, {"fault": "refuse", "status": 401}, is_final=True),
    _stt("refuses twice at first", When.BEFORE, {**_GONE, "times": 2}),
    _stt("too many connections (429)", When.BEFORE, {"fault": "refuse", "status": 429}),
    _stt("1011 in the question", When.QUESTION, _LOST),
    _stt("1011 while nobody speaks", When.QUIET, _LOST),
    _stt("1011, then away for a second", When.QUESTION, _LOST, {**_GONE, "times": 3}),
    _stt("1011, then away for good", When.QUESTION, _LOST, _GONE),
    _stt("open at one end only", When.QUESTION, {"fault": "half_open", "times": 1}),
    _stt("no words, once", When.QUIET, {"fault": "silent", "times": 1}),
    _stt("no words at all", When.QUIET, {"fault": "silent"}),
    _stt("finals 1 s late", When.QUIET, {"fault": "slow", "ms": 1000}),
    _stt("finals 4 s late", When.QUIET, {"fault": "slow", "ms": 4000}),
    _tts("refuses the key", When.BEFORE, {"fault": "refuse", "status": 401}, is_final=True),
    _tts("refuses twice at first", When.BEFORE, {**_GONE, "times": 2}),
    _tts("1008 while nobody speaks", When.QUIET, {**_LOST, "code": 1008}),
    _tts("1008 in the answer", When.ANSWER, {**_LOST, "code": 1008}),
    _tts("1011, then away for good", When.ANSWER, _LOST, _GONE),
    _tts("no audio, once", When.QUIET, {"fault": "silent", "times": 1}),
    _tts("no audio at all", When.QUIET, {"fault": "silent"}),
    _tts("cut in a sentence, once", When.QUIET, {"fault": "cut", "after_ms": 200, "times": 1}),
    _tts("cut in every sentence", When.QUIET, {"fault": "cut", "after_ms": 200}),
    _tts("another sample rate", When.QUIET, {"fault": "wrong_rate", "hz": 8000}),
    Fault("LiveKit", "down", When.BEFORE, act="livekit_down", is_final=True),
    Fault("LiveKit", "1.5 s late for the bot", When.BEFORE, act="livekit_late"),
    Fault("LiveKit", "killed and restarted", act="livekit_restart"),
    Fault("LiveKit", "room deleted", act="room_deleted", is_final=True),
    Fault("LiveKit", "duplicate identity", act="duplicate", is_final=True),
    Fault("process", "session process SIGKILL", act="kill_process"),
    Fault("process", "session process SIGSTOP (hangs)", act="stop_process"),
    Fault("process", "server told to stop", act="drain", is_final=True, refuses="draining"),
    *(Fault("network", name, network=True) for name in NETWORK_FAULTS),
    *(Fault("machine", name, machine=True) for name in MACHINE_FAULTS),
)
