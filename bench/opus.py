"""Recordings as Opus packets, made once, so that a caller need not encode while it talks.

libsndfile (with its own libopus) writes Ogg Opus; the packets are taken out of the Ogg pages.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]
import soxr  # pyright: ignore[reportMissingTypeStubs]

from local.heard import RATE_HZ, Samples

OPUS_RATE_HZ: Final = 48_000
PACKET_SECS: Final = 0.02
# After the last sample: what the encoder still holds of it, then silence to let the decoder settle.
_TAIL_SECS: Final = 0.2
_SILENCE_SECS: Final = 1.0
# Until a few packets have gone by, an encoder spends bytes on silence.
_SETTLE_PACKETS: Final = 10
# libsndfile's scale from 256 to 6 kbit/s: about 31 kbit/s, near what browsers use for speech.
_COMPRESSION_LEVEL: Final = 0.9
# RFC 7845: the pages of identification and comment come first.
_HEADER_PACKETS: Final = 2
# RFC 3533, section 6: the page header up to its table of segments.
_PAGE_HEADER_BYTES: Final = 27
_WHOLE_SEGMENT: Final = 255


@dataclass(frozen=True)
class Recording:
    """Something to say.

    Attributes:
        packets: Opus, 20 ms each.
        secs: Where speech ends, from the start of the first packet.
    """

    packets: list[bytes]
    secs: float


def encode(pcm: bytes) -> Recording:
    """Return s16le mono 16 kHz as Opus packets, with a tail of silence."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int16)
    tail = np.zeros(round(_TAIL_SECS * RATE_HZ), dtype=np.int16)
    return Recording(_packets(np.concatenate([samples, tail])), len(samples) / RATE_HZ)


def silence() -> Recording:
    """Return packets of digital silence, to be sent over and over."""
    quiet = np.zeros(round(_SILENCE_SECS * RATE_HZ), dtype=np.int16)
    return Recording(_packets(quiet)[_SETTLE_PACKETS:], 0.0)


def ogg(samples: Samples) -> bytes:
    """Return s16 mono 16 kHz as an Ogg Opus file."""
    wide = np.asarray(soxr.resample(samples, RATE_HZ, OPUS_RATE_HZ), dtype=np.int16)
    file = io.BytesIO()
    soundfile.write(
        file,
        wide,
        OPUS_RATE_HZ,
        format="OGG",
        subtype="OPUS",
        compression_level=_COMPRESSION_LEVEL,
    )
    return file.getvalue()


def packets_of(file: bytes) -> Iterator[bytes]:
    """Yield the packets of an Ogg file with one stream, headers included.

    Raises:
        ValueError: it is no Ogg file.
    """
    at, packet = 0, b""
    while at < len(file):
        if file[at : at + 4] != b"OggS":
            raise ValueError("no Ogg page")
        count = file[at + _PAGE_HEADER_BYTES - 1]
        body = at + _PAGE_HEADER_BYTES + count
        for size in file[at + _PAGE_HEADER_BYTES : body]:
            packet += file[body : body + size]
            body += size
            if size < _WHOLE_SEGMENT:
                yield packet
                packet = b""
        at = body


def _packets(samples: Samples) -> list[bytes]:
    return list(packets_of(ogg(samples)))[_HEADER_PACKETS:]
