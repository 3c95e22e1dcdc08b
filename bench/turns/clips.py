"""Human recordings for turn-taking: clips, where their speech ends, pauses natural and built.

Speech lasts from the first to the last window of 10 ms within `VOICED_RANGE_DB` of the clip's
loudest tenth, the rule of `bench.speech`. A pause is a run of windows below that level.
"""

import importlib
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

RECORDINGS = Path(__file__).parent / "recordings"
INDEX = RECORDINGS / "recordings.toml"
RATE_HZ = 16_000
VOICED_RANGE_DB = 32.0
# An interruption begins where its level is this near: a breath or the hiss of a recording before
# it stops nobody.
ONSET_RANGE_DB = 20.0
_LOUDEST_PERCENTILE = 90.0
_WINDOW_SECS = 0.01

# A silence this long inside an utterance is where a pause is built: shorter ones are the closures
# of plosives rather than the edges of words.
GAP_SECS = 0.1
# A gap needs this much of the utterance on both sides, or it may be the closure of a last plosive.
EDGE_SECS = 0.3
NATURAL_PAUSE_SECS = 0.3
LONGEST_PAUSE_SECS = 0.9
STRATA_SECS = ((0.3, 0.5), (0.5, 0.7), (0.7, 0.9))
CROSS_FADE_SECS = 0.01
TAIL_SECS = 3.0

Samples = np.ndarray[tuple[int], np.dtype[np.int16]]


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
        file: FLAC in `recordings/`.
        kind: `speech`, `backchannel`, `cough` (also laughter, breath, groan), `noise` or
            `interruption`.
        text: What is said, as published; empty where nothing is.
        language: Two letters.
        speaker: A name for each person.
        source: A source of `recordings/README.md`.
        split: `tune` or `held-out`.
    """

    file: str
    kind: str
    text: str
    language: str
    speaker: str
    source: str
    split: str


@dataclass(frozen=True)
class Gap:
    """A silence inside an utterance, in seconds from the clip's start."""

    start_secs: float
    end_secs: float

    @property
    def secs(self) -> float:
        """How long it lasts."""
        return self.end_secs - self.start_secs


@dataclass(frozen=True)
class Word:
    """A word and when it is spoken, in seconds from the clip's start; no text for a noise."""

    start_secs: float
    end_secs: float
    text: str


def write_words(file: str, words: list[Word]) -> None:
    """Write the word times of a clip beside it."""
    lines = [f"{word.start_secs:.2f} {word.end_secs:.2f} {word.text}".rstrip() for word in words]
    (RECORDINGS / file).with_suffix(".words").write_text("\n".join(lines) + "\n", encoding="utf-8")


def published_words(clip: Clip) -> list[Word]:
    """The word times of a clip, where somebody published them; else nothing."""
    path = (RECORDINGS / clip.file).with_suffix(".words")
    if not path.exists():
        return []
    parts = [line.split(" ", 2) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Word(float(one[0]), float(one[1]), one[2] if len(one) > 2 else "") for one in parts]


def write_index(clips: list[Clip]) -> None:
    """Write `recordings.toml`."""
    lines = ["# What `python -m bench.turns` plays; README.md says where it comes from.", ""]
    for clip in clips:
        lines.append("[[clip]]")
        lines += [f'{key} = "{_escaped(value)}"' for key, value in asdict(clip).items()]
        lines.append("")
    INDEX.write_text("\n".join(lines), encoding="utf-8")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@cache
def all_clips() -> tuple[Clip, ...]:
    """Every clip of the index, in its order."""
    index = tomllib.loads(INDEX.read_text(encoding="utf-8"))
    return tuple(Clip(**entry) for entry in index["clip"])


def clips(*, kind: str = "speech", split: str | None = None) -> list[Clip]:
    """The clips of a kind, all or those of a split."""
    return [c for c in all_clips() if c.kind == kind and split in (None, c.split)]


def samples_of(clip: Clip) -> Samples:
    """The clip at 16 kHz."""
    samples, rate_hz = read_audio(RECORDINGS / clip.file)
    return samples if rate_hz == RATE_HZ else resampled(samples, rate_hz, RATE_HZ)


def read_audio(path: Path) -> tuple[Samples, int]:
    """Any audio file as one channel, and its rate in hertz."""
    soundfile: Any = importlib.import_module("soundfile")
    samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    return np.asarray(samples, dtype=np.int32).mean(axis=1).astype(np.int16), int(rate_hz)


def resampled(samples: Samples, rate_hz: int, to_hz: int) -> Samples:
    """The samples at another rate."""
    soxr: Any = importlib.import_module("soxr")
    return np.asarray(soxr.resample(samples, rate_hz, to_hz, quality="VHQ"), dtype=np.int16)


