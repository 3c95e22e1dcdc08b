"""Pinned model files."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from local.models import ALL, ModelFile, ModelFileError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "some_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_right_file_is_read_without_importing_its_package(package: Path) -> None:
    """A file with the pinned hash is returned, and the package's code never runs."""
    (package / "model.bin").write_bytes(b"weights")
    file = ModelFile("some_weights", "model.bin", sha256(b"weights").hexdigest())
    assert file.read() == b"weights"
    assert file.verified_path() == package / "model.bin"
    assert "some_weights" not in sys.modules


def test_altered_file_is_refused_by_name(package: Path) -> None:
    """A file with another hash is a clear error that names it."""
    (package / "model.bin").write_bytes(b"other")
    file = ModelFile("some_weights", "model.bin", sha256(b"weights").hexdigest())
    with pytest.raises(ModelFileError, match=r"some_weights/model\.bin is not the pinned one"):
        file.read()
    with pytest.raises(ModelFileError, match=r"some_weights/model\.bin"):
        file.verified_path()


def test_missing_package_and_missing_file_are_named(package: Path) -> None:
    """What is missing is named."""
    with pytest.raises(ModelFileError, match="package no_such_weights is not installed"):
        ModelFile("no_such_weights", "model.bin", "").locate()
    with pytest.raises(ModelFileError, match=r"model\.bin is missing"):
        ModelFile("some_weights", "model.bin", "").locate()


@pytest.mark.engines
def test_installed_model_files_are_the_pinned_ones() -> None:
    """Every pinned file is installed and has its hash."""
    for file in ALL:
        file.verified_path()
