from pathlib import Path

import numpy as np
import pytest
from pipecat.audio.vad.silero import SileroVADAnalyzer

from bench.speech import RECORDINGS, WINDOW_SAMPLES, levels_db, read, sentences, voiced
from local.heard import RATE_HZ, Samples

_SILERO_WINDOW = 512
# Silero judges 32 ms at once and lets go late; measured 0-90 ms on these recordings.
_AGREEMENT_SECS = (-0.03, 0.12)


def _silero_end_secs(samples: Samples) -> float:
    """Return the end of the last window that Silero takes for speech."""
    vad = SileroVADAnalyzer()
    vad.set_sample_rate(RATE_HZ)
    padded = np.concatenate([samples, np.zeros(RATE_HZ // 2, dtype=np.int16)])
    windows = range(0, len(padded) - _SILERO_WINDOW + 1, _SILERO_WINDOW)
    confidence = [
        vad.voice_confidence(padded[at : at + _SILERO_WINDOW].tobytes()) for at in windows
    ]
    last = int(np.flatnonzero(np.ravel(confidence) > 0.5)[-1])
    return (last + 1) * _SILERO_WINDOW / RATE_HZ


NAMES = [utterance.name for utterance in sentences()]


def test_there_are_enough_sentences() -> None:
    """The rule finds at least five different sentences, so that no single one decides."""
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_the_end_mark_agrees_with_a_speech_detector(name: str) -> None:
    """Silero hears each recording end where the energy mark puts it, or shortly after."""
    samples = read(RECORDINGS / f"{name}.wav")
    _, end = voiced(samples)
    least, most = _AGREEMENT_SECS
    assert least <= _silero_end_secs(samples) - end / RATE_HZ <= most


@pytest.mark.parametrize("name", NAMES)
def test_what_is_cut_away_is_silence(name: str) -> None:
    """Before and after the marks no 10 ms reach -45 dBFS, where the delay server hears speech."""
    samples = read(RECORDINGS / f"{name}.wav")
    start, end = voiced(samples)
    for outside in (samples[:start], samples[end:]):
        assert levels_db(outside).max(initial=-100.0) < -45


def test_marks_lie_at_the_edges_of_a_tone() -> None:
    """Speech lasts from the first to the last loud window of 10 ms."""
    tone = np.full(5 * WINDOW_SAMPLES, 8000, dtype=np.int16)
    silence = np.zeros(10 * WINDOW_SAMPLES, dtype=np.int16)
    found = voiced(np.concatenate([silence, tone, silence, tone, silence]))
    assert found == (10 * WINDOW_SAMPLES, 30 * WINDOW_SAMPLES)


def test_a_recording_too_short_to_judge_is_refused() -> None:
    """Less than 10 ms has no level."""
    with pytest.raises(ValueError, match="10 ms"):
        voiced(np.zeros(WINDOW_SAMPLES - 1, dtype=np.int16))


def test_sentences_are_chosen_by_rule(tmp_path: Path) -> None:
    """A recording without a whole sentence is never asked."""
    (tmp_path / "noise.toml").write_text('text = ""\n')
    assert sentences(tmp_path) == []