def voiced_windows(
    samples: Samples, rate_hz: int = RATE_HZ, range_db: float = VOICED_RANGE_DB
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Numbers of the voiced windows of 10 ms."""
    size = int(_WINDOW_SECS * rate_hz)
    whole = samples[: len(samples) // size * size].astype(np.float64).reshape(-1, size) / 32768
    levels = 10 * np.log10(np.maximum(np.square(whole).mean(axis=1), 1e-10))
    return np.flatnonzero(levels >= np.percentile(levels, _LOUDEST_PERCENTILE) - range_db)


def speech_of(samples: Samples) -> tuple[float, float]:
    """When speech starts and ends, in seconds."""
    voiced = voiced_windows(samples)
    return float(voiced[0]) * _WINDOW_SECS, float(voiced[-1] + 1) * _WINDOW_SECS


def onset_secs(samples: Samples) -> float:
    """When a voice is plainly there: the first window within ONSET_RANGE_DB."""
    return float(voiced_windows(samples, range_db=ONSET_RANGE_DB)[0]) * _WINDOW_SECS


def gaps_of(samples: Samples, rate_hz: int = RATE_HZ, least_secs: float = GAP_SECS) -> list[Gap]:
    """The silences inside the utterance that last at least `least_secs`."""
    voiced = voiced_windows(samples, rate_hz)
    edge = round(EDGE_SECS / _WINDOW_SECS)
    return [
        Gap(float(before + 1) * _WINDOW_SECS, float(after) * _WINDOW_SECS)
        for before, after in pairwise(voiced)
        if (after - before - 1) * _WINDOW_SECS >= least_secs - 1e-9
        and before >= voiced[0] + edge
        and after <= voiced[-1] - edge
    ]


def pauses_of(clip: Clip, samples: Samples) -> list[Gap]:
    """The natural pauses of a clip: by its word times where there are any, else by level."""
    words = published_words(clip)
    if words:
        between = [Gap(one.end_secs, other.start_secs) for one, other in pairwise(words)]
    else:
        between = gaps_of(samples)
    least, most = NATURAL_PAUSE_SECS - 1e-9, LONGEST_PAUSE_SECS + 1e-9
    return [gap for gap in between if least <= gap.secs <= most]


def gaps_to_build(clip: Clip, samples: Samples) -> list[Gap]:
    """The gaps in which a pause is built; none in clips with word times: they have their own."""
    if published_words(clip):
        return []
    return [gap for gap in gaps_of(samples) if gap.secs < NATURAL_PAUSE_SECS - 1e-9]


def extent_of(clip: Clip, samples: Samples) -> tuple[float, float]:
    """When a clip's speech starts and ends: by its word times if there are any, else by level."""
    words = published_words(clip)
    return (words[0].start_secs, words[-1].end_secs) if words else speech_of(samples)


def room_tone(samples: Samples, secs: float) -> Samples:
    """Room tone of the clip itself, as long as asked: its quietest stretch, there and back.

    The quietest 80 ms that lie outside speech or in a gap are repeated forwards and backwards, so
    that the joints do not click; a digital zero only where the recording itself is one.
    """
    size = int(0.08 * RATE_HZ)
    starts = range(0, len(samples) - size, int(_WINDOW_SECS * RATE_HZ))
    power = [float(np.square(samples[s : s + size].astype(np.float64)).mean()) for s in starts]
    start = starts[int(np.argmin(power))]
    piece = samples[start : start + size]
    count = int(secs * RATE_HZ)
    loop = np.concatenate([piece, piece[::-1]])
    return np.tile(loop, count // len(loop) + 1)[:count]


def cross_fade(first: Samples, second: Samples) -> Samples:
    """Join with a cross-fade of 10 ms."""
    size = int(CROSS_FADE_SECS * RATE_HZ)
    ramp = np.linspace(0.0, 1.0, size)
    middle = first[-size:] * (1 - ramp) + second[:size] * ramp
    return np.concatenate([first[:-size], middle.astype(np.int16), second[size:]])


def with_pause(samples: Samples, gap: Gap, secs: float) -> Samples:
    """The clip with a gap lengthened to `secs` by room tone in its middle."""
    middle = int((gap.start_secs + gap.end_secs) / 2 * RATE_HZ)
    tone = room_tone(samples, secs - gap.secs + 2 * CROSS_FADE_SECS)
    return cross_fade(cross_fade(samples[:middle], tone), samples[middle:])


def with_tail(samples: Samples, end_secs: float) -> Samples:
    """The clip up to its last sound, followed by 3 s of its room tone."""
    end = min(len(samples), int((end_secs + 2 * CROSS_FADE_SECS) * RATE_HZ))
    return cross_fade(samples[:end], room_tone(samples, TAIL_SECS))
