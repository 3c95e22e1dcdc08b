"""The two models that listen, loaded once a process: Silero's VAD and smart-turn.

Pipecat loads both anew for each session, on the event loop (80 ms), and each ended session kept
about 20 MB of them until Python's cycle collector happened by. A model holds no state between
calls; what a session remembers stays in its own analyzer.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import as_file, files
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from pipecat.audio.turn.smart_turn.base_smart_turn import BaseSmartTurn
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.utils import exp_smoothing
from pipecat.audio.vad.silero import SileroOnnxModel, SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams, VADState

_SILERO = ("pipecat.audio.vad.data", "silero_vad.onnx")
SCORE_RATE_HZ = 16_000
# Silero's: the samples of a window at 16 kHz, and of the one before it that it sees again.
_WINDOW_SAMPLES = 512
_CONTEXT_SAMPLES = 64
_SILENT_WINDOW = np.zeros(_WINDOW_SAMPLES, dtype=np.int16)
# -60 dBFS: no voice has its loudest sample below it, and the VAD's own loudness gate is higher.
SOUNDLESS_PEAK = 32
# 160 ms, longer than the silence that ends a voice (`bot.turns.VAD_STOP_SECS`).
SOUNDLESS_WINDOWS = 5
# Pipecat's own.
VOLUME_SMOOTHING = 0.2
_SMART_TURN = ("pipecat.audio.turn.smart_turn.data", "smart-turn-v3.2-cpu.onnx")


@cache
def _load(package: str, name: str) -> onnxruntime.InferenceSession:
    # ONNX Runtime 1.32 reports its use to its vendor unless told not to (its Privacy.md).
    onnxruntime.disable_telemetry_events()
    options = cast("Any", onnxruntime).SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A thread that waits by spinning takes the core from the session that talks.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Quantised weights overflow in AVX2 without VNNI unless it is told to be exact: the same speech
    # would be a finished turn on one machine and not on the next.
    options.add_session_config_entry("session.x64quantprecision", "1")
    with as_file(files(package).joinpath(name)) as path:
        return onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )


def load_models() -> None:
    """Load both models now, so that the first session does not wait for them."""
    _load(*_SILERO)
    _load(*_SMART_TURN)


def warm_models() -> None:
    """Run both models once on silence: a first run takes several times as long as later ones."""
    vad = SharedVADAnalyzer(params=VADParams())
    vad.set_sample_rate(16_000)
    vad.voice_confidence(bytes(vad.num_frames_required() * 2))
    smart_turn = cast("Any", _load(*_SMART_TURN))
    features = {
        one.name: np.zeros([size if isinstance(size, int) else 1 for size in one.shape], np.float32)
        for one in smart_turn.get_inputs()
    }
    smart_turn.run(None, features)


@cache
def _scoring_threads() -> ThreadPoolExecutor:
    # For all sessions of the process: a score takes 0.07 s of a core, and more of them at once
    # would only slow each other down.
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="smart-turn")


class _SharedSileroModel(SileroOnnxModel):
    """Silero's recurrent state, over the shared model."""

    def __init__(self) -> None:
        session = cast("Any", _load(*_SILERO))
        self._run = session._sess.run
        self._outputs = [one.name for one in session.get_outputs()]
        self._rate = np.array(SCORE_RATE_HZ, dtype=np.int64)
        self._input = np.zeros((1, _CONTEXT_SAMPLES + _WINDOW_SAMPLES), dtype=np.float32)
        self.reset_states()

    def reset_states(self, batch_size: int = 1) -> None:
        """Forget everything heard."""
        self._state = np.zeros((2, batch_size, 128), dtype=np.float32)
        self._input[:, :_CONTEXT_SAMPLES] = 0

    def hear_silence(self) -> None:
        """Forget everything but a short silence: with nothing before it a soft onset is lost."""
        self.reset_states()
        for _ in range(SOUNDLESS_WINDOWS):
            self.confidence(_SILENT_WINDOW)

    def confidence(self, samples: npt.NDArray[np.int16]) -> float:
        """Return the confidence, 0-1, that a window of _WINDOW_SAMPLES holds a voice.

        Defect: Pipecat checks, copies and joins for 0.05 ms what takes the model 0.2 ms.
        """
        row = self._input
        np.multiply(samples, 1 / 32768, out=row[0, _CONTEXT_SAMPLES:], dtype=np.float32)
        given = {"input": row, "state": self._state, "sr": self._rate}
        output, self._state = self._run(self._outputs, given, None)
        row[0, :_CONTEXT_SAMPLES] = row[0, -_CONTEXT_SAMPLES:]
        return output.item()


