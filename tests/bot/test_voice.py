"""The VAD over the shared model, beside Pipecat's own on recordings of people."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams, VADState

from bot import models
from bot.models import SharedVADAnalyzer
from bot.turns import VAD_START_SECS, VAD_STOP_SECS
from tests.replay.recording import load_recording

RATE_HZ = 16_000
WINDOW_BYTES = 1024
PARAMS = VADParams(start_secs=VAD_START_SECS, stop_secs=VAD_STOP_SECS)
SPOKEN = ["an-echo-test", "which-folder-should-i-save-the-message-to", "no"]


def silence(secs: float) -> bytes:
    return bytes(int(secs * RATE_HZ) * 2)


def room_tone(samples: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(1).normal(0, 40, samples)


def changes(found: list[VADState]) -> list[tuple[int, bool]]:
    """Return when a voice is taken to begin (True) and to end."""
    heard = [state in (VADState.SPEAKING, VADState.STOPPING) for state in found]
    return [(at, now) for at, (was, now) in enumerate(pairwise(heard)) if was != now]


def windows_of(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + WINDOW_BYTES] for at in range(0, len(pcm) - WINDOW_BYTES, WINDOW_BYTES)]


async def states(pcm: bytes) -> list[VADState]:
    vad = SharedVADAnalyzer(params=PARAMS)
    vad.set_sample_rate(RATE_HZ)
    return [await vad.analyze_audio(window) for window in windows_of(pcm)]


@pytest.mark.parametrize("name", SPOKEN)
def test_it_hears_what_pipecats_own_hears(name: str) -> None:
    """In a room that is never soundless, both are as confident at every window."""
    spoken = load_recording(name).pcm
    pcm = (np.frombuffer(spoken, "<i2") + room_tone(len(spoken) // 2)).astype("<i2").tobytes()
    ours, pipecats = SharedVADAnalyzer(params=PARAMS), SileroVADAnalyzer(params=PARAMS)
    ours.set_sample_rate(RATE_HZ)
    pipecats.set_sample_rate(RATE_HZ)
    windows = windows_of(pcm)
    found = np.array([ours.voice_confidence(window) for window in windows])
    wanted = np.array([np.asarray(pipecats.voice_confidence(one)).item() for one in windows])
    assert np.abs(found - wanted).max() < 1e-5
    assert found.max() > PARAMS.confidence


@pytest.mark.parametrize("name", SPOKEN)
def test_a_voice_after_soundless_seconds_is_heard_as_soon(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A voice begins at most a window later than when the model is shown the silence too."""
    spoken = load_recording(name).pcm
    before = silence(1) + spoken + silence(10)
    pcm = before + spoken + silence(1)

    def onset() -> int:
        found = changes(asyncio.run(states(pcm)))
        return next(at for at, now in found if now and at >= len(before) // WINDOW_BYTES)

    found = onset()
    monkeypatch.setattr(models, "SOUNDLESS_PEAK", -1)
    assert found <= onset() + 1


def test_soundless_seconds_cost_no_model() -> None:
    """Of ten soundless seconds the model hears the first windows only."""
    vad = SharedVADAnalyzer(params=PARAMS)
    vad.set_sample_rate(RATE_HZ)
    with patch.object(vad._silero, "confidence", wraps=vad._silero.confidence) as heard:
        for window in windows_of(silence(10)):
            vad.voice_confidence(window)
    # Each of the first, and as many when they are forgotten.
    assert heard.call_count == 2 * models.SOUNDLESS_WINDOWS
