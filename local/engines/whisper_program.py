"""The speech recogniser: Whisper base through CTranslate2, on one thread.

Request: `{"language": "en"}` with s16le mono 16 kHz audio as the body. Reply: one frame with
`transcript`, `confidence` (0..1), `words` (`[text, start_secs, end_secs]`) and the scores the gate
used. Audio that holds no words gives an empty transcript.
"""

import importlib
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local import models
from local.engines.frames import Frame
from local.engines.mel import HOP_SAMPLES, SAMPLE_RATE_HZ, log_mel
from local.engines.program import Cancelled, Engine, run

# Whisper was trained on 30 s; a shorter context is several times faster. Without at least 2 s of
# silence after the speech it repeats the sentence; without timestamps too.
_TAIL_SECS = 2.0
_CONTEXT_SECS = (4.0, 30.0)
# Where it repeats itself all the same, a longer context cures it (same recordings).
_LONGER_SECS = 6.0
_REPEATED_WORDS = 5
# Silence and noise that pass the speech detector make it invent words. Measured: such decodes have
# no-speech >= .61 and scores of -1.3 to -2.1; sentences score >= -.82, single words ("hello",
# "one") down to -1.47 with no-speech up to .48. So no-speech decides, the score only far out.
_MIN_SCORE = -1.6
_MAX_NO_SPEECH = 0.6
_TICK_SECS = 0.02


class Whisper:
    """The model, its tokenizer and the prompt tokens."""

    def __init__(self) -> None:
        ctranslate2: Any = importlib.import_module("ctranslate2")
        tokenizers: Any = importlib.import_module("tokenizers")
        model = b"".join(part.read() for part in models.WHISPER_PARTS)
        self._storage_view: Any = ctranslate2.StorageView
        self._model: Any = ctranslate2.models.Whisper(
            "whisper-base",
            device="cpu",
            compute_type="int8",
            intra_threads=1,
            inter_threads=1,
            files={
                "model.bin": model,
                "config.json": models.WHISPER_CONFIG.read(),
                "tokenizer.json": models.WHISPER_TOKENIZER.read(),
                "vocabulary.txt": models.WHISPER_VOCABULARY.read(),
            },
        )
        tokenizer_json = models.WHISPER_TOKENIZER.read().decode()
        self._tokenizer: Any = tokenizers.Tokenizer.from_str(tokenizer_json)
        self._first_timestamp: int = self._token("<|notimestamps|>") + 1
        self._start: int = self._token("<|startoftranscript|>")
        self._transcribe: int = self._token("<|transcribe|>")
        self._languages = _language_tokens(tokenizer_json)

    def transcribe(self, samples: NDArray[np.float32], language: str) -> dict[str, Any]:
        """Return the reply's fields for mono 16 kHz samples in [-1, 1]."""
        secs = len(samples) / SAMPLE_RATE_HZ
        language_token = self._languages.get(language, self._languages["en"])
        result = self._generate(samples, secs + _TAIL_SECS, language_token)
        words = self._words(result.sequences_ids[0], secs)
        if _repeats([word for word, _, _ in words]):
            result = self._generate(samples, secs + _TAIL_SECS + _LONGER_SECS, language_token)
            words = self._words(result.sequences_ids[0], secs)
        score = float(result.scores[0])
        no_speech = float(result.no_speech_prob)
        if score < _MIN_SCORE or no_speech > _MAX_NO_SPEECH:
            words = []
        return {
            "transcript": " ".join(word for word, _, _ in words),
            "confidence": round(min(1.0, math.exp(score)), 4),
            "words": words,
            "score": round(score, 3),
            "no_speech": round(no_speech, 3),
        }

    def _generate(self, samples: NDArray[np.float32], context_secs: float, language: int) -> Any:
        shortest, longest = _CONTEXT_SECS
        context_secs = min(max(context_secs, shortest), longest)
        frames = math.ceil(context_secs * SAMPLE_RATE_HZ / HOP_SAMPLES)
        padded = np.zeros(frames * HOP_SAMPLES, dtype=np.float32)
        padded[: len(samples)] = samples[: len(padded)]
        features = np.ascontiguousarray(log_mel(padded)[None, :, :])
        [result] = self._model.generate(
            self._storage_view.from_array(features),
            [[self._start, language, self._transcribe]],
            beam_size=1,
            # Fast speech is about 6 tokens a second; the rest are timestamps.
            max_length=min(224, 24 + int(len(samples) / SAMPLE_RATE_HZ * 12)),
            return_scores=True,
            return_no_speech_prob=True,
            max_initial_timestamp_index=50,
        )
        return result

    def _words(self, tokens: list[int], secs: float) -> list[tuple[str, float, float]]:
        """Split tokens at timestamps, and share each segment's time among its words by length."""
        words: list[tuple[str, float, float]] = []
        start, pending = 0.0, list[int]()
        for token in [*tokens, self._first_timestamp + round(secs / _TICK_SECS)]:
            if token < self._first_timestamp:
                pending.append(token)
                continue
            moment = min((token - self._first_timestamp) * _TICK_SECS, secs)
            if pending:
                text = self._tokenizer.decode(pending, skip_special_tokens=True)
                words += _spread(text.split(), start, max(moment, start))
                pending = []
            start = moment
        return words

    def _token(self, text: str) -> int:
        number: int | None = self._tokenizer.token_to_id(text)
        if number is None:
            raise models.ModelFileError(f"the Whisper tokenizer has no {text}")
        return number


def _repeats(words: list[str]) -> bool:
    """Say whether a run of five words occurs twice."""
    runs = [tuple(words[i : i + _REPEATED_WORDS]) for i in range(len(words) - _REPEATED_WORDS + 1)]
    return len(runs) > len(set(runs))


def _spread(texts: list[str], start: float, end: float) -> list[tuple[str, float, float]]:
    total = sum(len(text) + 1 for text in texts) or 1
    words: list[tuple[str, float, float]] = []
    at = start
    for text in texts:
        until = at + (end - start) * (len(text) + 1) / total
        words.append((text, round(at, 3), round(until, 3)))
        at = until
    return words


def _language_tokens(tokenizer_json: str) -> dict[str, int]:
    added: list[dict[str, Any]] = json.loads(tokenizer_json)["added_tokens"]
    tokens = {str(token["content"]): int(token["id"]) for token in added}
    first, last = tokens["<|en|>"], tokens["<|translate|>"]
    return {text[2:-2]: number for text, number in tokens.items() if first <= number < last}


def load() -> Engine:
    """Load the model, warm it up and return the engine."""
    whisper = Whisper()
    whisper.transcribe(np.zeros(SAMPLE_RATE_HZ, dtype=np.float32), "en")

    def handle(request: Frame, cancelled: Cancelled) -> Iterator[Frame]:
        if cancelled():
            return
        samples = np.frombuffer(request.body, dtype="<i2").astype(np.float32) / 32768.0
        yield Frame(whisper.transcribe(samples, request.header.get("language", "en")))

    return Engine(handle)


if __name__ == "__main__":
    run(load)
