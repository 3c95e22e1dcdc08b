"""Speech detection with Silero, in the server's own process.

Silero rather than an energy threshold: the same file already rides in pipecat-ai, a window of 32 ms
costs about 0.2 ms, and music, typing and noise, which an energy threshold takes for speech, would
each cost a Whisper decode and may come back as invented words. It runs here, not in an engine
process, because its state is per connection and its cost is below that of moving the audio.
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local import models
from local.engines.api import SAMPLE_RATE_HZ

_WINDOW_SAMPLES = 512
_CONTEXT_SAMPLES = 64
# Start and stop thresholds of Silero's own iterator: 0.5, and 0.15 below it to end.
_START_PROBABILITY = 0.5
_STOP_PROBABILITY = 0.35
# The recurrent state under-reports speech that follows long non-speech; Pipecat resets it after
# about two seconds of it as well.
_RESET_AFTER_WINDOWS = 2 * SAMPLE_RATE_HZ // _WINDOW_SAMPLES
_RESET_BELOW_PROBABILITY = 0.15


def load_session() -> Any:
    """Load the model once for all connections.

    Raises:
        ModelFileError: If the file is missing or altered.
    """
    ort: Any = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(
        models.SPEECH_DETECTOR.read(), options, providers=["CPUExecutionProvider"]
    )


class SileroDetector:
    """The detector of one connection, over a shared session."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._speaking = False
        self._quiet_windows = 0
        self._reset()

    @property
    def window_samples(self) -> int:
        """Samples at 16 kHz in one window."""
        return _WINDOW_SAMPLES

    def is_speech(self, window: NDArray[np.int16]) -> bool:
        """Say whether the window holds speech, with hysteresis."""
        samples = window.astype(np.float32)[None, :] / 32768.0
        given = np.concatenate((self._context, samples), axis=1)
        inputs = {"input": given, "state": self._state, "sr": self._rate}
        output, self._state = self._session.run(None, inputs)
        self._context = samples[:, -_CONTEXT_SAMPLES:]
        probability = float(output[0, 0])
        threshold = _STOP_PROBABILITY if self._speaking else _START_PROBABILITY
        self._speaking = probability >= threshold
        self._quiet_windows = (
            self._quiet_windows + 1 if probability < _RESET_BELOW_PROBABILITY else 0
        )
        if self._quiet_windows >= _RESET_AFTER_WINDOWS:
            self._reset()
        return self._speaking

    def _reset(self) -> None:
        self._quiet_windows = 0
        self._state = np.zeros((2, 1, 128), dtype=np.float32)
        self._context = np.zeros((1, _CONTEXT_SAMPLES), dtype=np.float32)
        self._rate = np.array(SAMPLE_RATE_HZ, dtype=np.int64)
