"""What `/v1/listen` still has to decode and to send."""

import asyncio
from dataclasses import dataclass

from local.engines.api import Transcript


@dataclass
class Decode:
    """A decode under way, and the position its words count from."""

    start: int
    task: "asyncio.Task[Transcript]"


@dataclass
class Final:
    """A final that is due: the stretch it covers (samples) and its decode."""

    start: int
    end: int
    decode: Decode | None
    speech_final: bool
    from_finalize: bool
    ready_at: float
    """Loop time before which it must not be sent (fixed delays)."""
    heard_at: float
    """Loop time at which its last speech arrived."""
