"""Whisper's log-mel spectrogram in numpy.

80 mel bands (Slaney scale and normalisation), 25 ms Hann windows every 10 ms at 16 kHz, as the
model was trained (Radford et al. 2022, section 2.2).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
HOP_SAMPLES = 160
MEL_BANDS = 80

_WINDOW_SAMPLES = 400
_LOG_RANGE = 8.0


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spectrogram of 16 kHz mono samples in [-1, 1], shape (80, samples // 160)."""
    padded = np.pad(samples, _WINDOW_SAMPLES // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(windows[: len(samples) // HOP_SAMPLES] * _hann(), axis=1)
    power = (np.abs(spectrum) ** 2).astype(np.float32)
    log = np.log10(np.maximum(_filters() @ power.T, 1e-10))
    log = np.maximum(log, log.max() - _LOG_RANGE)
    return ((log + 4.0) / 4.0).astype(np.float32)


@cache
def _hann() -> NDArray[np.float32]:
    steps = np.arange(_WINDOW_SAMPLES)
    return (0.5 - 0.5 * np.cos(2 * np.pi * steps / _WINDOW_SAMPLES)).astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    bins_hz = np.fft.rfftfreq(_WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)
    edges_hz = _mel_to_hz(np.linspace(0, _hz_to_mel(SAMPLE_RATE_HZ / 2), MEL_BANDS + 2))
    widths = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None, :]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    area = 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return (triangles * area[:, None]).astype(np.float32)


# The Slaney mel scale is linear up to 1 kHz (15 mel) and logarithmic above.
_LINEAR_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR_HZ_PER_MEL
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
