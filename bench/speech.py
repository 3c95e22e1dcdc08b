"""The caller's utterances: human recordings, cut to exactly what is voiced.

Where speech ends decides every latency, so the rule is simple and tested: a recording is judged in
windows of 10 ms, and speech lasts from the first to the last window whose level is within
`VOICED_RANGE_DB` of its loudest tenth. What lies before and after is cut away; the caller sends
digital silence there. Silero, a speech detector, hears the end 0-90 ms later than this mark.
"""

import re
import tomllib
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from local.heard import RATE_HZ, Samples

RECORDINGS = Path(__file__).resolve().parent.parent / "tests" / "recordings"

WINDOW_SAMPLES = RATE_HZ // 100
# Unvoiced endings ("...message", "...number") lie 20-30 dB below the vowels. On these recordings
# this is also -46 dBFS, the level that the delay server's ear takes for speech.
VOICED_RANGE_DB = 32.0
_LOUDEST_PERCENTILE = 90.0
_ONE_SENTENCE = re.compile(r"[^.,;:?!]+[.?]")
# One breath: long enough that a person would have said it to an assistant.
_LEAST_SECS = 1.2
_MOST_SECS = 6.0


@dataclass(frozen=True)
class Utterance:
    """Something the caller says.

    Attributes:
        name: The recording's file name without suffix.
        pcm: s16le mono 16 kHz; the first and the last 10 ms are voiced.
    """

    name: str
    pcm: bytes

    @property
    def secs(self) -> float:
        """How long it takes to say."""
        return len(self.pcm) / 2 / RATE_HZ


def levels_db(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the level of each whole window of 10 ms, in dB relative to full scale."""
    whole = len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES
    windows = samples[:whole].astype(np.float64).reshape(-1, WINDOW_SAMPLES) / 32768
    power: np.ndarray[tuple[int], np.dtype[np.float64]] = np.square(windows).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-10))


def voiced(samples: Samples) -> tuple[int, int]:
    """Return where speech starts and ends, in samples.

    Raises:
        ValueError: it is too short to judge.
    """
    levels = levels_db(samples)
    if not levels.size:
        raise ValueError("a recording needs at least 10 ms")
    loud = np.flatnonzero(levels >= np.percentile(levels, _LOUDEST_PERCENTILE) - VOICED_RANGE_DB)
    return int(loud[0]) * WINDOW_SAMPLES, (int(loud[-1]) + 1) * WINDOW_SAMPLES


def read(path: Path) -> Samples:
    """Return a recording as it is.

    Raises:
        ValueError: it is not s16le mono 16 kHz.
    """
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
            raise ValueError(f"{path.name} is not s16le mono 16 kHz")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)


def sentences(directory: Path = RECORDINGS) -> list[Utterance]:
    """Return the recordings of one whole sentence each, in name order.

    Chosen by rule, not by result: a sentence without a comma, 1.2 to 6 s long, with silence around
    it. A recording with a pause inside may be answered in the pause, and then it says nothing about
    latency; in one with noise up to its edges the noise would set the end mark.
    """
    chosen: list[Utterance] = []
    for path in sorted(directory.glob("*.toml")):
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        if _ONE_SENTENCE.fullmatch(about["text"]):
            samples = read(path.with_suffix(".wav"))
            start, end = voiced(samples)
            utterance = Utterance(path.stem, samples[start:end].tobytes())
            is_separable = start > 0 and len(samples) - end > WINDOW_SAMPLES
            if is_separable and _LEAST_SECS <= utterance.secs <= _MOST_SECS:
                chosen.append(utterance)
    return chosen
