"""The kept conversations: each in the folder of the user whose it is, none for longer than agreed.

Folder names are hashes, so a file system's listing names nobody; `.owner` in each says whose it is,
for an operator who is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loguru import logger

from bot.errors import BotError
from bot.kept import SOUND_SUFFIX, WORDS_SUFFIX, RecordTo
from server.settings import ServerSettings

OWNER_FILE = ".owner"
SWEEP_EVERY_SECS = 3600.0
_DAY_SECS = 86_400.0


@dataclass(frozen=True)
class Owner:
    """Whose conversations they are.

    Attributes:
        site: The site's origin.
        user: The site's own name for its user.
    """

    site: str
    user: str

    @property
    def folder(self) -> str:
        """Name of the owner's folder: 128 bits of a hash."""
        return hashlib.sha256(f"{self.site}\n{self.user}".encode()).hexdigest()[:32]


class RecordsError(BotError):
    """The folder for transcripts cannot be used; the message says why."""


class Records:
    """A folder of conversations."""

    def __init__(self, folder: Path, keep_days: float, *, with_sound: bool) -> None:
        """Use this folder, which is made where it is not there.

        Args:
            folder: Where conversations are kept.
            keep_days: For how long.
            with_sound: Whether new ones are kept with their sound.

        Raises:
            OSError: the folder cannot be made or written to.
        """
        self._folder = folder.resolve()
        self._keep_secs = keep_days * _DAY_SECS
        self._with_sound = with_sound
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = self._folder / ".probe"
        probe.touch(mode=0o600)
        probe.unlink()

    def place(self, owner: Owner, session_id: str) -> RecordTo:
        """Return where a session's conversation goes.

        Raises:
            OSError: the owner's folder cannot be made.
        """
        folder = self._folder / owner.folder
        folder.mkdir(mode=0o700, exist_ok=True)
        note = folder / OWNER_FILE
        if not note.exists():
            note.touch(mode=0o600)
            note.write_text(json.dumps({"site": owner.site, "user": owner.user}), encoding="utf-8")
        return RecordTo(str(folder / session_id), self._with_sound)

    async def try_place(self, site: str, user: str | None, session_id: str) -> RecordTo | None:
        """As `place`; None for a visitor who is nobody's user, and where it cannot be kept."""
        if user is None:
            return None
        try:
            return await asyncio.to_thread(self.place, Owner(site, user), session_id)
        except OSError as error:
            logger.error("a conversation will not be kept: {}", type(error).__name__)
            return None

    def all_of(self, owner: Owner) -> list[dict[str, Any]]:
        """Return an owner's conversations, the latest first, without their words."""
        found = [
            self._words(file) for file in (self._folder / owner.folder).glob(f"*{WORDS_SUFFIX}")
        ]
        kept = [words for words in found if words is not None]
        for words in kept:
            del words["lines"]
        return sorted(kept, key=lambda words: str(words["startedAt"]), reverse=True)

    def words_of(self, owner: Owner, session_id: str) -> dict[str, Any] | None:
        """Return one conversation; None when the owner has none of this id."""
        return self._words(self._file(owner, session_id, WORDS_SUFFIX))

    def sound_of(self, owner: Owner, session_id: str) -> Path | None:
        """Return the file with both voices; None when there is none."""
        file = self._file(owner, session_id, SOUND_SUFFIX)
        return file if file.is_file() else None

    def forget(self, owner: Owner, session_id: str) -> bool:
        """Delete one conversation; return whether there was one."""
        known = False
        for suffix in (WORDS_SUFFIX, SOUND_SUFFIX):
            with contextlib.suppress(FileNotFoundError):
                self._file(owner, session_id, suffix).unlink()
                known = True
        return known

    def forget_all(self, owner: Owner) -> None:
        """Delete everything of an owner's."""
        shutil.rmtree(self._folder / owner.folder, ignore_errors=True)

    def sweep(self) -> int:
        """Delete what is too old, and folders that hold nothing more; return how many files."""
        oldest = time.time() - self._keep_secs
        count = 0
        for folder in self._folder.iterdir():
            if not folder.is_dir():
                continue
            files = [file for file in folder.iterdir() if file.name != OWNER_FILE]
            old = [file for file in files if file.stat().st_mtime < oldest]
            for file in old:
                file.unlink(missing_ok=True)
            count += len(old)
            is_old = folder.stat().st_mtime < oldest
            if len(old) == len(files) and (old or is_old):
                shutil.rmtree(folder, ignore_errors=True)
        return count

    def _file(self, owner: Owner, session_id: str, suffix: str) -> Path:
        return self._folder / owner.folder / (session_id + suffix)

    def _words(self, file: Path) -> dict[str, Any] | None:
        try:
            words: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return {**words, "hasSound": file.with_suffix(SOUND_SUFFIX).is_file()}


def records_of(settings: ServerSettings) -> Records | None:
    """Return the folder of the settings; None when nothing is kept.

    Raises:
        RecordsError: the folder cannot be used.
    """
    folder = settings.transcripts_dir
    if folder is None:
        return None
    try:
        return Records(folder, settings.transcripts_days, with_sound=settings.transcripts_sound)
    except OSError as error:
        raise RecordsError(f"TRANSCRIPTS_DIR: {folder}: {error.strerror}") from error


@asynccontextmanager
async def swept(records: Records | None) -> AsyncGenerator[None]:
    """Sweep a folder every hour, while the context lasts."""
    if records is None:
        yield
        return
    sweeping = asyncio.create_task(_sweep_hourly(records), name="sweep transcripts")
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.wait({sweeping})


async def _sweep_hourly(records: Records) -> None:
    while True:
        try:
            if count := await asyncio.to_thread(records.sweep):
                logger.info("{} files of transcripts were too old and are deleted", count)
        except OSError as error:
            logger.error("transcripts cannot be swept: {}", type(error).__name__)
        await asyncio.sleep(SWEEP_EVERY_SECS)
