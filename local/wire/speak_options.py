"""The query of `/v1/speak`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.wire.errors import bad_request

# The rates Deepgram documents for linear16.
_RATES_HZ = (8_000, 16_000, 24_000, 32_000, 48_000)
_MODEL = re.compile(r"aura(-2)?-[a-z]+-[a-z]{2}")
_CONTAINERS = ("none", "wav")


@dataclass(frozen=True)
class SpeakOptions:
    """Parsed options of one synthesis; `model` is echoed, the voice is the local one."""

    model: str = "aura-asteria-en"
    sample_rate_hz: int = 24_000
    container: str = "none"


def parse(query: Mapping[str, str], *, default_container: str) -> SpeakOptions:
    """Read the query of a handshake or request.

    Raises:
        DeepgramError: With status 400 when a parameter cannot be served.
    """
    model = query.get("model", "aura-asteria-en")
    if not _MODEL.fullmatch(model):
        raise bad_request("No such model/version combination found.")
    encoding = query.get("encoding", "linear16")
    if encoding != "linear16":
        raise bad_request(f"Unsupported encoding {encoding!r}: this server gives linear16.")
    rate = query.get("sample_rate", "24000")
    if not rate.isdigit() or int(rate) not in _RATES_HZ:
        allowed = ", ".join(str(hz) for hz in _RATES_HZ)
        raise bad_request(f"Unsupported sample_rate for linear16: must be one of {allowed}.")
    container = query.get("container", default_container)
    if container not in _CONTAINERS:
        raise bad_request("container must be none or wav for linear16.")
    return SpeakOptions(model, int(rate), container)
