import io

import numpy as np
import pytest
import soundfile
import soxr

from bench.opus import OPUS_RATE_HZ, PACKET_SECS, encode, ogg, packets_of, silence
from bench.speech import RECORDINGS, Utterance, read, sentences, voiced
from local.heard import RATE_HZ, Samples

UTTERANCES = sentences()


def _decoded(file: bytes) -> Samples:
    """Return what a decoder makes of an Ogg Opus file, at the caller's rate."""
    wide, rate_hz = soundfile.read(io.BytesIO(file), dtype="int16")
    return np.asarray(soxr.resample(wide, rate_hz, RATE_HZ), dtype=np.int16)


@pytest.mark.parametrize("utterance", UTTERANCES, ids=lambda one: one.name)
def test_encoded_speech_ends_where_the_recording_does(utterance: Utterance) -> None:
    """By the same energy mark, a decoded recording starts and ends within 20 ms of the original."""
    samples = read(RECORDINGS / f"{utterance.name}.wav")
    expected, found = voiced(samples), voiced(_decoded(ogg(samples)))
    for before, after in zip(expected, found, strict=True):
        assert abs(after - before) / RATE_HZ <= 0.02


def test_the_packets_last_as_long_as_the_recording_and_its_tail() -> None:
    """Each packet is 20 ms, and the end of speech lies before the last of them."""
    utterance = UTTERANCES[0]
    found = encode(utterance.pcm)
    assert found.secs == utterance.secs
    assert found.secs + 0.2 <= len(found.packets) * PACKET_SECS <= found.secs + 0.3


def test_silence_is_silence() -> None:
    """What is sent between utterances has at least half a second of packets, all of them small."""
    packets = silence().packets
    assert len(packets) * PACKET_SECS >= 0.5
    assert max(map(len, packets)) < min(map(len, encode(UTTERANCES[0].pcm).packets[:20]))


def test_packets_longer_than_a_segment_stay_whole() -> None:
    """A packet of 255 bytes or more is put together from the segments of its page."""
    page = b"OggS" + bytes(22) + bytes([3, 255, 45, 10]) + bytes(300) + b"x" * 10
    assert list(packets_of(page)) == [bytes(300), b"x" * 10]


def test_what_is_no_ogg_file_is_refused() -> None:
    """Garbage is not taken for packets."""
    with pytest.raises(ValueError, match="no Ogg page"):
        list(packets_of(b"RIFF and so on"))


def test_the_rate_is_one_that_opus_has() -> None:
    """Opus runs at 48 kHz inside WebRTC, whatever it was recorded at."""
    assert (
        soundfile.info(io.BytesIO(ogg(np.zeros(RATE_HZ, dtype=np.int16)))).samplerate
        == OPUS_RATE_HZ
    )