class SharedVADAnalyzer(SileroVADAnalyzer):
    """Pipecat's Silero analyzer over the shared model."""

    def __init__(self, *, params: VADParams) -> None:
        """Create one session's analyzer; no model is loaded for it."""
        # Past SileroVADAnalyzer's own constructor, which loads a model.
        VADAnalyzer.__init__(self, params=params)
        self._model = self._silero = _SharedSileroModel()
        self._windows_since_reset = 0
        self._low_confidence_windows = 0
        self._confidence = 0.0
        self._is_volume_known = False
        self._soundless_windows = 0

    def voice_confidence(self, buffer: bytes) -> float:
        """Return the model's confidence, 0-1, that a window holds a voice.

        Windows without any sound need no model: a muted or noise-suppressed microphone sends little
        else. The model hears the first of them, and is then left as a short silence leaves it.
        """
        samples = np.frombuffer(buffer, dtype=np.int16)
        if samples.max() > SOUNDLESS_PEAK or samples.min() < -SOUNDLESS_PEAK:
            self._soundless_windows = 0
        else:
            self._soundless_windows += 1
        if self._soundless_windows > SOUNDLESS_WINDOWS and not self.is_onset:
            if self._windows_since_reset:
                self._silero.hear_silence()
                self._windows_since_reset = 0
            self._confidence = 0.0
        else:
            self._confidence = self._silero.confidence(samples)
            self._maybe_reset_model(self._confidence)
        return self._confidence

    def _get_smoothed_volume(self, audio: bytes) -> float:
        """Measure loudness where it can decide, which is where the model hears a voice.

        Defect: Pipecat measures it 31 times a second, silent or not: a third of the VAD's time.
        """
        self._volume_tracker.update(audio, self.sample_rate)
        if self._confidence < self._params.confidence:
            self._is_volume_known = False
            return self._prev_volume
        if not self._is_volume_known:
            self._is_volume_known = True
            return self._volume_tracker.volume
        return exp_smoothing(self._volume_tracker.volume, self._prev_volume, VOLUME_SMOOTHING)

    async def analyze_audio(self, buffer: bytes) -> VADState:
        """Judge a piece of audio at once.

        Defect: Pipecat hands each piece to a thread of the session's own, which costs more than
        the model's few tenths of a millisecond for 32 ms of audio.
        """
        return self._run_analyzer(buffer)

    @property
    def is_voice(self) -> bool:
        """Whether a voice is speaking."""
        return self._vad_state in (VADState.SPEAKING, VADState.STOPPING)

    @property
    def is_onset(self) -> bool:
        """Whether something that may become a voice has just begun."""
        return self._vad_state in (VADState.STARTING, VADState.SPEAKING)


class EndScorer(LocalSmartTurnAnalyzerV3):
    """Smart-turn's score of how finished an utterance sounds, over the shared model.

    Pipecat's analyzer answers yes or no, once per silence, and keeps the audio itself.
    """

    def __init__(self) -> None:
        """Create one session's scorer; no model is loaded for it."""
        # Past LocalSmartTurnAnalyzerV3's own constructor, which loads a model.
        BaseSmartTurn.__init__(self, sample_rate=SCORE_RATE_HZ)
        self._log_data = False
        self._session = _load(*_SMART_TURN)

    async def score(self, pcm: bytes) -> float:
        """Return the probability, 0-1, that the turn is over.

        Args:
            pcm: s16le mono 16 kHz, up to now; the last 8 s count.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_scoring_threads(), self._score, pcm)

    def _score(self, pcm: bytes) -> float:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
        return float(self._predict_endpoint(samples)["probability"])
