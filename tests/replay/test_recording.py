import tomllib
import wave
from pathlib import Path

import pytest

from tests.replay.recording import RECORDINGS, RecordingFormatError, load_recording, load_wav


def _write(path: Path, *, rate_hz: int, channels: int, width: int) -> Path:
    with wave.open(str(path), "wb") as wav:
        wav.setframerate(rate_hz)
        wav.setnchannels(channels)
        wav.setsampwidth(width)
        wav.writeframes(bytes(channels * width * 100))
    return path


@pytest.mark.parametrize(
    ("rate_hz", "channels", "width"),
    [(44_100, 2, 2), (8_000, 1, 2), (16_000, 2, 2), (16_000, 1, 1)],
)
def test_other_formats_are_rejected(
    tmp_path: Path, rate_hz: int, channels: int, width: int
) -> None:
    """A recording that is not 16 kHz mono s16le is refused with what it is and what it must be."""
    path = _write(tmp_path / "wrong.wav", rate_hz=rate_hz, channels=channels, width=width)
    with pytest.raises(RecordingFormatError, match=rf"wrong\.wav: {rate_hz} Hz.*must be 16000 Hz"):
        load_wav(path)


def test_a_file_that_is_no_wav_is_rejected(tmp_path: Path) -> None:
    """Anything that is no PCM WAV file is refused by name."""
    path = tmp_path / "noise.wav"
    path.write_bytes(b"not a wav")
    with pytest.raises(RecordingFormatError, match=r"noise\.wav"):
        load_wav(path)


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.wav")), ids=lambda path: path.stem)
def test_recordings_are_described(path: Path) -> None:
    """Every recording says what is said, where it is from and under which licence."""
    about = tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))
    assert {"text", "speaker", "licence"} <= set(about)
    recording = load_recording(path.stem)
    ends = [end for end, _ in recording.word_ends_secs()]
    assert ends == sorted(ends)
    assert all(end <= recording.duration_secs for end in ends)
