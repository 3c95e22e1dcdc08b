"""Recordings: what is said, when its words are spoken, and the samples."""

import tomllib
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SAMPLE_RATE_HZ = 16_000
BYTES_PER_SEC = SAMPLE_RATE_HZ * 2
RECORDINGS = Path(__file__).parent.parent / "recordings"

# A 20 ms window counts as voiced above this root mean square (full scale 32768): -42 dBFS, under
# every word and above every pause of the recordings kept here.
_VOICED_RMS = 260
_WINDOW_SECS = 0.02


class RecordingFormatError(ValueError):
    """A file that is not 16 kHz mono s16le: voice activity would silently find nothing in it."""


@dataclass(frozen=True)
class Recording:
    """One recording of human speech.

    Parameters:
        name: File name without suffix.
        phrases: What is said, parted where the speaker pauses; empty for noise.
        pcm: Samples, 16 kHz mono s16le.
    """

    name: str
    phrases: tuple[str, ...]
    pcm: bytes

    @property
    def text(self) -> str:
        """What is said; empty for noise."""
        return " ".join(self.phrases)

    @property
    def duration_secs(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / BYTES_PER_SEC

    @property
    def voice_ends_secs(self) -> float:
        """When the last sound ends, in seconds from the start."""
        return (int(self._voiced_windows()[-1]) + 1) * _WINDOW_SECS

    def word_ends_secs(self) -> list[tuple[float, str]]:
        """When each word has been said, in seconds from the start.

        The longest gaps without voice part the phrases; inside a phrase voiced time is shared
        between the words by their letters.
        """
        if not self.phrases:
            return []
        voiced = self._voiced_windows()
        gaps = np.diff(voiced)
        count = len(self.phrases) - 1
        longest = np.sort(np.argsort(gaps, kind="stable")[gaps.size - count :]) + 1
        ends: list[tuple[float, str]] = []
        for phrase, windows in zip(self.phrases, np.split(voiced, longest), strict=True):
            words = phrase.split()
            letters = np.cumsum([len(word) for word in words])
            for letter, word in zip(letters, words, strict=True):
                last = max(0, round(letter / letters[-1] * windows.size) - 1)
                ends.append(((int(windows[last]) + 1) * _WINDOW_SECS, word))
        return ends

    def _voiced_windows(self) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        size = int(_WINDOW_SECS * SAMPLE_RATE_HZ)
        samples = np.frombuffer(self.pcm, dtype="<i2").astype(np.float64)
        windows = samples[: samples.size // size * size].reshape(-1, size)
        return np.flatnonzero(np.sqrt((windows**2).mean(axis=1)) > _VOICED_RMS)


def load_wav(path: Path) -> bytes:
    """The samples of a WAV file.

    Raises:
        RecordingFormatError: If it is anything but 16 kHz mono s16le.
    """
    try:
        with wave.open(str(path), "rb") as wav:
            rate_hz, channels, width = wav.getframerate(), wav.getnchannels(), wav.getsampwidth()
            pcm = wav.readframes(wav.getnframes())
    except (wave.Error, EOFError) as error:
        message = f"{path.name}: not a PCM WAV file ({error})"
        raise RecordingFormatError(message) from error
    if (rate_hz, channels, width) != (SAMPLE_RATE_HZ, 1, 2):
        message = (
            f"{path.name}: {rate_hz} Hz, {channels} channel(s), {8 * width} bit; "
            f"a recording must be {SAMPLE_RATE_HZ} Hz, 1 channel, 16 bit (s16le)"
        )
        raise RecordingFormatError(message)
    return pcm


def load_recording(name: str, folder: Path = RECORDINGS) -> Recording:
    """A recording by its name, with its text (and its `phrases`, where the speaker pauses).

    Raises:
        RecordingFormatError: If it is anything but 16 kHz mono s16le.
        FileNotFoundError: If the WAV or the TOML beside it is missing.
    """
    about = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    pcm = load_wav(folder / f"{name}.wav")
    phrases = about.get("phrases", [about["text"]] if about["text"] else [])
    return Recording(name=name, phrases=tuple(phrases), pcm=pcm)
