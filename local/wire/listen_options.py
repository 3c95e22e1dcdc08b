"""The query of `/v1/listen`: what this server reads of Deepgram's parameters.

Unknown parameters are ignored, as Deepgram ignores features that do not apply.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.wire.errors import bad_request

# Deepgram's default is 10 ms on a model that streams. This recogniser decodes whole utterances
# again, so a pause must last longer than the gaps inside words before it is worth a decode.
SHORTEST_ENDPOINTING_MS = 200
_SAMPLE_RATES_HZ = range(8_000, 48_001)
_MODEL = re.compile(r"(nova|enhanced|base|whisper)(-[\w-]+)?")
_LANGUAGE = re.compile(r"(multi|[a-z]{2}(-[A-Za-z0-9]+)*)")


@dataclass(frozen=True)
class ListenOptions:
    """Parsed options of one recognition.

    Attributes:
        endpointing_ms: Silence that ends an utterance; None when only Finalize ends one.
        utterance_end_ms: Gap after the last word that is reported as UtteranceEnd, or None.
    """

    model: str = "nova-3"
    language: str = "en"
    sample_rate_hz: int = 16_000
    interim_results: bool = False
    endpointing_ms: int | None = SHORTEST_ENDPOINTING_MS
    utterance_end_ms: int | None = None
    vad_events: bool = False
    punctuate: bool = True


def parse_stream(query: Mapping[str, str]) -> ListenOptions:
    """Read the query of a WebSocket handshake.

    Raises:
        DeepgramError: With status 400 when a parameter cannot be served.
    """
    encoding = query.get("encoding")
    if encoding != "linear16":
        raise bad_request(f"Unsupported encoding {encoding!r}: this server takes linear16.")
    rate = _integer(query, "sample_rate")
    if rate is None or rate not in _SAMPLE_RATES_HZ:
        raise bad_request("sample_rate must be between 8000 and 48000 for linear16.")
    if _integer(query, "channels") not in {None, 1}:
        raise bad_request("channels: this server takes one channel.")
    return _common(query, rate)


def parse_recorded(query: Mapping[str, str]) -> ListenOptions:
    """Read the query of a pre-recorded request; the audio brings its own rate.

    Raises:
        DeepgramError: With status 400 when a parameter cannot be served.
    """
    return _common(query, 16_000)


def _common(query: Mapping[str, str], rate: int) -> ListenOptions:
    model = query.get("model", "nova-3")
    language = query.get("language", "en")
    if not _MODEL.fullmatch(model) or not _LANGUAGE.fullmatch(language):
        raise bad_request("No such model/language/tier combination found.")
    utterance_end_ms = _integer(query, "utterance_end_ms")
    if utterance_end_ms is not None and utterance_end_ms < 1000:
        raise bad_request("utterance_end_ms must be at least 1000.")
    return ListenOptions(
        model=model,
        language="en" if language == "multi" else language[:2],
        sample_rate_hz=rate,
        interim_results=_flag(query, "interim_results"),
        endpointing_ms=_endpointing(query.get("endpointing")),
        utterance_end_ms=utterance_end_ms,
        vad_events=_flag(query, "vad_events"),
        punctuate=_flag(query, "punctuate") or _flag(query, "smart_format"),
    )


def _endpointing(value: str | None) -> int | None:
    if value is None or value.lower() == "true":
        return SHORTEST_ENDPOINTING_MS
    if value.lower() == "false":
        return None
    if not value.isdigit():
        raise bad_request("endpointing must be a number of milliseconds or false.")
    return max(int(value), SHORTEST_ENDPOINTING_MS)


def _integer(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        raise bad_request(f"failed to deserialize query params: {name} is no number.") from None


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise bad_request(f"failed to deserialize query params: {name} is neither true nor false.")
    return value == "true"
