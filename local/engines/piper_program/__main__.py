# SPDX-License-Identifier: GPL-3.0-or-later
"""A speech synthesiser on standard input and output, built on Piper (GPL-3.0-or-later).

This folder is a program of its own: it imports nothing of the project around it, and nothing
imports it. See README.md beside this file for the frames it reads and writes.

Usage: python piper_program MODEL.onnx CONFIG.json
"""

import importlib
import json
import os
import queue
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from piper import PiperConfig, PiperVoice, SynthesisConfig

# Through importlib because the package ships no type information.
onnxruntime: Any = importlib.import_module("onnxruntime")

_LENGTHS = struct.Struct("<II")
# Piper scales each sentence to full range; the margin keeps later resampling from clipping.
_VOLUME = 0.9


class StoppableSession:
    """An ONNX session whose run can be stopped from another thread."""

    def __init__(self, model: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._run_options: Any = onnxruntime.RunOptions()

    def run(self, names: Any, inputs: Mapping[str, Any]) -> Any:
        """Run the model; raises the runtime's error when `stop` was called meanwhile."""
        return self._session.run(names, inputs, self._run_options)

    def stop(self) -> None:
        """Make the run in progress, and any later one, fail soon."""
        self._run_options.terminate = True

    def allow(self) -> None:
        """Forget an earlier stop."""
        self._run_options = onnxruntime.RunOptions()


class Program:
    """One voice, answering requests in order."""

    def __init__(self, model: str, config: str, out: BinaryIO) -> None:
        self._session = StoppableSession(model)
        self._voice = PiperVoice(
            session=self._session,  # pyright: ignore[reportArgumentType]
            config=PiperConfig.from_dict(json.loads(Path(config).read_text(encoding="utf-8"))),
        )
        self._out = out
        self._requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._current: int | None = None
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Warm up, say ready, then answer until standard input ends."""
        for _ in self._speak("Ready."):
            pass
        self._write({"type": "ready"})
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            request = self._requests.get()
            number: int = request["id"]
            with self._lock:
                self._session.allow()
                self._current = number
                stopped = number in self._cancelled
            try:
                if not stopped:
                    for audio in self._speak(request["text"]):
                        rate = self._voice.config.sample_rate
                        self._write({"id": number, "type": "audio", "rate": rate}, audio)
                self._write({"id": number, "type": "end"})
            except Exception as error:  # noqa: BLE001 - one bad text must not end the program
                self._write({"id": number, "type": "error", "message": type(error).__name__})
            with self._lock:
                self._current = None
                self._cancelled.discard(number)

    def _speak(self, text: str) -> Iterator[bytes]:
        for chunk in self._voice.synthesize(text, SynthesisConfig(volume=_VOLUME)):
            yield np.asarray(chunk.audio_int16_array, dtype="<i2").tobytes()

    def _listen(self) -> None:
        read = sys.stdin.buffer.read
        while len(prefix := read(_LENGTHS.size)) == _LENGTHS.size:
            header_bytes, body_bytes = _LENGTHS.unpack(prefix)
            header = json.loads(read(header_bytes))
            read(body_bytes)
            if "cancel" not in header:
                self._requests.put(header)
                continue
            with self._lock:
                self._cancelled.add(header["cancel"])
                if self._current == header["cancel"]:
                    self._session.stop()
        os._exit(0)

    def _write(self, header: dict[str, Any], body: bytes = b"") -> None:
        encoded = json.dumps(header).encode()
        self._out.write(_LENGTHS.pack(len(encoded), len(body)) + encoded + body)


def main() -> None:
    """Serve the voice named on the command line."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    model, config = sys.argv[1:3]
    Program(model, config, out).serve()


if __name__ == "__main__":
    main()
